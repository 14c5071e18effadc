// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that mediated devices hold, one reference count for each.
 *
 * Owns the representation only: who pins, charges and unpins is access.c.
 *
 * An entry is one word, so that holding a page needs no memory of its own:
 * 40 bits of page frame (all that 52-bit addresses have), the kind, and 20 bits
 * of references.
 */
#include "pins.h"

#include <linux/bits.h>

#define T1X_PIN_PFN		GENMASK(39, 0)
#define T1X_PIN_PINNED		BIT(40)
#define T1X_PIN_RAM		BIT(41)
#define T1X_PIN_REF		BIT(42)
#define T1X_PIN_REF_MAX		(BIT(20) - 1)

static unsigned long t1x_pin_refs(unsigned long pin)
{
	return pin / T1X_PIN_REF;
}

static struct t1x_run t1x_pin_page(unsigned long pin)
{
	return (struct t1x_run){
		.pfn = pin & T1X_PIN_PFN,
		.npages = 1,
		.pinned = !!(pin & T1X_PIN_PINNED),
		.ram = !!(pin & T1X_PIN_RAM),
	};
}

/**
 * t1x_pins_init() - make an empty set
 * @pins: to be initialised
 */
void t1x_pins_init(struct t1x_pins *pins)
{
	xa_init_flags(&pins->pages, XA_FLAGS_ACCOUNT);
}

/**
 * t1x_pins_add() - note a page that was pinned, with one reference
 * @pins: the set
 * @index: its t1x_pins_index(); not held yet
 * @page: the page
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int t1x_pins_add(struct t1x_pins *pins, unsigned long index,
		 const struct t1x_run *page)
{
	unsigned long pin = page->pfn | T1X_PIN_REF;

	if (page->pinned)
		pin |= T1X_PIN_PINNED;
	if (page->ram)
		pin |= T1X_PIN_RAM;
	return xa_err(xa_store(&pins->pages, index, xa_mk_value(pin),
			       GFP_KERNEL_ACCOUNT));
}

/**
 * t1x_pins_get() - take one more reference
 * @pins: the set
 * @index: its t1x_pins_index()
 * @pfn: set to the page frame
 *
 * Return: 0, -ENOENT for a page not held, -EOVERFLOW after a million references.
 */
int t1x_pins_get(struct t1x_pins *pins, unsigned long index,
		 unsigned long *pfn)
{
	void *entry = xa_load(&pins->pages, index);
	unsigned long pin;

	if (!entry)
		return -ENOENT;
	pin = xa_to_value(entry);
	if (t1x_pin_refs(pin) == T1X_PIN_REF_MAX)
		return -EOVERFLOW;

	/* The slot exists: nothing is allocated. */
	xa_store(&pins->pages, index, xa_mk_value(pin + T1X_PIN_REF), 0);
	*pfn = pin & T1X_PIN_PFN;
	return 0;
}

/**
 * t1x_pins_put() - drop a reference
 * @pins: the set
 * @index: its t1x_pins_index()
 * @page: set to the page if it was the last one
 *
 * Return: whether @page is now the caller's to unpin; not so for a page that
 * was not held.
 */
bool t1x_pins_put(struct t1x_pins *pins, unsigned long index,
		  struct t1x_run *page)
{
	void *entry = xa_load(&pins->pages, index);
	unsigned long pin;

	if (!entry)
		return false;
	pin = xa_to_value(entry);
	if (t1x_pin_refs(pin) > 1) {
		xa_store(&pins->pages, index, xa_mk_value(pin - T1X_PIN_REF),
			 0);
		return false;
	}
	xa_erase(&pins->pages, index);
	*page = t1x_pin_page(pin);
	return true;
}

/**
 * t1x_pins_first() - find a held page
 * @pins: the set
 * @index: where to begin; set to where it was found
 * @last: where to end
 * @page: set to the page
 *
 * Return: whether there is one in that range.
 */
bool t1x_pins_first(struct t1x_pins *pins, unsigned long *index,
		    unsigned long last, struct t1x_run *page)
{
	void *entry = xa_find(&pins->pages, index, last, XA_PRESENT);

	if (!entry)
		return false;
	*page = t1x_pin_page(xa_to_value(entry));
	return true;
}

/**
 * t1x_pins_take() - take a page away from all who hold it
 * @pins: the set
 * @index: where to begin; set to where it was found
 * @last: where to end
 * @page: set to the page, which is the caller's to unpin
 *
 * Return: whether there was one in that range.
 */
bool t1x_pins_take(struct t1x_pins *pins, unsigned long *index,
		   unsigned long last, struct t1x_run *page)
{
	if (!t1x_pins_first(pins, index, last, page))
		return false;
	xa_erase(&pins->pages, *index);
	return true;
}

/**
 * t1x_pins_nram() - count the held pages of RAM in a range
 * @pins: the set
 * @index: first page of the range
 * @npages: pages of the range
 *
 * Return: how many.
 */
unsigned long t1x_pins_nram(struct t1x_pins *pins, unsigned long index,
			    unsigned long npages)
{
	unsigned long i, nram = 0;
	void *entry;

	if (!npages || t1x_pins_empty(pins))
		return 0;
	xa_for_each_range(&pins->pages, i, entry, index, index + npages - 1)
		if (xa_to_value(entry) & T1X_PIN_RAM)
			nram++;
	return nram;
}

/**
 * t1x_pins_count() - how many pages are held
 * @pins: the set
 *
 * Context: any; no lock is needed, but what changes meanwhile may be missed.
 * Return: their number.
 */
unsigned long t1x_pins_count(struct t1x_pins *pins)
{
	unsigned long index, count = 0;
	void *entry;

	xa_for_each(&pins->pages, index, entry)
		count++;
	return count;
}
