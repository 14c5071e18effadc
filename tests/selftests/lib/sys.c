// SPDX-License-Identifier: GPL-2.0
/* Reads and writes counters and parameters of the kernel, the driver and the mock. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sys.h"
#include "test.h"
#include "vfio.h"

#define DEBUGFS		"/sys/kernel/debug"
#define MOCK		DEBUGFS "/t1x_mock"
#define STATS		DEBUGFS "/vfio_iommu_type1x/stats"
#define MOCK_DEVICE	"/sys/bus/platform/devices/t1x_mock.0"
#define OURS		"vfio_iommu_type1x"
#define IN_TREE		"vfio_iommu_type1"

/*
 * How long deferred work may take, in milliseconds: much more than it does, for the
 * machine may have much else to do.
 */
#define SETTLE_MS	30000

static const char *env_or(const char *name, const char *value)
{
	const char *env = getenv(name);

	return env && *env ? env : value;
}

/**
 * sys_init() - look around before the first test
 *
 * Return: true if tests can be run here; what is missing is printed.
 */
bool sys_init(void)
{
	char path[128];

	if (access(DEBUGFS "/.", F_OK) || access(STATS, F_OK))
		mount("debugfs", DEBUGFS, "debugfs", 0, NULL);

	if (sysconf(_SC_PAGESIZE) != PAGE) {
		printf("Bail out! made for pages of %lu bytes, those here have %ld\n",
		       PAGE, sysconf(_SC_PAGESIZE));
		return false;
	}
	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", sys_driver());
	if (access(path, R_OK)) {
		printf("Bail out! module %s is not loaded\n", sys_driver());
		return false;
	}
	/* UML without MSIs has no way to say that they are isolated. */
	if (sys_is_uml() && !sys_mock_get("isolated_msi"))
		sys_param_set("allow_unsafe_interrupts", "Y");
	return true;
}

/**
 * sys_is_uml() - are the devices mocks
 *
 * Return: true in UML, false in QEMU.
 */
bool sys_is_uml(void)
{
	return !strcmp(env_or("T1X_ENV", access(MOCK_DEVICE, F_OK) ?
			      "qemu" : "uml"), "uml");
}

/**
 * sys_driver() - driver that has to serve every container
 *
 * Return: name of the module.
 */
const char *sys_driver(void)
{
	return env_or("T1X_DRIVER", OURS);
}

/**
 * sys_is_type1x() - is the driver under test ours
 *
 * Return: false if the in-tree driver is, for comparison.
 */
bool sys_is_type1x(void)
{
	return !strcmp(sys_driver(), OURS);
}

/**
 * sys_has_rival() - is the other driver loaded as well
 *
 * VFIO asks all drivers as long as a container has none.
 *
 * Return: true if so.
 */
bool sys_has_rival(void)
{
	return !access(sys_is_type1x() ? "/sys/module/" IN_TREE :
		       "/sys/module/" OURS, F_OK);
}

/**
 * sys_is_alone() - do all containers of the driver belong to this process
 *
 * Return: false if other programs may have some, too.
 */
bool sys_is_alone(void)
{
	return strcmp(env_or("T1X_BESIDE", "no"), "yes");
}

/**
 * sys_kernel_before() - is this kernel older
 * @major: than this
 * @minor: version
 *
 * Return: true if so.
 */
bool sys_kernel_before(int major, int minor)
{
	static int here_major, here_minor;
	struct utsname name;

	if (!here_major &&
	    (uname(&name) || sscanf(name.release, "%d.%d", &here_major,
				    &here_minor) != 2))
		fail("uname");
	return here_major < major ||
	       (here_major == major && here_minor < minor);
}

/**
 * sys_has_thp() - are there entries of page tables that map huge pages
 *
 * Return: whether the kernel has transparent huge pages; Debian's realtime kernels do not,
 * and then map devices by small pages, too.
 */
bool sys_has_thp(void)
{
	return !access("/sys/kernel/mm/transparent_hugepage", F_OK);
}

/**
 * sys_slowness() - how much slower is this kernel than others
 *
 * Return: by what to multiply the guards against hangs.
 */
unsigned int sys_slowness(void)
{
	int slowness = atoi(env_or("T1X_SLOW", "1"));

	return slowness > 0 ? slowness : 1;
}

/**
 * sys_is_short() - is there little time
 *
 * Return: true if what is done over and over need not be done as often as elsewhere.
 */
bool sys_is_short(void)
{
	return *env_or("T1X_SHORT", "");
}

/**
 * sys_race_ms() - for how long threads are let loose on each other
 *
 * Return: milliseconds; see sys_race() for what is slower.
 */
unsigned int sys_race_ms(void)
{
	return sys_is_short() ? 1000 : 3000;
}

/* The APIC's window, or the one at which Linux maps the doorbells of a GIC. */
#ifdef __aarch64__
#define MSI_WINDOW "0x08000000 0x080fffff"
#else
#define MSI_WINDOW "0xfee00000 0xfeefffff"
#endif

static unsigned long msi_window(bool last)
{
	unsigned long window[2];

	if (sscanf(env_or("T1X_MSI", MSI_WINDOW), "%lx %lx", &window[0], &window[1]) != 2)
		fail("T1X_MSI has no first and last byte");
	return window[last];
}

/** sys_msi_first() - the first byte of the window of interrupts */
unsigned long sys_msi_first(void)
{
	return msi_window(false);
}

/** sys_msi_last() - its last byte */
unsigned long sys_msi_last(void)
{
	return msi_window(true);
}

static bool read_file(const char *path, char *buf, size_t len)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return false;
	buf[n] = '\0';
	return true;
}

/**
 * sys_read_number() - a file with a number in it
 * @path: where
 *
 * Return: the number, or -1 if there is no such file.
 */
long sys_read_number(const char *path)
{
	char buf[64];

	return read_file(path, buf, sizeof(buf)) ? strtol(buf, NULL, 0) : -1;
}

/**
 * sys_write() - write a file of procfs, sysfs or debugfs
 * @path: where
 * @value: what
 *
 * The test fails if that is not possible.
 */
void sys_write(const char *path, const char *value)
{
	size_t len = strlen(value);
	int fd;

	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, len) != (ssize_t)len)
		fail("write %s to %s: %s", value, path, strerror(errno));
	close(fd);
}

/* The number after @key at the beginning of a line, or -1. */
static long find_number(const char *path, const char *key)
{
	size_t len = strlen(key);
	char line[256];
	long value = -1;
	FILE *file;

	file = fopen(path, "re");
	if (!file)
		return -1;
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, key, len) || !strchr(" \t:", line[len]))
			continue;
		value = strtol(line + len + strspn(line + len, " \t:"), NULL,
			       0);
		break;
	}
	fclose(file);
	return value;
}

/**
 * sys_vmlck() - locked memory of this process
 *
 * Return: VmLck in kB.
 */
long sys_vmlck(void)
{
	return find_number("/proc/self/status", "VmLck");
}

static long read_vmstat(const char *counter)
{
	/* Each CPU keeps up to some hundred to itself, unless told to fold. */
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

	if (fd >= 0) {
		if (write(fd, "1", 1) != 1)
			fail("stat_refresh: %s", strerror(errno));
		close(fd);
	}
	return find_number("/proc/vmstat", counter);
}

/**
 * sys_pins() - pages that are pinned at this moment, in the whole kernel
 *
 * Return: pins acquired minus pins released, in pages.
 */
long sys_pins(void)
{
	long acquired = read_vmstat("nr_foll_pin_acquired");

	return acquired - find_number("/proc/vmstat", "nr_foll_pin_released");
}

/**
 * sys_pins_acquired() - pages that were ever pinned
 *
 * Return: a number of pages that only grows.
 */
long sys_pins_acquired(void)
{
	return read_vmstat("nr_foll_pin_acquired");
}

/**
 * sys_mem_available() - how much memory a test may use
 *
 * Return: MemAvailable in kB.
 */
long sys_mem_available(void)
{
	return find_number("/proc/meminfo", "MemAvailable");
}

/**
 * sys_refs() - references on the driver's module: one per container
 *
 * Return: the number.
 */
long sys_refs(void)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/module/%s/refcnt", sys_driver());
	return sys_read_number(path);
}

/**
 * sys_settle_refs() - wait until the driver has that many references
 * @want: how many; the test fails after a while
 */
void sys_settle_refs(long want)
{
	uint64_t end = sys_now_ms() + SETTLE_MS;

	while (sys_refs() != want && sys_now_ms() < end)
		sys_msleep(5);
	expect_eq(sys_refs(), want);
}

/**
 * sys_settle_pins() - wait until that many pages are pinned
 * @want: how many; the test fails after a while
 */
void sys_settle_pins(long want)
{
	uint64_t end = sys_now_ms() + SETTLE_MS;

	while (sys_pins() != want && sys_now_ms() < end)
		sys_msleep(5);
	expect_eq(sys_pins(), want);
}

/* Reads a file of the driver's folder in sysfs, without the newline. */
static void read_of_driver(const char *name, char *value, unsigned int len)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/module/%s/%s", sys_driver(), name);
	if (!read_file(path, value, len))
		fail("read %s: %s", path, strerror(errno));
	value[strcspn(value, "\n")] = '\0';
}

/**
 * sys_version() - read the version of the driver's module
 * @value: put there
 * @len: size of @value
 */
void sys_version(char *value, unsigned int len)
{
	read_of_driver("version", value, len);
}

/**
 * sys_param_get() - read a parameter of the driver's module
 * @name: of the parameter
 * @value: put there, without the newline
 * @len: size of @value
 */
void sys_param_get(const char *name, char *value, unsigned int len)
{
	char path[80];

	snprintf(path, sizeof(path), "parameters/%s", name);
	read_of_driver(path, value, len);
}

/**
 * sys_param_set() - set a parameter of the driver's module
 * @name: of the parameter
 * @value: as text
 */
void sys_param_set(const char *name, const char *value)
{
	char path[160];

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s",
		 sys_driver(), name);
	sys_write(path, value);
}

/**
 * sys_mock_get() - read a counter of the mock
 * @counter: its name
 *
 * Return: its value, or -1 if there is no mock.
 */
long sys_mock_get(const char *counter)
{
	char path[128];

	snprintf(path, sizeof(path), MOCK "/%s", counter);
	return sys_read_number(path);
}

/**
 * sys_mock_set() - set a counter or a knob of the mock
 * @counter: its name
 * @value: what to set it to
 */
void sys_mock_set(const char *counter, long value)
{
	char path[128], text[32];

	snprintf(path, sizeof(path), MOCK "/%s", counter);
	snprintf(text, sizeof(text), "%ld", value);
	sys_write(path, text);
}

/**
 * sys_stat_get() - read one of our driver's own statistics
 * @counter: its name
 *
 * Return: its value, or -1 if it does not exist.
 */
long sys_stat_get(const char *counter)
{
	return find_number(STATS, counter);
}

static long read_refs(const char *arg)
{
	(void)arg;
	return sys_refs();
}

static long read_pins(const char *arg)
{
	(void)arg;
	return sys_pins();
}

static long read_mock(const char *counter)
{
	return sys_is_uml() ? sys_mock_get(counter) : 0;
}

/* A pair of statistics of our driver of which the second catches up. */
static long read_balance(const char *pair)
{
	const char *second = strchr(pair, ' ');
	char first[64];

	if (!sys_is_type1x())
		return 0;
	snprintf(first, sizeof(first), "%.*s", (int)(second - pair), pair);
	if (sys_stat_get(first) < 0 || sys_stat_get(second + 1) < 0)
		fail("no statistics %s in %s", pair, STATS);
	return sys_stat_get(first) - sys_stat_get(second + 1);
}

static const struct {
	const char *what;
	long (*read)(const char *arg);
	const char *arg;
} states[] = {
	{ "references on the driver", read_refs, NULL },
	{ "pinned pages", read_pins, NULL },
	{ "pages the driver pinned", read_balance,
	  "pages_pinned pages_unpinned" },
	{ "pages the driver charged", read_balance,
	  "pages_charged pages_refunded" },
	{ "rules of the IOMMU broken", read_mock, "violations" },
	{ "leaves of the IOMMU", read_mock, "leaves" },
	{ "stale leaves of the IOMMU", read_mock, "stale" },
	{ "domains of the IOMMU", read_mock, "domains" },
	{ "leaves mapped uncached", read_mock, "uncached" },
	{ "armed failures of map", read_mock, "fail_map_in" },
	{ "armed failures of unmap", read_mock, "short_unmap_in" },
	{ "armed refusals of unmap", read_mock, "refuse_unmaps" },
};

static_assert(ARRAY_SIZE(states) <= SYS_STATE_MAX, "SYS_STATE_MAX");

/**
 * sys_state_read() - remember how things are
 * @state: put there
 */
void sys_state_read(struct sys_state *state)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(states); i++)
		state->values[i] = states[i].read(states[i].arg);
}

static bool is_settled(const struct sys_state *before)
{
	struct sys_state now;

	sys_state_read(&now);
	return !memcmp(now.values, before->values,
		       ARRAY_SIZE(states) * sizeof(now.values[0]));
}

/**
 * sys_state_settle() - is everything as before, or will it be soon
 * @before: how it was; whatever differs is printed
 *
 * Return: true if nothing was left behind.
 */
bool sys_state_settle(const struct sys_state *before)
{
	uint64_t end = sys_now_ms() + SETTLE_MS;
	struct sys_state now;
	size_t i;

	while (!is_settled(before)) {
		if (sys_now_ms() < end) {
			sys_msleep(5);
			continue;
		}
		sys_state_read(&now);
		for (i = 0; i < ARRAY_SIZE(states); i++)
			if (now.values[i] != before->values[i])
				test_say("left behind: %s: expected %ld, got %ld",
					 states[i].what, before->values[i],
					 now.values[i]);
		return false;
	}
	return true;
}

/**
 * sys_wait_for() - wait for a child, for which nothing may go wrong
 * @pid: its number
 */
void sys_wait_for(int pid)
{
	int status;

	assert_eq(waitpid(pid, &status, 0), pid);
	assert_eq(status, 0);
}

/**
 * sys_msleep() - sleep
 * @ms: milliseconds
 */
void sys_msleep(unsigned int ms)
{
	struct timespec ts = {
		.tv_sec = ms / 1000,
		.tv_nsec = ms % 1000 * 1000000L,
	};

	nanosleep(&ts, NULL);
}

/**
 * sys_race() - let other threads go on for a while
 * @ms: milliseconds
 * @rounds: counts what one of them does; each must have been through some
 *
 * A slow machine needs longer for that, which is no failure.
 */
void sys_race(unsigned int ms, const volatile long *rounds)
{
	sys_msleep(ms);
	while (*rounds < SYS_ROUNDS)
		sys_msleep(10);
}

/**
 * sys_now_ms() - a clock
 *
 * Return: milliseconds since some moment.
 */
uint64_t sys_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ULL + ts.tv_nsec / 1000000;
}
