// SPDX-License-Identifier: GPL-2.0
/* What a thread of soak does with its IOVAs, and with the memory behind them. */
#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "random.h"
#include "soak_slots.h"
#include "sys.h"
#include "test.h"

/* Not in every header that this is compiled with. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

struct soak soak = { .device = PTHREAD_MUTEX_INITIALIZER };

static __thread uint64_t state;

/**
 * soak_seed() - begin the random numbers of this thread
 * @seed: any number
 */
void soak_seed(uint64_t seed)
{
	state = seed;
}

/**
 * soak_random() - the next random number of this thread
 * @below: how many there are to choose from
 *
 * Return: one from 0 on.
 */
uint64_t soak_random(uint64_t below)
{
	return random_next(&state) % below;
}

/**
 * soak_one_in() - be true now and then
 * @n: how often: one time in so many
 *
 * Return: true or false.
 */
bool soak_one_in(uint64_t n)
{
	return !soak_random(n);
}

/**
 * soak_count() - count one more
 * @what: one of &struct soak_counts
 */
void soak_count(unsigned long *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

/* DMA takes 100 ms in QEMU and nothing in UML. */
static bool time_for_dma(void)
{
	return soak_one_in(sys_is_uml() ? 3 : 60);
}

/* --- memory --------------------------------------------------------------------- */

static char *some_memory(size_t size)
{
	char *memory;

	switch (soak_random(5)) {
	case 0:
		return mem_anon_cold(size);
	case 1:
		return mem_scattered(size / PAGE);
	case 2:
		memory = mem_anon_aligned(size, HUGE_PMD);
		madvise(memory, size, MADV_HUGEPAGE);
		return memory;
	default:
		return mem_anon(size);
	}
}

/* What a process may do with its memory while a device has it. */
static void disturb(struct soak_slot *slot)
{
	size_t at = soak_random(slot->size / PAGE) * PAGE;
	size_t len = PAGE + soak_random((slot->size - at) / PAGE) * PAGE;
	char *page = slot->memory + at;
	pid_t pid;

	switch (soak_random(9)) {
	case 0:
		madvise(page, len, MADV_DONTNEED);
		slot->moved = true;
		break;
	case 1:
		madvise(page, len, MADV_PAGEOUT);
		break;
	case 2:
		mprotect(page, len, PROT_NONE);
		mprotect(page, len, PROT_READ | PROT_WRITE);
		break;
	case 3:
		/* In place of what is there. */
		if (mmap(page, len, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
			fail("mmap: %s", strerror(errno));
		slot->moved = true;
		break;
	case 4:
		/* Registered memory is known by its address. */
		if (slot->registered)
			break;
		page = mremap(slot->memory, slot->size, slot->size, MREMAP_MAYMOVE);
		if (page == MAP_FAILED)
			fail("mremap: %s", strerror(errno));
		slot->memory = page;
		break;
	case 5:
		mlock(page, len);
		munlock(page, len);
		break;
	case 6:
		madvise(page, len, MADV_COLLAPSE);
		break;
	case 7:
		madvise(slot->memory, slot->size, soak_one_in(2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	case 8:
		/* vfork() in effect: a child of many threads must not do much. */
		pid = fork();
		if (!pid)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		break;
	}
}

/* --- what a thread does with its slots ------------------------------------------ */

/**
 * soak_may_fail() - may a request fail like this, at this moment?
 * @ret: what it returned
 *
 * Return: true if that is no fault.
 */
bool soak_may_fail(int64_t ret)
{
	return soak.leaving || ((soak.life.limited || soak.life.small) && ret == -ENOMEM);
}

static void unregister(struct soak_slot *slot)
{
	int ret;

	if (!slot->registered)
		return;
	slot->registered = false;
	ret = dma_unregister(soak.rig->container, slot->memory, slot->size);
	if (ret && !soak.leaving)
		expect_ret(ret, 0);
}

static void discard(struct soak_slot *slot)
{
	munmap(slot->memory, slot->size);
	slot->memory = NULL;
}

static void map(struct soak_slot *slot)
{
	size_t size = soak_one_in(6) ? (1 + soak_random(2)) * 2 * HUGE_2M :
				       (1 + soak_random(64)) * PAGE;
	int64_t ret;

	*slot = (struct soak_slot){ .iova = slot->iova, .size = size, .to = size };
	slot->memory = some_memory(size);
	slot->flags = soak_one_in(5) ? RO : RW;
	if (soak_one_in(5)) {
		ret = dma_register(soak.rig->container, slot->memory, size,
				   VFIO_TYPE1X_MEMORY_WRITE);
		if (!ret)
			soak_count(&soak.counts->registered);
		else if (!soak_may_fail(ret))
			expect_ret(ret, 0);
		slot->registered = !ret;
	}
	if (soak_one_in(3)) {
		slot->granule = PAGE << soak_random(4);
		while (size % slot->granule)
			slot->granule /= 2;
		slot->flags = RW;
		ret = dma_map_granule(soak.rig->container, slot->memory, slot->iova, size,
				      slot->granule);
	} else {
		ret = dma_map(soak.rig->container, slot->memory, slot->iova, size, slot->flags);
	}
	if (!ret) {
		soak_count(&soak.counts->maps);
		return;
	}
	soak_count(&soak.counts->refused);
	if (!soak_may_fail(ret))
		expect_ret(ret, 0);
	unregister(slot);
	discard(slot);
}

/* Mapped once more it is refused, and nothing changes. */
static void map_again(struct soak_slot *slot)
{
	int64_t ret = dma_map(soak.rig->container, slot->memory, slot->iova + slot->from, PAGE, RW);

	soak_count(&soak.counts->refused);
	if (!soak.leaving)
		expect_ret(ret, -EEXIST);
}

static void check_dma(struct soak_slot *slot)
{
	if (slot->moved)
		return;
	pthread_mutex_lock(&soak.device);
	if (slot->flags == RO)
		dma_check_read(soak.rig, 0, slot->iova + slot->from, slot->memory + slot->from, 64);
	else
		dma_check_pages(soak.rig, 0, slot->iova + slot->from, slot->memory + slot->from,
				(slot->to - slot->from) / PAGE);
	pthread_mutex_unlock(&soak.device);
	soak_count(&soak.counts->dmas);
}

/* @from to @to, offsets, were unmapped by a request that has returned. */
static void check_no_dma(struct soak_slot *slot, size_t from, size_t to)
{
	size_t at = soak_one_in(2) ? from : to - PAGE;

	pthread_mutex_lock(&soak.device);
	dma_check_refused(soak.rig, 0, slot->iova + at, slot->memory + at);
	pthread_mutex_unlock(&soak.device);
	soak_count(&soak.counts->dmas);
}

static void unmap(struct soak_slot *slot, size_t from, size_t to)
{
	int64_t ret = dma_unmap(soak.rig->container, slot->iova + from, to - from);

	if (!soak.leaving)
		expect_ret(ret, to - from);
	if (ret > 0 && time_for_dma())
		check_no_dma(slot, from, to);
}

/**
 * soak_unmap() - unmap all of a slot, and let go of its memory
 * @slot: the slot, with memory
 */
void soak_unmap(struct soak_slot *slot)
{
	unmap(slot, slot->from, slot->to);
	soak_count(&soak.counts->unmaps);
	unregister(slot);
	discard(slot);
}

static void split(struct soak_slot *slot)
{
	size_t blocks = (slot->to - slot->from) / slot->granule, some = soak_random(blocks);

	if (!some)
		return;
	soak_count(&soak.counts->splits);
	some *= slot->granule;
	if (soak_one_in(2)) {
		unmap(slot, slot->from, slot->from + some);
		slot->from += some;
	} else {
		unmap(slot, slot->to - some, slot->to);
		slot->to -= some;
	}
}

/**
 * soak_step() - do something with a slot
 * @slot: the slot
 */
void soak_step(struct soak_slot *slot)
{
	if (!slot->memory) {
		map(slot);
		return;
	}
	switch (soak_random(8)) {
	case 0: case 1:
		disturb(slot);
		break;
	case 2:
		map_again(slot);
		break;
	case 3: case 4:
		if (slot->granule)
			split(slot);
		break;
	case 5:
		if (time_for_dma())
			check_dma(slot);
		break;
	default:
		soak_unmap(slot);
	}
}

