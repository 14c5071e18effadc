// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests from many threads, for as long as one likes.
 *
 * A round is the life of two processes, each with a container, a device and threads that
 * map, unmap, split and register memory, do with it what processes do with memory, and let
 * the device at it. Meanwhile a group comes and goes, dirty pages are tracked, debugfs is
 * read and the module is asked to go. In the end a process closes what it has, or leaves that
 * to the kernel, or is killed in the middle; and then nothing may be left of it.
 *
 * What a request has to answer is known where only one thread uses its IOVAs. Whatever else
 * goes wrong is for the kernel to notice, best one with KASAN and lockdep.
 *
 * The environment (scripts/soak): T1X_SOAK_SECONDS, or T1X_SOAK_ROUNDS, 2 without either;
 * T1X_SOAK_THREADS of each process; T1X_SOAK_SEED, to repeat what printed it, as far as
 * threads can be repeated.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/debugfs.h"
#include "lib/dirty.h"
#include "lib/invariants.h"
#include "lib/mem.h"
#include "lib/memcg.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* Not in every header that this is compiled with. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

#define MAX_THREADS	32
#define SLOTS		8		/* of a thread */
#define SLOT_SIZE	(16 * MIB)	/* of IOVAs */
#define OPS		(sys_is_short() ? 60 : 200)	/* of a thread, in a life */
#define LIMIT_PAGES	2048UL		/* of a process with RLIMIT_MEMLOCK */

/* IOVAs of the page that the device writes all the time. */
#define IOVA_ANVIL	0x0e000000UL

/* How a life ends. */
enum end { END_CLOSE, END_EXIT, END_EXEC, END_KILL, NR_ENDS };

/**
 * struct life - what is to become of a process
 * @end: how it ends
 * @limited: it has no CAP_IPC_LOCK and may lock LIMIT_PAGES
 * @small: its memory cgroup is too small, so it may be killed any time
 */
struct life {
	enum end end;
	bool limited;
	bool small;
};

/**
 * struct slot - IOVAs that one thread uses
 * @iova: the first
 * @memory: what was mapped there, or NULL
 * @size: of @memory in bytes
 * @from: the first byte that is mapped, as an offset
 * @to: where that ends; a mapping with granules loses blocks at both ends
 * @granule: 0 without
 * @flags: of the map
 * @registered: the memory is
 * @moved: the process no longer has at @memory what the device has
 */
struct slot {
	uint64_t iova;
	char *memory;
	size_t size;
	size_t from;
	size_t to;
	size_t granule;
	uint32_t flags;
	bool registered;
	bool moved;
};

/* What all processes count, in memory that they share. */
static struct counts {
	unsigned long maps, refused, unmaps, splits, registered, joins, dirty, dmas, anvils,
		hammered, ends[NR_ENDS], killed;
} *counts;

static void count(unsigned long *what)
{
	__atomic_add_fetch(what, 1, __ATOMIC_RELAXED);
}

static struct rig *rig;
static int nr_threads = 4;
static struct life life;
static bool leaving;

/* Of the device, which does one thing at a time. */
static pthread_mutex_t device = PTHREAD_MUTEX_INITIALIZER;

static __thread uint64_t seed;
static uint64_t life_seed;	/* of this process, from which its threads make theirs */

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (seed >> 11) % below;
}

static void seed_thread(uint64_t nr)
{
	seed = (life_seed ^ (nr + 1) * 0x9e3779b97f4a7c15) | 1;
}

static bool one_in(uint64_t n)
{
	return !rnd(n);
}

/* DMA takes 100 ms in QEMU and nothing in UML. */
static bool time_for_dma(void)
{
	return one_in(sys_is_uml() ? 3 : 60);
}

/* --- memory --------------------------------------------------------------------- */

static char *some_memory(size_t size)
{
	char *memory;

	switch (rnd(5)) {
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
static void disturb(struct slot *slot)
{
	size_t at = rnd(slot->size / PAGE) * PAGE;
	size_t len = PAGE + rnd((slot->size - at) / PAGE) * PAGE;
	char *page = slot->memory + at;
	pid_t pid;

	switch (rnd(9)) {
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
		madvise(slot->memory, slot->size, one_in(2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
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

/* May a request fail like this, at this moment? */
static bool may_fail(int64_t ret)
{
	return leaving || ((life.limited || life.small) && ret == -ENOMEM);
}

static void unregister(struct slot *slot)
{
	int ret;

	if (!slot->registered)
		return;
	slot->registered = false;
	ret = dma_unregister(rig->container, slot->memory, slot->size);
	if (ret && !leaving)
		expect_ret(ret, 0);
}

static void discard(struct slot *slot)
{
	munmap(slot->memory, slot->size);
	slot->memory = NULL;
}

static void map(struct slot *slot)
{
	size_t size = one_in(6) ? (1 + rnd(2)) * 2 * HUGE_2M : (1 + rnd(64)) * PAGE;
	int64_t ret;

	*slot = (struct slot){ .iova = slot->iova, .size = size, .to = size };
	slot->memory = some_memory(size);
	slot->flags = one_in(5) ? RO : RW;
	if (one_in(5)) {
		ret = dma_register(rig->container, slot->memory, size, VFIO_TYPE1X_MEMORY_WRITE);
		if (!ret)
			count(&counts->registered);
		else if (!may_fail(ret))
			expect_ret(ret, 0);
		slot->registered = !ret;
	}
	if (one_in(3)) {
		slot->granule = PAGE << rnd(4);
		while (size % slot->granule)
			slot->granule /= 2;
		slot->flags = RW;
		ret = dma_map_granule(rig->container, slot->memory, slot->iova, size,
				      slot->granule);
	} else {
		ret = dma_map(rig->container, slot->memory, slot->iova, size, slot->flags);
	}
	if (!ret) {
		count(&counts->maps);
		return;
	}
	count(&counts->refused);
	if (!may_fail(ret))
		expect_ret(ret, 0);
	unregister(slot);
	discard(slot);
}

/* Mapped once more it is refused, and nothing changes. */
static void map_again(struct slot *slot)
{
	int64_t ret = dma_map(rig->container, slot->memory, slot->iova + slot->from, PAGE, RW);

	count(&counts->refused);
	if (!leaving)
		expect_ret(ret, -EEXIST);
}

static void check_dma(struct slot *slot)
{
	if (slot->moved)
		return;
	pthread_mutex_lock(&device);
	if (slot->flags == RO)
		dma_check_read(rig, 0, slot->iova + slot->from, slot->memory + slot->from, 64);
	else
		dma_check_pages(rig, 0, slot->iova + slot->from, slot->memory + slot->from,
				(slot->to - slot->from) / PAGE);
	pthread_mutex_unlock(&device);
	count(&counts->dmas);
}

/* @from to @to, offsets, were unmapped by a request that has returned. */
static void check_no_dma(struct slot *slot, size_t from, size_t to)
{
	size_t at = one_in(2) ? from : to - PAGE;

	pthread_mutex_lock(&device);
	dma_check_refused(rig, 0, slot->iova + at, slot->memory + at);
	pthread_mutex_unlock(&device);
	count(&counts->dmas);
}

static void unmap(struct slot *slot, size_t from, size_t to)
{
	int64_t ret = dma_unmap(rig->container, slot->iova + from, to - from);

	if (!leaving)
		expect_ret(ret, to - from);
	if (ret > 0 && time_for_dma())
		check_no_dma(slot, from, to);
}

static void unmap_all_of(struct slot *slot)
{
	unmap(slot, slot->from, slot->to);
	count(&counts->unmaps);
	unregister(slot);
	discard(slot);
}

static void split(struct slot *slot)
{
	size_t blocks = (slot->to - slot->from) / slot->granule, some = rnd(blocks);

	if (!some)
		return;
	count(&counts->splits);
	some *= slot->granule;
	if (one_in(2)) {
		unmap(slot, slot->from, slot->from + some);
		slot->from += some;
	} else {
		unmap(slot, slot->to - some, slot->to);
		slot->to -= some;
	}
}

static void step(struct slot *slot)
{
	if (!slot->memory) {
		map(slot);
		return;
	}
	switch (rnd(8)) {
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
		unmap_all_of(slot);
	}
}

static void *use(void *arg)
{
	struct slot slots[SLOTS] = {};
	long thread = (long)arg, i;

	seed_thread(thread);
	for (i = 0; i < SLOTS; i++)
		slots[i].iova = IOVA + (thread * SLOTS + i) * SLOT_SIZE;
	for (i = 0; i < OPS && !leaving; i++)
		step(&slots[rnd(SLOTS)]);
	for (i = 0; i < SLOTS && !leaving; i++)
		if (slots[i].memory)
			unmap_all_of(&slots[i]);
	return NULL;
}

/* --- beside them ------------------------------------------------------------------ */

static volatile bool over;
static volatile unsigned long hammered;

/* The device writes to a page that comes and goes. */
static void *hammer(void *arg)
{
	(void)arg;
	while (!over) {
		pthread_mutex_lock(&device);
		dma_store(&rig->devices[0], IOVA_ANVIL, 0, 256);
		pthread_mutex_unlock(&device);
		hammered++;
		count(&counts->hammered);
		sys_msleep(1);
	}
	return NULL;
}

/* What the process writes after the unmap stays, whatever the device does. */
static void *anvil(void *arg)
{
	unsigned char want[256];
	unsigned long before;
	char *page;
	int64_t ret;

	(void)arg;
	seed_thread(MAX_THREADS);
	while (!over) {
		page = mem_anon(PAGE);
		ret = dma_map(rig->container, page, IOVA_ANVIL, PAGE, RW);
		if (!ret) {
			usleep(rnd(sys_is_uml() ? 3000 : 200000));
			ret = dma_unmap(rig->container, IOVA_ANVIL, PAGE);
			if (!leaving)
				expect_ret(ret, PAGE);
			mem_fill(page, sizeof(want));
			memcpy(want, page, sizeof(want));
			/* One that may have begun, and one that began after. */
			before = hammered;
			while (!over && hammered < before + 2)
				sys_msleep(1);
			if (ret == (int64_t)PAGE)
				assert_bytes(page, want, sizeof(want));
			count(&counts->anvils);
		} else if (!may_fail(ret)) {
			expect_ret(ret, 0);
		}
		munmap(page, PAGE);
	}
	return NULL;
}

static void read_debugfs(void)
{
	static const char *const files[] = { "summary", "mappings" };
	FILE *file = debugfs_open(files[rnd(ARRAY_SIZE(files))]);
	char line[512];

	while (fgets(line, sizeof(line), file))
		;
	fclose(file);
}

/* Sometimes on, and now and then read. */
static void track_dirty(bool *on)
{
	static unsigned char bitmap[SLOTS * SLOT_SIZE / PAGE / 8];
	int ret;

	if (*on && one_in(2)) {
		dirty_get(rig->container, IOVA, SLOTS * SLOT_SIZE, bitmap, PAGE);
		return;
	}
	ret = dirty_flags(rig->container, *on ? STOP : START);
	if (!ret) {
		*on = !*on;
		count(&counts->dirty);
	} else if (!may_fail(ret) && ret != -ENOMEM) {
		expect_ret(ret, 0);
	}
}

/* A group for which there is one container or none. */
static void move_group(int group, bool *in)
{
	int ret = *in ? vfio_group_leave(group) : vfio_group_join(group, rig->container);

	if (!ret) {
		*in = !*in;
		count(&counts->joins);
	} else if (!may_fail(ret) && ret != -ENOMEM) {
		expect_ret(ret, 0);
	}
}

/* @arg: the fd of a group that comes and goes, or -1. */
static void *direct(void *arg)
{
	struct vfio_iommu_type1_info info;
	bool in = false, on = false;
	int group = (long)arg;

	seed_thread(MAX_THREADS + 1);
	while (!over) {
		switch (rnd(6)) {
		case 0:
			track_dirty(&on);
			break;
		case 1:
			if (group >= 0)
				move_group(group, &in);
			break;
		case 2:
			read_debugfs();
			break;
		case 3:
			info.argsz = sizeof(info);
			ioctl(rig->container, VFIO_IOMMU_GET_INFO, &info);
			break;
		case 4:
			/* It must not go: containers use it. */
			if (!syscall(SYS_delete_module, sys_driver(), O_NONBLOCK))
				fail("the module went while it was used");
			break;
		case 5:
			invariants_check();
			break;
		}
		usleep(rnd(5000));
	}
	if (in)
		vfio_group_leave(group);
	return NULL;
}

/* Until it is time for something else. */
static void a_while(void)
{
	usleep(rnd(sys_is_uml() ? 300000 : 3000000));
}

/* --- lives ------------------------------------------------------------------------- */

/* All requests at once, while others are in flight that may then find anything. */
static void leave(enum end end)
{
	switch (end) {
	case END_EXIT:
		leaving = true;
		if (one_in(2))
			dma_unmap_flags(rig->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
		_exit(0);
	case END_EXEC:
		execl("/bin/busybox", "true", NULL);
		_exit(1);
	default:
		/* To be killed. */
		for (;;)
			pause();
	}
}

/* One of the two processes; @nr is the number of its device. */
static void live(int nr)
{
	pthread_t threads[MAX_THREADS + 3];
	int group = -1, n = 0, i;

	life_seed = seed;
	if (life.limited) {
		mem_allow_ipc_lock(false);
		mem_limit(LIMIT_PAGES);
	}
	rig = rig_open_from(nr, 1, VFIO_TYPE1v2_IOMMU);
	if (!nr)
		group = sys_is_uml() ? vfio_mock_group_open(2) : vfio_bar_group_open();
	if (life.small)
		memcg_join();
	for (i = 0; i < nr_threads; i++)
		assert_eq(pthread_create(&threads[n++], NULL, use, (void *)(long)i), 0);
	assert_eq(pthread_create(&threads[n++], NULL, hammer, NULL), 0);
	assert_eq(pthread_create(&threads[n++], NULL, anvil, NULL), 0);
	assert_eq(pthread_create(&threads[n++], NULL, direct, (void *)(long)group), 0);
	if (life.end != END_CLOSE) {
		a_while();
		leave(life.end);
	}
	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i], NULL);
	over = true;
	while (i < n)
		pthread_join(threads[i++], NULL);
	if (group >= 0)
		vfio_close(&group);
	rig_close(rig);
	expect_eq(sys_vmlck(), 0);
	_exit(0);
}

static void end_of(pid_t pid, const struct life *one)
{
	int status;

	if (one->end == END_KILL) {
		a_while();
		kill(pid, SIGKILL);
	}
	assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
	    (one->end == END_KILL || one->small)) {
		count(&counts->killed);
		return;
	}
	assert_eq(status, 0);
	count(&counts->ends[one->end]);
}

static void one_round(bool first, bool can_be_small)
{
	struct life lives[2];
	pid_t pids[2];
	char text[4];
	int nr;

	snprintf(text, sizeof(text), "%d", (int)rnd(4));
	sys_param_set("populate_threads", text);
	for (nr = 0; nr < 2; nr++) {
		/* In the first all requests are made, and known what they answer. */
		life.end = first ? END_CLOSE : rnd(NR_ENDS);
		life.limited = !first && one_in(4);
		life.small = !first && can_be_small && one_in(4);
		lives[nr] = life;
		pids[nr] = fork();
		if (!pids[nr])
			live(nr);
		assert_ge(pids[nr], 1);
	}
	for (nr = 0; nr < 2; nr++)
		end_of(pids[nr], &lives[nr]);
}

static unsigned long from_env(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 0) : otherwise;
}

static void soak(void)
{
	unsigned long seconds = from_env("T1X_SOAK_SECONDS", 0), round;
	unsigned long rounds = from_env("T1X_SOAK_ROUNDS", seconds ? ~0UL : 2);
	uint64_t end = sys_now_ms() + seconds * 1000;
	struct sys_state before;
	char value[16];
	bool small;

	if (!sys_is_type1x())
		test_skip("needs parameters and debugfs of ours");
	/* What serves one process cannot be told by counting containers. */
	setenv("T1X_BESIDE", "yes", 1);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		      -1, 0);
	nr_threads = from_env("T1X_SOAK_THREADS", 4);
	assert_le(nr_threads, MAX_THREADS);
	seed = from_env("T1X_SOAK_SEED", sys_now_ms() * 2654435761UL | 1);
	test_say("seed %#lx, %d threads", seed, nr_threads);
	sys_param_get("populate_threads", value, sizeof(value));
	small = memcg_try("64M");
	sys_state_read(&before);
	for (round = 0; round < rounds && (!seconds || sys_now_ms() < end); round++) {
		one_round(!round, small);
		if (!sys_state_settle(&before))
			fail("after round %lu", round);
	}
	if (small)
		memcg_remove();
	sys_param_set("populate_threads", value);
	test_say("%lu rounds: %lu maps, %lu refused, %lu unmaps, %lu splits, %lu registered", round,
		 counts->maps, counts->refused, counts->unmaps, counts->splits, counts->registered);
	test_say("%lu groups moved, %lu dirty trackings, %lu DMAs checked, %lu pages under %lu",
		 counts->joins, counts->dirty, counts->dmas, counts->anvils, counts->hammered);
	test_say("ends: %lu closed, %lu exited, %lu execed, %lu killed", counts->ends[END_CLOSE],
		 counts->ends[END_EXIT], counts->ends[END_EXEC], counts->killed);
	expect_ge(counts->maps, 1);
	expect_ge(counts->unmaps, 1);
}

int main(void)
{
	const struct test tests[] = {
		TEST_LONG(soak, 600 + 2 * from_env("T1X_SOAK_SECONDS", 0)),
	};

	return test_main(tests, ARRAY_SIZE(tests));
}
