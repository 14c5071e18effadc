// SPDX-License-Identifier: GPL-2.0-only
/*
 * User memory made of chosen page frames.
 *
 * Whether pages are contiguous, reserved or missing decides what the driver
 * does, and a page allocator does not take orders for a pattern.  So the suites map a
 * file with a fault handler that hands out the page that a table names.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/module.h>
#include <linux/sched/mm.h>

#include "../mock/mock_compat.h"
#include "t1x_kunit.h"

#define BLOCK_ORDER	10
#define BLOCK_PAGES	(FAKE_PAGES / 2)
#define BAR_ORDER	7

/* Leaves a gap in the file, or the kernel would merge the two windows. */
#define BAR_PGOFF	(2 * FAKE_PAGES)

static_assert(1U << BLOCK_ORDER == BLOCK_PAGES);
static_assert(1U << BAR_ORDER == FAKE_BAR_PAGES);

struct fake_memory fake_memory;

static unsigned long long seed;
module_param_named(kunit_seed, seed, ullong, 0444);
MODULE_PARM_DESC(kunit_seed, "Seed of the randomised tests (default: random).");

/**
 * t1x_kunit_seed() - start a random sequence, and say how to repeat it
 * @test: the test
 *
 * Return: state for prandom_u32_state().
 */
struct rnd_state t1x_kunit_seed(struct kunit *test)
{
	struct rnd_state rnd;

	if (!seed)
		seed = get_random_u64();
	kunit_info(test, "kunit_seed=%llu", seed);
	prandom_seed_state(&rnd, seed);
	return rnd;
}

static vm_fault_t fake_ram_fault(struct vm_fault *vmf)
{
	struct page *page = NULL;

	if (fake_memory.on_fault)
		fake_memory.on_fault();
	if (vmf->pgoff < FAKE_PAGES)
		page = fake_memory.layout[vmf->pgoff];
	if (!page)
		return VM_FAULT_SIGBUS;
	get_page(page);
	vmf->page = page;
	return 0;
}

static const struct vm_operations_struct fake_ram_ops = {
	.fault = fake_ram_fault,
};

static vm_fault_t fake_bar_fault(struct vm_fault *vmf)
{
	int i = vmf->pgoff - BAR_PGOFF;

	fake_memory.bar_faults++;
	if (!fake_memory.bar_layout[i])
		return VM_FAULT_SIGBUS;
	return vmf_insert_pfn_prot(vmf->vma, vmf->address,
				   page_to_pfn(fake_memory.bar_layout[i]),
				   i == fake_memory.bar_read_only ?
				   PAGE_READONLY : vmf->vma->vm_page_prot);
}

static const struct vm_operations_struct fake_bar_ops = {
	.fault = fake_bar_fault,
};

static int fake_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff < BAR_PGOFF) {
		vma->vm_ops = &fake_ram_ops;
		return 0;
	}
	vm_flags_set(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP);
	vma->vm_ops = &fake_bar_ops;
	return 0;
}

static const struct file_operations fake_fops = {
	.owner = THIS_MODULE,
	.mmap = fake_mmap,
};

/**
 * fake_memory_page() - a page of the pool
 * @i: neighbours are physically contiguous, except across the middle
 *
 * Return: the page.
 */
struct page *fake_memory_page(unsigned int i)
{
	return fake_memory.block[i / BLOCK_PAGES] + i % BLOCK_PAGES;
}

static void fake_memory_zap(void)
{
	unmap_mapping_range(fake_memory.file->f_mapping, 0, 0, 1);
}

/**
 * fake_memory_reset() - lay the RAM window out in two contiguous halves, and
 *			 the BAR window in one piece
 */
void fake_memory_reset(void)
{
	unsigned int i;

	fake_memory_zap();
	for (i = 0; i < FAKE_PAGES; i++)
		fake_memory.layout[i] = fake_memory_page(i);
	for (i = 0; i < FAKE_BAR_PAGES; i++)
		fake_memory.bar_layout[i] = fake_memory.bar + i;
	fake_memory.bar_read_only = -1;
	fake_memory.bar_faults = 0;
}

/**
 * fake_memory_reverse() - turn the order of pages, which makes each a run of its own
 * @first: the first of them
 * @npages: how many
 */
void fake_memory_reverse(unsigned int first, unsigned int npages)
{
	struct page **low = fake_memory.layout + first, **high = low + npages;

	fake_memory_zap();
	while (low + 1 < high)
		swap(*low++, *--high);
}

/**
 * fake_memory_scatter() - make every page of the RAM window a run of its own
 */
void fake_memory_scatter(void)
{
	fake_memory_reverse(0, FAKE_PAGES);
}

/**
 * fake_memory_expect_unpinned() - expect that no page is pinned any more
 * @test: the test
 */
void fake_memory_expect_unpinned(struct kunit *test)
{
	unsigned int i, held = 0;

	fake_memory_zap();
	for (i = 0; i < FAKE_PAGES; i++)
		if (page_ref_count(fake_memory_page(i)) != 1)
			held++;
	for (i = 0; i < FAKE_BAR_PAGES; i++)
		if (page_ref_count(fake_memory.bar + i) != 1)
			held++;
	KUNIT_EXPECT_EQ_MSG(test, held, 0U, "%u pages still pinned", held);
}

/**
 * fake_memory_locked() - locked memory of the fake user
 *
 * Return: pages.
 */
long fake_memory_locked(void)
{
	return fake_memory.mm->locked_vm;
}

static struct page *fake_block_alloc(unsigned int order)
{
	struct page *page = alloc_pages(GFP_KERNEL | __GFP_ZERO, order);

	if (page)
		split_page(page, order);
	return page;
}

static void fake_block_free(struct page *page, unsigned int order)
{
	unsigned int i;

	if (!page)
		return;
	for (i = 0; i < 1U << order; i++)
		__free_page(page + i);
}

static int fake_memory_map(void)
{
	const unsigned long bytes = (FAKE_PAGES + FAKE_BAR_PAGES) * PAGE_SIZE;
	const unsigned long room = bytes + 2 * PMD_SIZE;
	unsigned long vaddr;

	/* Only to learn where there is room: nothing else maps here meanwhile. */
	vaddr = vm_mmap(fake_memory.file, 0, room, PROT_NONE, MAP_SHARED, 0);
	if (IS_ERR_VALUE(vaddr))
		return vaddr;
	vm_munmap(vaddr, room);

	/* All of it, then the BAR over its end: neighbours for sure. */
	vaddr = ALIGN(vaddr + bytes, PMD_SIZE) +
		FAKE_BAR_PAGES / 2 * PAGE_SIZE - bytes;
	vaddr = vm_mmap(fake_memory.file, vaddr, bytes, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED, 0);
	if (IS_ERR_VALUE(vaddr))
		return vaddr;
	fake_memory.vaddr = vaddr;
	vaddr += FAKE_PAGES * PAGE_SIZE;
	vaddr = vm_mmap(fake_memory.file, vaddr, FAKE_BAR_PAGES * PAGE_SIZE,
			PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			BAR_PGOFF * PAGE_SIZE);
	return IS_ERR_VALUE(vaddr) ? (int)vaddr : 0;
}

/**
 * t1x_kunit_suite_init() - make up for a module_init() that comes too late
 * @suite: the suite
 *
 * Old kernels run the suites of a module before its module_init().
 *
 * Return: 0 or -ENOMEM.
 */
int t1x_kunit_suite_init(struct kunit_suite *suite)
{
	if (THIS_MODULE->state == MODULE_STATE_LIVE)
		return 0;
	return t1x_dma_cache_init();
}

/**
 * t1x_kunit_suite_exit() - undo t1x_kunit_suite_init()
 * @suite: the suite
 */
void t1x_kunit_suite_exit(struct kunit_suite *suite)
{
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		t1x_dma_cache_exit();
}

/**
 * fake_memory_suite_init() - make the windows
 * @suite: the suite
 *
 * Context: the process that loads the module; its address space is used.
 * Return: 0 or a negative errno.
 */
int fake_memory_suite_init(struct kunit_suite *suite)
{
	unsigned int i;
	int ret;

	memset(&fake_memory, 0, sizeof(fake_memory));
	if (!current->mm)
		return -ENODEV;
	ret = t1x_kunit_suite_init(suite);
	if (ret)
		return ret;

	fake_memory.file = anon_inode_getfile("t1x_kunit", &fake_fops, NULL,
					      O_RDWR);
	if (IS_ERR(fake_memory.file))
		return PTR_ERR(fake_memory.file);
	fake_memory.block[0] = fake_block_alloc(BLOCK_ORDER);
	fake_memory.block[1] = fake_block_alloc(BLOCK_ORDER);
	fake_memory.bar = fake_block_alloc(BAR_ORDER);
	if (!fake_memory.block[0] || !fake_memory.block[1] || !fake_memory.bar)
		return -ENOMEM;
	for (i = 0; i < FAKE_BAR_PAGES; i++)
		SetPageReserved(fake_memory.bar + i);

	ret = fake_memory_map();
	if (ret)
		return ret;
	fake_memory.mm = current->mm;
	mmget(fake_memory.mm);
	fake_memory_reset();
	return 0;
}

/**
 * fake_memory_suite_exit() - undo fake_memory_suite_init(), done or half done
 * @suite: the suite
 */
void fake_memory_suite_exit(struct kunit_suite *suite)
{
	unsigned int i;

	t1x_kunit_suite_exit(suite);
	if (IS_ERR_OR_NULL(fake_memory.file))
		return;
	if (fake_memory.vaddr)
		vm_munmap(fake_memory.vaddr,
			  (FAKE_PAGES + FAKE_BAR_PAGES) * PAGE_SIZE);
	if (fake_memory.mm)
		mmput(fake_memory.mm);
	fput(fake_memory.file);
	for (i = 0; fake_memory.bar && i < FAKE_BAR_PAGES; i++)
		ClearPageReserved(fake_memory.bar + i);
	fake_block_free(fake_memory.bar, BAR_ORDER);
	fake_block_free(fake_memory.block[0], BLOCK_ORDER);
	fake_block_free(fake_memory.block[1], BLOCK_ORDER);
}
