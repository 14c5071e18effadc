// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory regions: what a container has registered.
 *
 * Registering pins the memory at a range of addresses, and the range is its name from then
 * on.  If the process puts other memory there, by munmap(), MADV_DONTNEED or mremap(), a MAP of
 * these addresses still maps what was registered.
 *
 * A mapping that lies in a memory region takes its runs from the umem.  They neither
 * hold a pin nor a charge of their own, so whatever undoes such a mapping gives nothing
 * back; a memory region cannot go while it has mappings (I1).
 */
#include "mr.h"

#include <linux/sched.h>
#include <linux/slab.h>

#include "container.h"
#include "t1x.h"
#include "trace.h"
#include "umem.h"
#include "urange.h"

/* Reserves the name, before the memory is pinned. */
static struct t1x_mr *t1x_mr_alloc(struct t1x_container *c,
				   unsigned long first,
				   unsigned long last, bool write)
{
	struct t1x_mr *mr = kzalloc_obj(*mr, GFP_KERNEL_ACCOUNT);
	const struct t1x_urange *there;
	int ret;

	if (!mr)
		return ERR_PTR(t1x_log_err(&c->errlog, -ENOMEM,
					   "register [%#llx, %#llx]: no memory to keep track of it",
					   first, last));
	mr->urange.mm = current->mm;
	mr->urange.first = first;
	mr->urange.last = last;
	mr->write = write;

	ret = mutex_lock_killable(&c->lock);
	if (!ret) {
		there = t1x_urange_add(&c->mrs, &mr->urange);
		if (there)
			ret = t1x_log_err(&c->errlog, -EEXIST,
					  "register [%#llx, %#llx] overlaps [%#llx, %#llx], which is registered",
					  first, last, there->first, there->last);
		mutex_unlock(&c->lock);
	}
	if (ret) {
		kfree(mr);
		return ERR_PTR(ret);
	}
	return mr;
}

/**
 * t1x_mr_register() - pin and charge memory of the caller for later mappings
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
int t1x_mr_register(struct t1x_container *c, unsigned long first,
		    unsigned long last, bool write)
{
	struct t1x_umem *umem;
	struct t1x_mr *mr;
	int ret = 0;

	if (!current->mm)
		return -ENODEV;
	mr = t1x_mr_alloc(c, first, last, write);
	if (IS_ERR(mr)) {
		ret = PTR_ERR(mr);
		goto out;
	}
	umem = t1x_umem_get_pinned(c, first, last, write);

	mutex_lock(&c->lock);
	if (IS_ERR(umem)) {
		rb_erase(&mr->urange.node, &c->mrs);
	} else {
		mr->umem = umem;
		c->mr_npages += t1x_urange_npages(&mr->urange);
	}
	mutex_unlock(&c->lock);
	if (IS_ERR(umem)) {
		ret = PTR_ERR(umem);
		kfree(mr);
	}
out:
	trace_t1x_register(c->id, first, last, ret);
	return ret;
}

static void t1x_mr_free(struct t1x_mr *mr)
{
	t1x_umem_put(mr->umem);
	kfree(mr);
}

/**
 * t1x_mr_unregister() - undo t1x_mr_register()
 * @c: the container
 * @first: first byte
 * @last: last byte
 *
 * Context: takes the lock; may sleep long, without it.
 * Return: 0; -ENOENT if the caller's address space did not register just this
 * range here; -EBUSY while a mapping uses it; -EINTR when killed while waiting.
 */
int t1x_mr_unregister(struct t1x_container *c, unsigned long first,
		      unsigned long last)
{
	unsigned long nr_dmas = 0;
	struct t1x_mr *mr;
	int ret;

	ret = mutex_lock_killable(&c->lock);
	if (ret)
		return ret;
	mr = t1x_mr_find(c, first, last);
	if (mr)
		nr_dmas = mr->nr_dmas;
	if (!mr || !t1x_urange_is(&mr->urange, first, last)) {
		ret = -ENOENT;
	} else if (nr_dmas) {
		ret = -EBUSY;
	} else {
		rb_erase(&mr->urange.node, &c->mrs);
		c->mr_npages -= t1x_urange_npages(&mr->urange);
	}
	mutex_unlock(&c->lock);

	if (ret)
		t1x_log_err(&c->errlog, ret,
			    "unregister memory [%#llx, %#llx], of which %llu mappings are made",
			    first, last, nr_dmas);
	else
		t1x_mr_free(mr);
	trace_t1x_unregister(c->id, first, last, ret);
	return ret;
}

/**
 * t1x_mr_unregister_all() - undo what is left of t1x_mr_register()
 * @c: the container, without mappings, from t1x_container_shutdown()
 *
 * Context: may sleep long.
 */
void t1x_mr_unregister_all(struct t1x_container *c)
{
	struct t1x_mr *mr;
	struct rb_node *node;

	while ((node = rb_first(&c->mrs))) {
		rb_erase(node, &c->mrs);
		mr = rb_entry(node, struct t1x_mr, urange.node);
		WARN_ON_ONCE(mr->nr_dmas);
		t1x_mr_free(mr);
	}
}

/**
 * t1x_mr_find() - look for registered memory
 * @c: the container
 * @first: first byte, in the caller's address space
 * @last: last byte
 *
 * Context: the lock is held.
 * Return: what was registered in this container and has all of the range, or
 * %NULL.
 */
struct t1x_mr *t1x_mr_find(const struct t1x_container *c,
			   unsigned long first, unsigned long last)
{
	const struct t1x_urange key = {
		.mm = current->mm,
		.first = first,
		.last = last,
	};
	struct t1x_mr *mr;
	struct t1x_urange *urange;

	lockdep_assert_held(&c->lock);

	urange = t1x_urange_find(&c->mrs, &key);
	if (!urange)
		return NULL;
	mr = container_of(urange, struct t1x_mr, urange);
	if (!mr->umem || first < mr->urange.first ||
	    last > mr->urange.last)
		return NULL;
	return mr;
}
