// SPDX-License-Identifier: GPL-2.0-only
/*
 * What all domains of a container have in common: usable IOVAs and page sizes.
 *
 * Usable IOVAs are computed from all domains and groups each time: what every aperture
 * covers and no group reserves.
 */
#include "aperture.h"

#include <linux/iommu.h>

#include "container.h"
#include "dma.h"
#include "domain.h"
#include "iova_ranges.h"

/* A relaxable direct region is for the kernel's driver, not for an assigned device. */
static int t1x_aperture_exclude(const struct iommu_resv_region *region, void *ranges)
{
	if (region->type == IOMMU_RESV_DIRECT_RELAXABLE || !region->length)
		return 0;
	return t1x_iova_exclude(ranges, region->start,
				region->start + region->length - 1);
}

static int t1x_aperture_restrict(struct t1x_iova_ranges *ranges,
				 struct t1x_domain *d)
{
	const struct iommu_domain_geometry *geo = &d->domain->geometry;
	struct t1x_group *g;
	int ret;

	t1x_iova_ranges_clip(ranges, geo->aperture_start, geo->aperture_end);
	list_for_each_entry(g, &d->groups, node) {
		ret = t1x_group_for_each_resv(g->group, t1x_aperture_exclude, ranges);
		if (ret)
			return ret;
	}
	return 0;
}

/* What is looked for among the regions that are reserved, and the type that was found. */
struct t1x_aperture_search {
	dma_addr_t first;
	dma_addr_t last;
	int type;
};

static int t1x_aperture_find(const struct iommu_resv_region *region, void *data)
{
	struct t1x_aperture_search *search = data;

	if (!region->length || region->start > search->last ||
	    region->start + region->length - 1 < search->first)
		return 0;
	search->type = region->type;
	return 1;
}

/**
 * t1x_aperture_reserved() - find out what a range is reserved for
 * @c: the container
 * @first: first byte
 * @last: last byte
 *
 * Context: c->lock is held; may sleep.
 * Return: the enum iommu_resv_type of a region there, or -1 if no group has one: then no
 * domain translates it.
 */
int t1x_aperture_reserved(struct t1x_container *c, dma_addr_t first, dma_addr_t last)
{
	struct t1x_aperture_search search = { .first = first, .last = last, .type = -1 };
	struct t1x_domain *d;
	struct t1x_group *g;

	list_for_each_entry(d, &c->domains, node)
		list_for_each_entry(g, &d->groups, node)
			if (t1x_group_for_each_resv(g->group, t1x_aperture_find,
						    &search) > 0)
				return search.type;
	return -1;
}

/**
 * t1x_aperture_compute() - compute the usable IOVAs of a container
 * @c: the container
 * @extra: one more domain, or %NULL
 * @ranges: initialised and empty; the caller frees them, also on failure
 *
 * Context: c->lock is held.
 * Return: 0; -EINVAL if no IOVA is left; -ENOMEM, or an error of the IOMMU.
 */
int t1x_aperture_compute(struct t1x_container *c, struct t1x_domain *extra,
			 struct t1x_iova_ranges *ranges)
{
	struct t1x_domain *d;
	int ret;

	ret = t1x_iova_ranges_init_full(ranges);
	if (ret)
		return ret;

	list_for_each_entry(d, &c->domains, node) {
		ret = t1x_aperture_restrict(ranges, d);
		if (ret)
			return ret;
	}
	if (extra)
		ret = t1x_aperture_restrict(ranges, extra);
	if (!ret && !ranges->nr)
		ret = -EINVAL;
	return ret;
}

/**
 * t1x_aperture_conflict() - is a mapping outside of these ranges
 * @c: the container
 * @ranges: usable IOVAs
 *
 * Looks for a mapping in each gap, so the number of mappings does not matter.
 *
 * Context: c->lock is held.
 * Return: whether a mapping has an IOVA that is in none of them.
 */
bool t1x_aperture_conflict(struct t1x_container *c,
			   const struct t1x_iova_ranges *ranges)
{
	const struct t1x_iova_range *range = ranges->range;
	const struct t1x_iova_range *end = range + ranges->nr;
	dma_addr_t first = 0;

	for (; range < end; range++) {
		if (first < range->first &&
		    t1x_dma_first(&c->dma_tree, first, range->first - 1))
			return true;
		first = range->last + 1;
		if (!first)
			return false;
	}
	return t1x_dma_first(&c->dma_tree, first, ~(dma_addr_t)0);
}

/**
 * t1x_aperture_refresh() - compute &t1x_container.ranges anew after a detach
 * @c: the container
 *
 * Without memory they stay as they are, which is narrower than need be (I3).
 *
 * Context: c->lock is held.
 */
void t1x_aperture_refresh(struct t1x_container *c)
{
	struct t1x_iova_ranges ranges;

	t1x_iova_init(&ranges);
	if (!t1x_aperture_compute(c, NULL, &ranges))
		t1x_iova_ranges_swap(&c->iova_ranges, &ranges);
	t1x_iova_free(&ranges);
}

/**
 * t1x_aperture_pgsizes() - compute the page sizes of a container
 * @c: the container
 * @extra: one more domain, or %NULL
 *
 * Context: c->lock is held.
 * Return: the sizes that all domains support, none below PAGE_SIZE; 0 if there is none.
 */
unsigned long t1x_aperture_pgsizes(struct t1x_container *c,
				   const struct t1x_domain *extra)
{
	unsigned long pgsizes = extra ? extra->domain->pgsize_bitmap : ~0UL;
	struct t1x_domain *d;

	list_for_each_entry(d, &c->domains, node)
		pgsizes &= d->domain->pgsize_bitmap;

	/* Sizes below a CPU page are of no use, and imply that page works. */
	if (pgsizes & ~PAGE_MASK)
		pgsizes = (pgsizes & PAGE_MASK) | PAGE_SIZE;
	return pgsizes;
}
