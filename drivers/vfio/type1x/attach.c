// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attaching and detaching groups.
 *
 * A group gets a domain of its own first, which shows what its IOMMU can do.  If a domain
 * of the container is compatible, the group moves over there; otherwise the new domain
 * joins the list and is filled with all mappings.  Everything that can fail is done
 * before the container is changed, so a refusal leaves it as it was (I4).
 */
#include "attach.h"

#include <linux/slab.h>

#include "aperture.h"
#include "container.h"
#include "dirty.h"
#include "dma.h"
#include "fill.h"
#include "fill_domain.h"
#include "params.h"
#include "t1x.h"
#include "trace.h"
#include "unfill.h"
#include "unmap.h"

/*
 * Moves the only group of @new to a domain of the container.  Returns that domain; %NULL
 * if none takes the group, which is in @new again; or an ERR_PTR() with the group
 * attached nowhere.
 */
static struct t1x_domain *t1x_attach_to_existing(struct t1x_container *c,
						 struct t1x_domain *new,
						 struct iommu_group *group)
{
	struct t1x_domain *d;
	int ret;

	list_for_each_entry(d, &c->domains, node) {
		if (!t1x_domain_compatible(d, new))
			continue;
		t1x_domain_detach(new, group);
		if (!t1x_domain_attach(d, group))
			return d;
		ret = t1x_domain_attach(new, group);
		if (ret)
			return ERR_PTR(ret);
	}
	return NULL;
}

static void t1x_unfill_all(struct t1x_container *c, const struct t1x_range *all)
{
	struct t1x_dma *dma, *first, **link = &first;

	t1x_dma_for_each(dma, &c->dma_tree) {
		*link = dma;
		link = &dma->next;
	}
	*link = NULL;
	if (likely(!t1x_dmas_unfill(c, all, first)))
		return;

	/* A page that an IOMMU keeps must not keep those of other mappings. */
	t1x_dma_for_each(dma, &c->dma_tree)
		if (dma->filled)
			t1x_dma_unfill(c, all, dma);
}

static void t1x_unfill_all_detached(struct t1x_container *c)
{
	struct t1x_dma *dma;

	t1x_dma_for_each(dma, &c->dma_tree)
		if (unlikely(dma->filled))
			t1x_dma_unfill_detached(c, dma);
}

/* mmio_lock, because revoking MMIO walks the list with no other lock. */
static void t1x_domain_add(struct t1x_container *c, struct t1x_domain *d)
{
	mutex_lock(&c->mmio_lock);
	list_add_tail(&d->node, &c->domains);
	mutex_unlock(&c->mmio_lock);
}

static void t1x_domain_del(struct t1x_container *c, struct t1x_domain *d)
{
	mutex_lock(&c->mmio_lock);
	list_del(&d->node);
	mutex_unlock(&c->mmio_lock);
}

/* Where the smallest page becomes another one, a dirty bit says nothing any more. */
static void t1x_attach_update_pgsizes(struct t1x_container *c)
{
	unsigned long pgsize = t1x_container_pgsize(c);

	c->pgsizes = t1x_aperture_pgsizes(c, NULL);
	if (pgsize != t1x_container_pgsize(c))
		t1x_dirty_mark_all(c);
}

/*
 * Adds a domain and maps what the others hold.  The first domain of a container
 * with mediated devices fills the mappings that they made.
 */
static int t1x_attach_new_domain(struct t1x_container *c,
				 const struct t1x_range *all, struct t1x_domain *d)
{
	bool first = list_empty(&c->domains);
	struct t1x_dma *dma;
	int ret = 0;

	t1x_domain_add(c, d);
	t1x_dma_for_each(dma, &c->dma_tree) {
		ret = first ? t1x_dma_fill(c, all, dma) :
			      t1x_fill_domain(c, all, dma, d);
		if (ret)
			break;
	}
	if (!ret)
		return 0;

	if (first)
		t1x_unfill_all(c, all);
	t1x_domain_del(c, d);
	return ret;
}

/* May @new, with its one group attached, be a domain of the container? */
static int t1x_attach_check(struct t1x_container *c, struct t1x_domain *new,
			    struct iommu_group *group,
			    struct t1x_iova_ranges *ranges)
{
	int ret;

	ret = t1x_aperture_compute(c, new, ranges);
	if (ret)
		return t1x_log_err(&c->errlog, ret,
				   "attach: no IOVA is known that can be used");
	if (t1x_aperture_conflict(c, ranges))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "attach: the group cannot reach what is mapped");
	if (!t1x_aperture_pgsizes(c, new))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "attach: the IOMMUs have no page size in common");

	if (!READ_ONCE(t1x_allow_unsafe_interrupts) &&
	    !t1x_group_msi_isolated(group))
		return t1x_log_err(&c->errlog, -EPERM,
				   "attach: no interrupt remapping (allow_unsafe_interrupts=1 goes without)");
	return 0;
}

/* Gives the container @g, in a domain that it has or in a new one, and @ranges. */
static int t1x_attach(struct t1x_container *c, const struct t1x_range *all,
		      struct t1x_group *g, struct t1x_iova_ranges *ranges)
{
	struct t1x_domain *new, *existing;
	int ret;

	new = t1x_domain_alloc(g->group);
	if (IS_ERR(new))
		return t1x_log_err(&c->errlog, PTR_ERR(new),
				   "attach: the IOMMU has no domain for the group");
	ret = t1x_domain_attach(new, g->group);
	if (ret) {
		t1x_log_err(&c->errlog, ret,
			    "attach: the IOMMU does not take the group");
		goto err_free;
	}
	list_add(&g->node, &new->groups);

	ret = t1x_attach_check(c, new, g->group, ranges);
	if (ret)
		goto err_detach;
	t1x_domain_enforce_coherency(new);

	existing = t1x_attach_to_existing(c, new, g->group);
	if (IS_ERR(existing)) {
		ret = t1x_log_err(&c->errlog, PTR_ERR(existing),
				  "attach: the IOMMU does not take the group back");
		goto err_free;
	}
	if (existing) {
		list_move(&g->node, &existing->groups);
		t1x_domain_free(new);
		goto out_ranges;
	}

	ret = t1x_domain_prepare(new);
	if (!ret)
		ret = t1x_domain_msi_window(new, g->group);
	if (!ret)
		ret = t1x_attach_new_domain(c, all, new);
	if (ret) {
		t1x_log_err(&c->errlog, ret,
			    "attach: what is mapped cannot be mapped for the group");
		goto err_detach;
	}
	t1x_attach_update_pgsizes(c);

out_ranges:
	t1x_iova_ranges_swap(&c->iova_ranges, ranges);
	return 0;

err_detach:
	t1x_domain_detach(new, g->group);
err_free:
	t1x_domain_free(new);
	/* With the domain, what the IOMMU would not unmap is gone from it. */
	if (list_empty(&c->domains))
		t1x_unfill_all_detached(c);
	return ret;
}

/* t1x_attach_group() with everything locked. */
static int t1x_attach_locked(struct t1x_container *c,
			     const struct t1x_range *all,
			     struct iommu_group *group, enum vfio_group_type type)
{
	struct t1x_iova_ranges ranges;
	struct t1x_domain *d;
	struct t1x_group *g;
	int ret;

	if (c->nr_vaddr_invalid)
		return t1x_log_err(&c->errlog, -EBUSY,
				   "attach: a vaddr is invalid");
	if (type == VFIO_NO_IOMMU || t1x_container_find_group(c, group, &d))
		return t1x_log_err(&c->errlog, -EINVAL,
				   "attach: the group has no IOMMU, or is attached");
	g = kzalloc_obj(*g, GFP_KERNEL_ACCOUNT);
	if (!g)
		return t1x_log_err(&c->errlog, -ENOMEM,
				   "attach: no memory for the group");
	g->group = group;

	if (type == VFIO_EMULATED_IOMMU) {
		list_add(&g->node, &c->emulated_groups);
		return 0;
	}

	t1x_iova_init(&ranges);
	ret = t1x_attach(c, all, g, &ranges);
	t1x_iova_free(&ranges);
	if (ret) {
		kfree(g);
		return ret;
	}
	g->non_pinned = true;
	c->nr_non_pinned_groups++;
	return 0;
}

/**
 * t1x_attach_group() - give a container one more IOMMU group
 * @cookie: the container
 * @group: the group; vfio.ko owns its DMA
 * @type: what stands behind it
 *
 * Context: called by vfio.ko with its group_lock held for write.
 * Return: 0; -EINVAL for a group attached twice, one that cannot reach existing
 * mappings, or one behind an IOMMU without a page size in common; -EPERM without
 * isolated MSIs; -EBUSY while a vaddr is invalid; -EINTR when killed while waiting;
 * errors of the IOMMU and of t1x_dma_fill().  On failure nothing changed.  During
 * VFIO_SET_IOMMU vfio.ko then asks the next backend, without a word.
 */
int t1x_attach_group(void *cookie, struct iommu_group *group,
		     enum vfio_group_type type)
{
	struct t1x_domain *d = NULL;
	struct t1x_container *c;
	struct t1x_range all;
	int ret;

	c = t1x_container_get(cookie);
	if (WARN_ON_ONCE(!c))
		return -EINVAL;
	ret = t1x_container_lock(c, &all, 0, ~(dma_addr_t)0, T1X_RANGE_OTHER);
	if (ret)
		goto out_put;

	ret = t1x_attach_locked(c, &all, group, type);
	if (!ret)
		t1x_container_find_group(c, group, &d);
	trace_t1x_attach(c->id, t1x_group_number(group), d ? d->id : 0,
			 d && !list_is_singular(&d->groups), ret);
	t1x_container_unlock(c, &all);
out_put:
	t1x_container_put(c);
	if (ret)
		pr_warn_ratelimited("attaching a group failed (%pe); vfio may try another backend\n",
				    ERR_PTR(ret));
	return ret;
}

/*
 * Frees a domain without groups.  With the last one everything is unfilled; the mappings
 * stay if a group of mediated devices does.
 */
static void t1x_detach_domain(struct t1x_container *c,
			      const struct t1x_range *all, struct t1x_domain *d)
{
	if (list_is_singular(&c->domains))
		t1x_unfill_all(c, all);
	t1x_domain_del(c, d);
	t1x_domain_free(d);
	if (list_empty(&c->domains))
		t1x_unfill_all_detached(c);
	t1x_attach_update_pgsizes(c);
}

/**
 * t1x_detach_group() - undo t1x_attach_group()
 * @cookie: the container
 * @group: the group; its DMA is blocked afterwards
 *
 * The last group takes all mappings, pins and charges along: only a container with a
 * group may have any.
 *
 * Context: called by vfio.ko with its group_lock held for write.
 */
void t1x_detach_group(void *cookie, struct iommu_group *group)
{
	struct t1x_container *c;
	struct t1x_range all;
	struct t1x_domain *d;
	struct t1x_group *g;

	c = t1x_container_get(cookie);
	if (WARN_ON_ONCE(!c))
		return;
	t1x_range_lock_all_uninterruptible(&c->range_tree, &all);
	mutex_lock(&c->lock);

	g = t1x_container_find_group(c, group, &d);
	if (WARN_ON_ONCE(!g))
		goto out_unlock;
	trace_t1x_detach(c->id, t1x_group_number(group), d ? d->id : 0,
			 d && !list_is_singular(&d->groups), 0);
	if (d)
		t1x_domain_detach(d, group);
	list_del(&g->node);
	if (g->non_pinned) {
		c->nr_non_pinned_groups--;
		t1x_dirty_mark_all(c);
	}
	kfree(g);

	if (d && list_empty(&d->groups))
		t1x_detach_domain(c, &all, d);
	if (d)
		t1x_aperture_refresh(c);
	if (list_empty(&c->domains) && list_empty(&c->emulated_groups))
		t1x_unmap_all(c, &all);

out_unlock:
	t1x_container_unlock(c, &all);
	t1x_container_put(c);
}

/**
 * t1x_group_domain() - the domain a group is attached to
 * @cookie: the container
 * @group: the group
 *
 * Context: called by vfio.ko; may sleep.
 * Return: the kernel's domain, valid while the group is attached; an ERR_PTR():
 * -EINVAL without container or group, -ENODEV for one that has no domain.
 */
struct iommu_domain *t1x_group_domain(void *cookie, struct iommu_group *group)
{
	struct iommu_domain *domain = ERR_PTR(-ENODEV);
	struct t1x_container *c;
	struct t1x_domain *d;

	c = t1x_container_get(cookie);
	if (!c || !group) {
		domain = ERR_PTR(-EINVAL);
		goto out_put;
	}
	mutex_lock(&c->lock);
	if (t1x_container_find_group(c, group, &d) && d)
		domain = d->domain;
	mutex_unlock(&c->lock);
out_put:
	if (c)
		t1x_container_put(c);
	return domain;
}

