/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PINS_H
#define _T1X_PINS_H

#include <linux/xarray.h>

#include "runs.h"

/**
 * struct t1x_pins - pages of a mapping that mediated devices hold
 * @pages: by page index in the mapping: page frame, kind and references
 */
struct t1x_pins {
	struct xarray pages;
};

/**
 * t1x_pins_empty() - does no device hold a page
 * @pins: the pages
 *
 * Return: whether there is none.
 */
static inline bool t1x_pins_empty(const struct t1x_pins *pins)
{
	return xa_empty(&pins->pages);
}

void t1x_pins_init(struct t1x_pins *pins);
int t1x_pins_add(struct t1x_pins *pins, unsigned long index,
		 const struct t1x_run *page);
int t1x_pins_get(struct t1x_pins *pins, unsigned long index,
		 unsigned long *pfn);
bool t1x_pins_put(struct t1x_pins *pins, unsigned long index,
		  struct t1x_run *page);
bool t1x_pins_first(struct t1x_pins *pins, unsigned long *index,
		    struct t1x_run *page);
bool t1x_pins_take(struct t1x_pins *pins, unsigned long *index,
		   struct t1x_run *page);
unsigned long t1x_pins_nram(struct t1x_pins *pins, unsigned long index,
			    unsigned long npages);

#endif /* _T1X_PINS_H */
