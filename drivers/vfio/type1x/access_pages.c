// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages that mediated devices hold, one reference count for each.
 *
 * The representation alone: access.c pins, charges and unpins.
 *
 * An entry is one word, so a page that is held takes no memory of its own:
 * 40 bits of page frame (all that 52-bit addresses have), the kind, and 20 bits
 * of references.
 */
#include "access_pages.h"

#include <linux/bits.h>

#define T1X_ACCESS_PFN		GENMASK(39, 0)
#define T1X_ACCESS_PINNED		BIT(40)
#define T1X_ACCESS_RAM		BIT(41)
#define T1X_ACCESS_REF		BIT(42)
#define T1X_ACCESS_REF_MAX	(BIT(20) - 1)

static unsigned long t1x_access_refs(unsigned long pin)
{
	return pin / T1X_ACCESS_REF;
}

static struct t1x_run t1x_access_page(unsigned long pin)
{
	return (struct t1x_run){
		.pfn = pin & T1X_ACCESS_PFN,
		.npages = 1,
		.pinned = !!(pin & T1X_ACCESS_PINNED),
		.ram = !!(pin & T1X_ACCESS_RAM),
	};
}

/**
 * t1x_access_pages_init() - make an empty set
 * @access: to be initialised
 */
void t1x_access_pages_init(struct t1x_access_pages *access)
{
	xa_init_flags(&access->pages, XA_FLAGS_ACCOUNT);
}

/**
 * t1x_access_pages_add() - note a page that was pinned, with one reference
 * @access: the set
 * @index: its t1x_access_pages_index(); not held yet
 * @page: the page
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int t1x_access_pages_add(struct t1x_access_pages *access, unsigned long index,
			 const struct t1x_run *page)
{
	unsigned long pin = page->pfn | T1X_ACCESS_REF;

	if (page->pinned)
		pin |= T1X_ACCESS_PINNED;
	if (t1x_run_nram(page))
		pin |= T1X_ACCESS_RAM;
	return xa_err(xa_store(&access->pages, index, xa_mk_value(pin),
			       GFP_KERNEL_ACCOUNT));
}

/**
 * t1x_access_pages_get() - take one more reference
 * @access: the set
 * @index: its t1x_access_pages_index()
 * @pfn: set to the page frame
 *
 * Return: 0, -ENOENT for a page not held, -EOVERFLOW after a million references.
 */
int t1x_access_pages_get(struct t1x_access_pages *access, unsigned long index,
			 unsigned long *pfn)
{
	void *entry = xa_load(&access->pages, index);
	unsigned long pin;

	if (!entry)
		return -ENOENT;
	pin = xa_to_value(entry);
	if (t1x_access_refs(pin) == T1X_ACCESS_REF_MAX)
		return -EOVERFLOW;

	/* The slot exists: nothing is allocated. */
	xa_store(&access->pages, index, xa_mk_value(pin + T1X_ACCESS_REF), 0);
	*pfn = pin & T1X_ACCESS_PFN;
	return 0;
}

/**
 * t1x_access_pages_put() - drop a reference
 * @access: the set
 * @index: its t1x_access_pages_index()
 * @page: set to the page if it was the last one
 *
 * Return: whether @page is now the caller's to unpin; not so for a page that
 * was not held.
 */
bool t1x_access_pages_put(struct t1x_access_pages *access, unsigned long index,
			  struct t1x_run *page)
{
	void *entry = xa_load(&access->pages, index);
	unsigned long pin;

	if (!entry)
		return false;
	pin = xa_to_value(entry);
	if (t1x_access_refs(pin) > 1) {
		xa_store(&access->pages, index, xa_mk_value(pin - T1X_ACCESS_REF),
			 0);
		return false;
	}
	xa_erase(&access->pages, index);
	*page = t1x_access_page(pin);
	return true;
}

/**
 * t1x_access_pages_first() - find a held page
 * @access: the set
 * @index: where to begin; set to where it was found
 * @last: where to end
 * @page: set to the page
 *
 * Return: whether there is one in that range.
 */
bool t1x_access_pages_first(struct t1x_access_pages *access, unsigned long *index,
			    unsigned long last, struct t1x_run *page)
{
	void *entry = xa_find(&access->pages, index, last, XA_PRESENT);

	if (!entry)
		return false;
	*page = t1x_access_page(xa_to_value(entry));
	return true;
}

/**
 * t1x_access_pages_remove() - remove a page, whatever its references
 * @access: the set
 * @index: where to begin; set to where it was found
 * @last: where to end
 * @page: set to the page, which is the caller's to unpin
 *
 * Return: whether there was one in that range.
 */
bool t1x_access_pages_remove(struct t1x_access_pages *access, unsigned long *index,
			     unsigned long last, struct t1x_run *page)
{
	if (!t1x_access_pages_first(access, index, last, page))
		return false;
	xa_erase(&access->pages, *index);
	return true;
}

/**
 * t1x_access_pages_nram() - count the held pages of RAM in a range
 * @access: the set
 * @index: first page of the range
 * @npages: pages of the range
 *
 * Return: how many.
 */
unsigned long t1x_access_pages_nram(struct t1x_access_pages *access, unsigned long index,
				    unsigned long npages)
{
	unsigned long i, nram = 0;
	void *entry;

	if (!npages || t1x_access_pages_empty(access))
		return 0;
	xa_for_each_range(&access->pages, i, entry, index, index + npages - 1)
		if (xa_to_value(entry) & T1X_ACCESS_RAM)
			nram++;
	return nram;
}

/**
 * t1x_access_pages_count() - how many pages are held
 * @access: the set
 *
 * Context: any; no lock is needed, but what changes meanwhile may be missed.
 * Return: their number.
 */
unsigned long t1x_access_pages_count(struct t1x_access_pages *access)
{
	unsigned long index, count = 0;
	void *entry;

	xa_for_each(&access->pages, index, entry)
		count++;
	return count;
}
