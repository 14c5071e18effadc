// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container has registered.
 *
 * What is registered is memory; the addresses are what it is called from then on.  If
 * the process puts other memory there, by munmap(), MADV_DONTNEED or mremap(), a MAP of
 * these addresses still maps what was registered.
 *
 * A mapping that lies in a claim takes its runs from the region.  They neither hold a
 * pin nor a charge of their own, so whatever undoes such a mapping gives nothing back;
 * a claim cannot go while it has mappings (I1).
 */
#include "mr.h"

#include <linux/sched.h>
#include <linux/slab.h>

#include "container.h"
#include "span.h"
#include "t1x.h"
#include "trace.h"
#include "umem.h"

/* Takes the name; what else there is to registering comes after that. */
static struct t1x_claim *t1x_claim_alloc(struct t1x_container *c,
					 unsigned long first,
					 unsigned long last, bool write)
{
	struct t1x_claim *claim = kzalloc_obj(*claim, GFP_KERNEL_ACCOUNT);
	int ret;

	if (!claim)
		return ERR_PTR(-ENOMEM);
	claim->span.mm = current->mm;
	claim->span.first = first;
	claim->span.last = last;
	claim->write = write;

	ret = mutex_lock_killable(&c->lock);
	if (!ret) {
		if (t1x_span_add(&c->claims, &claim->span))
			ret = -EEXIST;
		mutex_unlock(&c->lock);
	}
	if (ret) {
		kfree(claim);
		return ERR_PTR(ret);
	}
	return claim;
}

/**
 * t1x_register() - pin and charge memory of the caller for later mappings
 * @c: the container
 * @first: first byte, of a page
 * @last: last byte, of a page
 * @write: devices may be allowed to write
 *
 * Context: takes the lock; may sleep long, without it.
 * Return: 0; -EEXIST if the range overlaps what is registered in this
 * container, or is not quite what is registered in another; -EPERM if another
 * one registered it without @write; -EFAULT for memory that is not there, not
 * accessible, or MMIO; -ENOMEM, -EINTR, -ENODEV (the container is going away).
 * On failure nothing is pinned or charged.
 */
int t1x_register(struct t1x_container *c, unsigned long first,
		 unsigned long last, bool write)
{
	struct t1x_region *region;
	struct t1x_claim *claim;
	int ret = 0;

	if (!current->mm)
		return -ENODEV;
	claim = t1x_claim_alloc(c, first, last, write);
	if (IS_ERR(claim)) {
		ret = PTR_ERR(claim);
		goto err;
	}
	region = t1x_region_get_pinned(c, first, last, write);

	mutex_lock(&c->lock);
	if (IS_ERR(region)) {
		rb_erase(&claim->span.node, &c->claims);
	} else {
		claim->region = region;
		c->registered += t1x_span_npages(&claim->span);
	}
	mutex_unlock(&c->lock);
	if (!IS_ERR(region))
		goto out;

	ret = PTR_ERR(region);
	kfree(claim);
err:
	t1x_refuse(&c->refusals, ret, "register memory [%#lx, %#lx]", first,
		   last);
out:
	trace_t1x_register(c->id, first, last, ret);
	return ret;
}

static void t1x_claim_free(struct t1x_claim *claim)
{
	t1x_region_put(claim->region);
	kfree(claim);
}

/**
 * t1x_unregister() - undo t1x_register()
 * @c: the container
 * @first: first byte
 * @last: last byte
 *
 * Context: takes the lock; may sleep long, without it.
 * Return: 0; -ENOENT if the caller's address space did not register just this
 * range here; -EBUSY while a mapping uses it; -EINTR when killed while waiting.
 */
int t1x_unregister(struct t1x_container *c, unsigned long first,
		   unsigned long last)
{
	unsigned long nr_dmas = 0;
	struct t1x_claim *claim;
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;
	claim = t1x_claim_find(c, first, last);
	if (claim)
		nr_dmas = claim->nr_dmas;
	if (!claim || !t1x_span_is(&claim->span, first, last)) {
		ret = -ENOENT;
	} else if (nr_dmas) {
		ret = -EBUSY;
	} else {
		rb_erase(&claim->span.node, &c->claims);
		c->registered -= t1x_span_npages(&claim->span);
	}
	mutex_unlock(&c->lock);

	if (ret)
		t1x_refuse(&c->refusals, ret,
			   "unregister memory [%#lx, %#lx], of which %lu mappings are made",
			   first, last, nr_dmas);
	else
		t1x_claim_free(claim);
	trace_t1x_unregister(c->id, first, last, ret);
	return ret;
}

/**
 * t1x_unregister_all() - undo what is left of t1x_register()
 * @c: the container, without mappings, which nobody else can find any more
 *
 * Context: may sleep long.
 */
void t1x_unregister_all(struct t1x_container *c)
{
	struct t1x_claim *claim;
	struct rb_node *node;

	while ((node = rb_first(&c->claims))) {
		rb_erase(node, &c->claims);
		claim = rb_entry(node, struct t1x_claim, span.node);
		WARN_ON_ONCE(claim->nr_dmas);
		t1x_claim_free(claim);
	}
}

/**
 * t1x_claim_find() - look for registered memory
 * @c: the container
 * @first: first byte, in the caller's address space
 * @last: last byte
 *
 * Context: the lock is held.
 * Return: what was registered in this container and has all of the range, or
 * %NULL.
 */
struct t1x_claim *t1x_claim_find(const struct t1x_container *c,
				 unsigned long first, unsigned long last)
{
	const struct t1x_span key = {
		.mm = current->mm,
		.first = first,
		.last = last,
	};
	struct t1x_claim *claim;
	struct t1x_span *span;

	lockdep_assert_held(&c->lock);

	span = t1x_span_find(&c->claims, &key);
	if (!span)
		return NULL;
	claim = container_of(span, struct t1x_claim, span);
	if (!claim->region || first < claim->span.first ||
	    last > claim->span.last)
		return NULL;
	return claim;
}
