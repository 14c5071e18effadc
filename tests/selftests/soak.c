// SPDX-License-Identifier: GPL-2.0
/*
 * Random requests from many threads, for as long as one likes.
 *
 * A round is the life of two processes, each with a container, a device and threads that
 * map, unmap, split and register memory, do with it what processes do with memory, and let
 * the device at it. Meanwhile a group comes and goes, devices are unplugged, dirty pages are
 * tracked, debugfs is read and the module is asked to go. In the end a process closes what it
 * has, or leaves that to the kernel, or is killed in the middle; and then nothing may be left
 * of it.
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
#include "lib/devices.h"
#include "lib/dirty.h"
#include "lib/invariants.h"
#include "lib/mem.h"
#include "lib/memcg.h"
#include "lib/soak_slots.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

#define MAX_THREADS	32
#define SLOTS		8		/* of a thread */
#define SLOT_SIZE	(16 * MIB)	/* of IOVAs */
#define OPS		(sys_is_short() ? 60 : 200)	/* of a thread, in a life */
#define LIMIT_PAGES	2048UL		/* of a process with RLIMIT_MEMLOCK */

/* IOVAs of the page that the device writes all the time. */
#define IOVA_ANVIL	0x0e000000UL

static int nr_threads = 4;

static void seed_thread(uint64_t nr)
{
	soak_seed(soak.seed ^ (nr + 1) * 0x9e3779b97f4a7c15);
}

static void *use(void *arg)
{
	struct soak_slot slots[SLOTS] = {};
	long thread = (long)arg, i;

	seed_thread(thread);
	for (i = 0; i < SLOTS; i++)
		slots[i].iova = IOVA + (thread * SLOTS + i) * SLOT_SIZE;
	for (i = 0; i < OPS && !soak.leaving; i++)
		soak_step(&slots[soak_random(SLOTS)]);
	for (i = 0; i < SLOTS && !soak.leaving; i++)
		if (slots[i].memory)
			soak_unmap(&slots[i]);
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
		pthread_mutex_lock(&soak.device);
		dma_store(&soak.rig->devices[0], IOVA_ANVIL, 0, 256);
		pthread_mutex_unlock(&soak.device);
		hammered++;
		soak_count(&soak.counts->hammered);
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
		ret = dma_map(soak.rig->container, page, IOVA_ANVIL, PAGE, RW);
		if (!ret) {
			usleep(soak_random(sys_is_uml() ? 3000 : 200000));
			ret = dma_unmap(soak.rig->container, IOVA_ANVIL, PAGE);
			if (!soak.leaving)
				expect_ret(ret, PAGE);
			mem_fill(page, sizeof(want));
			memcpy(want, page, sizeof(want));
			/* One that may have begun, and one that began after. */
			before = hammered;
			while (!over && hammered < before + 2)
				sys_msleep(1);
			if (ret == (int64_t)PAGE)
				assert_bytes(page, want, sizeof(want));
			soak_count(&soak.counts->anvils);
		} else if (!soak_may_fail(ret)) {
			expect_ret(ret, 0);
		}
		munmap(page, PAGE);
	}
	return NULL;
}

static void read_debugfs(void)
{
	static const char *const files[] = { "summary", "mappings" };
	FILE *file = debugfs_open(files[soak_random(ARRAY_SIZE(files))]);
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

	if (*on && soak_one_in(2)) {
		dirty_get(soak.rig->container, IOVA, SLOTS * SLOT_SIZE, bitmap, PAGE);
		return;
	}
	ret = dirty_flags(soak.rig->container, *on ? STOP : START);
	if (!ret) {
		*on = !*on;
		soak_count(&soak.counts->dirty);
	} else if (!soak_may_fail(ret) && ret != -ENOMEM) {
		expect_ret(ret, 0);
	}
}

/* What the first process has open, and the device that no process opens. */
static struct device_entry used, passed;

/* The group of the latter, for which there is one container or none, or -1. */
static int passing = -1;
static bool passing_in;

static int passing_open(void)
{
	return sys_is_uml() ? vfio_mock_group_open(2) : vfio_bar_group_open();
}

static void move_group(void)
{
	int ret = passing_in ? vfio_group_leave(passing) :
			       vfio_group_join(passing, soak.rig->container);

	if (!ret) {
		passing_in = !passing_in;
		soak_count(&soak.counts->joins);
	} else if (!soak_may_fail(ret) && ret != -ENOMEM) {
		expect_ret(ret, 0);
	}
}

/* Its device goes, whether the container has the group or not, and the group with it. */
static void unplug_passing(void)
{
	devices_unplug(&passed);
	vfio_close(&passing);
	devices_plug(&passed);
	passing = passing_open();
	passing_in = false;
	soak_count(&soak.counts->unplugged);
}

static void *direct(void *unused)
{
	struct vfio_iommu_type1_info info;
	bool on = false;

	(void)unused;
	seed_thread(MAX_THREADS + 1);
	while (!over) {
		switch (soak_random(7)) {
		case 0:
			track_dirty(&on);
			break;
		case 1:
			if (passing >= 0)
				move_group();
			break;
		case 2:
			read_debugfs();
			break;
		case 3:
			info.argsz = sizeof(info);
			ioctl(soak.rig->container, VFIO_IOMMU_GET_INFO, &info);
			break;
		case 4:
			/* It must not go: containers use it. */
			if (!syscall(SYS_delete_module, sys_driver(), O_NONBLOCK))
				fail("the module went while it was used");
			break;
		case 5:
			invariants_check();
			break;
		case 6:
			/* It takes longer than the others. */
			if (passing >= 0 && soak.life.unplugs && soak_one_in(20))
				unplug_passing();
			break;
		}
		usleep(soak_random(5000));
	}
	if (passing_in)
		vfio_group_leave(passing);
	return NULL;
}

/* Until it is time for something else. */
static void a_while(void)
{
	usleep(soak_random(sys_is_uml() ? 300000 : 3000000));
}

/* --- lives ------------------------------------------------------------------------- */

/* All requests at once, while others are in flight that may then find anything. */
static void leave(enum soak_end end)
{
	switch (end) {
	case END_EXIT:
		soak.leaving = true;
		if (soak_one_in(2))
			dma_unmap_flags(soak.rig->container, 0, 0, VFIO_DMA_UNMAP_FLAG_ALL);
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
	int n = 0, i;

	if (soak.life.limited) {
		mem_allow_ipc_lock(false);
		mem_limit(LIMIT_PAGES);
	}
	soak.rig = rig_open_from(nr, 1, VFIO_TYPE1v2_IOMMU);
	if (!nr) {
		soak.counts->opened = true;
		passing = passing_open();
	}
	if (soak.life.small)
		memcg_join();
	for (i = 0; i < nr_threads; i++)
		assert_eq(pthread_create(&threads[n++], NULL, use, (void *)(long)i), 0);
	assert_eq(pthread_create(&threads[n++], NULL, hammer, NULL), 0);
	assert_eq(pthread_create(&threads[n++], NULL, anvil, NULL), 0);
	assert_eq(pthread_create(&threads[n++], NULL, direct, NULL), 0);
	if (soak.life.end != END_CLOSE) {
		a_while();
		leave(soak.life.end);
	}
	for (i = 0; i < nr_threads; i++)
		pthread_join(threads[i], NULL);
	over = true;
	while (i < n)
		pthread_join(threads[i++], NULL);
	if (passing >= 0)
		vfio_close(&passing);
	rig_close(soak.rig);
	expect_eq(sys_vmlck(), 0);
	_exit(0);
}

static void end_of(pid_t pid, const struct soak_life *one)
{
	int status;

	if (one->end == END_KILL) {
		a_while();
		kill(pid, SIGKILL);
	}
	assert_eq(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL &&
	    (one->end == END_KILL || one->small)) {
		soak_count(&soak.counts->killed);
		return;
	}
	assert_eq(status, 0);
	soak_count(&soak.counts->ends[one->end]);
}

/* The removal of a device that a process has open waits for the end of that. */
static pid_t unplug(void)
{
	pid_t pid = fork();

	if (!pid) {
		while (!soak.counts->opened)
			usleep(1000);
		devices_unplug(&used);
		_exit(0);
	}
	assert_ge(pid, 1);
	return pid;
}

/* Whatever a process that was killed has left unplugged, and @pid has. */
static void plug(pid_t pid)
{
	const struct soak_life other = { END_CLOSE };

	if (pid) {
		/* Or the process ended before it could. */
		soak.counts->opened = true;
		end_of(pid, &other);
		soak_count(&soak.counts->unplugged);
	}
	devices_plug(&used);
	devices_plug(&passed);
}

static void one_round(bool first, bool can_be_small)
{
	bool unplugs = !sys_is_uml();
	pid_t pids[2], unplugging = 0;
	struct soak_life lives[2];
	char text[4];
	int nr;

	snprintf(text, sizeof(text), "%d", (int)soak_random(4));
	sys_param_set("populate_threads", text);
	soak.counts->opened = false;
	for (nr = 0; nr < 2; nr++) {
		/* In the first all requests are made, and known what they answer. */
		soak.life.end = first ? END_CLOSE : soak_random(NR_ENDS);
		soak.life.limited = !first && soak_one_in(4);
		soak.life.small = !first && can_be_small && soak_one_in(4);
		/* Or the other does; the kernel removes one device at a time. */
		soak.life.unplugs = unplugs && soak_one_in(2);
		lives[nr] = soak.life;
		soak.seed = soak_random(UINT64_MAX);
		pids[nr] = fork();
		if (!pids[nr])
			live(nr);
		assert_ge(pids[nr], 1);
	}
	if (unplugs && !lives[0].unplugs)
		unplugging = unplug();
	for (nr = 0; nr < 2; nr++)
		end_of(pids[nr], &lives[nr]);
	if (unplugs)
		plug(unplugging);
}

static unsigned long from_env(const char *name, unsigned long otherwise)
{
	const char *value = getenv(name);

	return value && *value ? strtoul(value, NULL, 0) : otherwise;
}

static void lives_of_two_processes(void)
{
	unsigned long seconds = from_env("T1X_SOAK_SECONDS", 0), round;
	unsigned long rounds = from_env("T1X_SOAK_ROUNDS", seconds ? ~0UL : 2);
	uint64_t end = sys_now_ms() + seconds * 1000;
	struct soak_counts *counts;
	struct sys_state before;
	uint64_t seed;
	char value[16];
	bool small;

	if (!sys_is_type1x())
		test_skip("needs parameters and debugfs of ours");
	/* What serves one process cannot be told by counting containers. */
	setenv("T1X_BESIDE", "yes", 1);
	counts = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	soak.counts = counts;
	nr_threads = from_env("T1X_SOAK_THREADS", 4);
	assert_le(nr_threads, MAX_THREADS);
	seed = from_env("T1X_SOAK_SEED", sys_now_ms() * 2654435761UL | 1);
	soak_seed(seed);
	test_say("seed %#lx, %d threads", seed, nr_threads);
	sys_param_get("populate_threads", value, sizeof(value));
	if (!sys_is_uml()) {
		devices_need(&used, false, 0);
		devices_need(&passed, true, 0);
	}
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
	test_say("%lu groups moved, %lu devices unplugged, %lu dirty trackings, %lu DMAs checked",
		 counts->joins, counts->unplugged, counts->dirty, counts->dmas);
	test_say("%lu pages under %lu DMAs", counts->anvils, counts->hammered);
	test_say("ends: %lu closed, %lu exited, %lu execed, %lu killed", counts->ends[END_CLOSE],
		 counts->ends[END_EXIT], counts->ends[END_EXEC], counts->killed);
	expect_ge(counts->maps, 1);
	expect_ge(counts->unmaps, 1);
}

int main(void)
{
	const struct test tests[] = {
		TEST_LONG(lives_of_two_processes, 600 + 2 * from_env("T1X_SOAK_SECONDS", 0)),
	};

	return test_main(tests, ARRAY_SIZE(tests));
}
