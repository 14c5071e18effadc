// SPDX-License-Identifier: GPL-2.0-only
/*
 * A checker of the invariants (container.c), which tests have linked into the module.
 *
 * The number of a container, written to the module's parameter "invariants", has all that is
 * known of its mappings compared with everything locked: the tree, the runs, the charges,
 * the pins, registered memory, and what each IOMMU translates. The write fails with EUCLEAN if
 * two of them disagree, and the parameter tells which; the kernel's log has the first few.
 *
 * An IOMMU that does not unmap what it is told to leaves what must not be otherwise, so after
 * such an error nothing is checked until a test writes 0.
 */
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "access_pages.h"
#include "container.h"
#include "dma.h"
#include "dirty.h"
#include "domain.h"
#include "iova_ranges.h"
#include "mr.h"
#include "stats.h"

/* Pages that are looked at of a run, or of a hole: those at its ends, and some between. */
#define INVARIANTS_PAGES	512

#define INVARIANTS_LOGGED	5

static char invariants_said[160] = "nothing was checked";
static unsigned int invariants_nr;

/* T1X_STAT_UNMAP_ERRORS when the number 0 was written. */
static long invariants_errors;

static __printf(1, 2) void invariants_broken(const char *format, ...)
{
	char said[sizeof(invariants_said)];
	va_list args;

	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	if (!invariants_nr)
		strscpy(invariants_said, said, sizeof(invariants_said));
	if (invariants_nr++ < INVARIANTS_LOGGED)
		pr_err("invariant: %s\n", said);
}

/* Does each domain translate pages like this: to @pfn and what follows, or 0: to nothing? */
static void invariants_translated(struct t1x_container *c, dma_addr_t iova,
				  unsigned long npages, unsigned long pfn)
{
	unsigned long i, step = npages / INVARIANTS_PAGES + 1, want, got;
	struct t1x_domain *d;

	list_for_each_entry(d, &c->domains, node) {
		for (i = 0; i < npages; i = i + 1 < npages ? min(i + step, npages - 1) : npages) {
			want = pfn ? pfn + i : 0;
			got = t1x_domain_iova_to_pfn(d, iova + i * PAGE_SIZE);
			if (got != want)
				invariants_broken("I5: domain %lu has %#lx at %#llx, not %#lx",
						  d->id, got, (u64)iova + i * PAGE_SIZE, want);
		}
		cond_resched();
	}
}

static void invariants_pinned(const struct t1x_dma *dma, const struct t1x_run *run)
{
	unsigned long i, step = run->npages / INVARIANTS_PAGES + 1;

	for (i = 0; run->pinned && i < run->npages; i += step)
		if (!folio_maybe_dma_pinned(page_folio(pfn_to_page(run->pfn + i))))
			invariants_broken("I1: page frame %#lx of the mapping at %#llx has no pin",
					  run->pfn + i, (u64)dma->iova);
}

/* Compares the runs of a mapping with the domains; returns pages that are to be charged. */
static unsigned long invariants_runs(struct t1x_container *c, struct t1x_dma *dma)
{
	unsigned long index = t1x_runs_npages(&dma->runs), nram = 0;
	struct t1x_runs_pos pos;
	struct t1x_run *run;

	t1x_runs_walk(&dma->runs, &pos);
	while ((run = t1x_runs_next(&pos))) {
		if (!run->npages || run->npages > index) {
			invariants_broken("the runs of the mapping at %#llx have too many pages",
					  (u64)dma->iova);
			return nram;
		}
		index -= run->npages;
		nram += t1x_run_nram(run);
		if (dma->registered && run->pinned)
			invariants_broken("the mapping at %#llx of registered memory has pins",
					  (u64)dma->iova);
		invariants_translated(c, t1x_dma_iova_at(dma, index), run->npages,
				      run->revoked ? 0 : run->pfn);
		invariants_pinned(dma, run);
	}
	if (index)
		invariants_broken("%lu pages at %#llx are in no run", index, (u64)dma->iova);
	return nram;
}

static void invariants_dma(struct t1x_container *c, struct t1x_dma *dma)
{
	unsigned long npages = t1x_dma_npages(dma), run_pages = t1x_runs_npages(&dma->runs), nram;
	dma_addr_t iova = dma->iova;

	if (dma->filled > npages || run_pages > dma->filled ||
	    (run_pages < dma->filled && !dma->untracked))
		invariants_broken("I5: of %lu pages at %#llx %lu are filled, and %lu in runs",
				  npages, (u64)iova, dma->filled, run_pages);
	if (list_empty(&c->domains) ? dma->filled : dma->filled != npages)
		invariants_broken("I5: of %lu pages at %#llx %lu are filled", npages, (u64)iova,
				  dma->filled);
	nram = invariants_runs(c, dma);
	invariants_translated(c, t1x_dma_iova_at(dma, dma->filled), npages - dma->filled, 0);
	/* What a mediated device holds is charged to either. */
	if (t1x_access_pages_empty(&c->access_pages) && dma->owner.charged != nram)
		invariants_broken("I2: %lu pages at %#llx are charged, not %lu",
				  dma->owner.charged, (u64)iova, nram);
	if (c->iova_ranges.nr && !t1x_iova_contains(&c->iova_ranges, iova, dma->last))
		invariants_broken("the mapping [%#llx, %#llx] is not of usable IOVAs", (u64)iova,
				  (u64)dma->last);
	if (c->dirty != !!dma->dirty)
		invariants_broken("the mapping at %#llx has %s bitmap", (u64)iova,
				  dma->dirty ? "a" : "no");
}

/* Nothing is translated beside the mappings; an IOMMU's page may be larger than ours. */
static void invariants_hole(struct t1x_container *c, dma_addr_t first, dma_addr_t last)
{
	const unsigned long pgsize = t1x_container_pgsize(c);

	if (first > last || last - first < pgsize - 1 || !c->iova_ranges.nr)
		return;
	if (t1x_iova_contains(&c->iova_ranges, first, first + (pgsize - 1)))
		invariants_translated(c, first, pgsize >> PAGE_SHIFT, 0);
	if (t1x_iova_contains(&c->iova_ranges, last - (pgsize - 1), last))
		invariants_translated(c, last - (pgsize - 1), pgsize >> PAGE_SHIFT, 0);
}

static void invariants_mappings(struct t1x_container *c)
{
	const dma_addr_t top = ~(dma_addr_t)0;
	dma_addr_t next = 0;
	struct t1x_dma *dma;

	t1x_dma_for_each(dma, &c->dma_tree) {
		if (dma->last < dma->iova || dma->iova < next)
			invariants_broken("I5: [%#llx, %#llx] overlaps what is below %#llx",
					  (u64)dma->iova, (u64)dma->last, (u64)next);
		if (dma->iova)
			invariants_hole(c, next, dma->iova - 1);
		invariants_dma(c, dma);
		if (dma->registered)
			dma->mr->nr_dmas--;
		next = dma->last + 1;
		if (dma->last == top)
			return;
	}
	invariants_hole(c, next, top);
}

/* After invariants_mappings(), which took what the tree has off the counts. */
static void invariants_registered(struct t1x_container *c)
{
	struct rb_node *node;
	struct t1x_dma *dma;
	struct t1x_mr *mr;

	for (node = rb_first(&c->mrs); node; node = rb_next(node)) {
		mr = rb_entry(node, struct t1x_mr, urange.node);
		if (mr->nr_dmas)
			invariants_broken("registered memory at %#lx counts %ld mappings too many",
					  mr->urange.first, (long)mr->nr_dmas);
	}
	t1x_dma_for_each(dma, &c->dma_tree)
		if (dma->registered)
			dma->mr->nr_dmas++;
}

static int invariants_set(const char *value, const struct kernel_param *param)
{
	struct t1x_container *c;
	struct t1x_range all;
	unsigned long id;
	int ret;

	ret = kstrtoul(value, 10, &id);
	if (ret)
		return ret;
	if (!id)
		invariants_errors = t1x_stat_sum(T1X_STAT_UNMAP_ERRORS);
	if (!id || invariants_errors != t1x_stat_sum(T1X_STAT_UNMAP_ERRORS))
		return 0;
	c = t1x_container_get((void *)id);
	if (!c)
		return -ENOENT;
	ret = t1x_container_lock(c, &all, 0, ~(dma_addr_t)0, T1X_RANGE_OTHER);
	if (ret)
		goto out_put;

	invariants_nr = 0;
	strscpy(invariants_said, "all hold", sizeof(invariants_said));
	invariants_mappings(c);
	invariants_registered(c);
	t1x_container_unlock(c, &all);
	ret = invariants_nr ? -EUCLEAN : 0;

out_put:
	t1x_container_put(c);
	return ret;
}

static int invariants_get(char *buffer, const struct kernel_param *param)
{
	return scnprintf(buffer, PAGE_SIZE, "%s\n", invariants_said);
}

static const struct kernel_param_ops invariants_ops = {
	.set = invariants_set,
	.get = invariants_get,
};
module_param_cb(invariants, &invariants_ops, NULL, 0600);
MODULE_PARM_DESC(invariants, "number of a container whose invariants are checked; for tests");
