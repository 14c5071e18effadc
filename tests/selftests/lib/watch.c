// SPDX-License-Identifier: GPL-2.0
/* Reads the kernel log and the refusals, and counts calls and trace events. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <unistd.h>

#include "sys.h"
#include "test.h"
#include "watch.h"

#define TRACING		"/sys/kernel/tracing/"
#define REFUSALS	"/sys/kernel/debug/vfio_iommu_type1x/refusals"
#define PROBE		"t1x/watched"
#define IGNORE_LOGLEVEL	"/sys/module/printk/parameters/ignore_loglevel"

/* Numbers of syslog(2). */
#define CONSOLE_OFF	6
#define CONSOLE_ON	7

#define LOG_TRIES	300	/* of 100 ms */

static char watched[96];
static bool is_probe;

/**
 * log_open() - begin to listen to the kernel's log
 *
 * Return: a fd for log_count().
 */
int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 || lseek(fd, 0, SEEK_END) < 0)
		fail("/dev/kmsg: %s", strerror(errno));
	return fd;
}

/**
 * log_count() - how many lines the kernel has logged, and stop listening
 * @log: of log_open()
 * @text: only lines with this in them
 *
 * Return: their number.
 */
long log_count(int log, const char *text)
{
	char line[2048];
	ssize_t n;
	long count = 0;

	for (;;) {
		n = read(log, line, sizeof(line) - 1);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0)
			fail("/dev/kmsg: %s", strerror(errno));
		line[n] = '\0';
		count += !!strstr(line, text);
	}
	close(log);
	return count;
}

/**
 * log_refusals() - have the driver log what it refuses
 * @act: makes requests that are refused
 * @all: what their lines have in them
 * @some: what else each of these has to have
 *
 * The log has a limit of its own, for 5 s, which an earlier test may have reached.
 *
 * Return: how many lines there were with @all, at least one.
 */
long log_refusals(void (*act)(void), const char *all, const char *some)
{
	int logs[2], tries = 0;
	long nr;

	sys_param_set("log_refusals", "Y");
	do {
		logs[0] = log_open();
		logs[1] = log_open();
		act();
		nr = log_count(logs[0], all);
		expect_eq(log_count(logs[1], some), nr);
		sys_msleep(nr ? 0 : 100);
	} while (!nr && ++tries < LOG_TRIES);
	sys_param_set("log_refusals", "N");
	expect_ge(nr, 1);
	return nr;
}

/**
 * log_to_console() - have the kernel print what it logs, or not
 * @on: as it was, or not at all
 *
 * Hides what another driver is known to report: scripts/lab/judge reads the console.
 */
void log_to_console(bool on)
{
	/* What is printed late must not be printed after all. */
	if (on)
		sys_msleep(500);
	sys_write(IGNORE_LOGLEVEL, on ? "Y" : "N");
	assert_eq(klogctl(on ? CONSOLE_ON : CONSOLE_OFF, NULL, 0), 0);
}

/* Counts the lines of a file that have @text in them, and gets the last one. */
static int lines_with(const char *path, const char *text, char *last, int len)
{
	FILE *file = fopen(path, "re");
	char line[512];
	int count = 0;

	if (!file)
		fail("%s: %s", path, strerror(errno));
	*last = '\0';
	while (fgets(line, sizeof(line), file))
		if (strstr(line, text)) {
			snprintf(last, len, "%s", line);
			count++;
		}
	fclose(file);
	return count;
}

/**
 * watch_refusal() - what our driver remembers of refusing this process something
 * @last: set to the last line about it
 * @len: bytes of @last
 *
 * Return: how many lines there are.
 */
int watch_refusal(char *last, int len)
{
	char pid[32];

	snprintf(pid, sizeof(pid), " pid=%d ", getpid());
	return lines_with(REFUSALS, pid, last, len);
}

/**
 * watch_refusals_lost() - what our driver says of refusals that it does not remember
 * @last: set to the last line about them
 * @len: bytes of @last
 *
 * Return: how many lines there are.
 */
int watch_refusals_lost(char *last, int len)
{
	return lines_with(REFUSALS, " lost=", last, len);
}

/**
 * watch_expect_reason() - the last request of this process was refused
 * @got: what it returned
 * @want: what it had to, a negative errno
 * @format: for printf(), a part of the reason that our driver gives; the test ends if it
 *	gives another
 */
void watch_expect_reason(int64_t got, int want, const char *format, ...)
{
	char line[256], text[32], why[160];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	expect_ret(got, want);
	watch_refusal(line, sizeof(line));
	snprintf(text, sizeof(text), " ret=%d ", want);
	if (!strstr(line, text) || !strstr(line, why))
		fail("not \"%s\": %s", why, line);
}

static void begin(const char *event)
{
	int trace = open(TRACING "trace", O_WRONLY | O_TRUNC | O_CLOEXEC);
	char path[160];

	if (trace < 0)
		fail("trace: %s", strerror(errno));
	close(trace);
	snprintf(watched, sizeof(watched), TRACING "events/%s/", event);
	snprintf(path, sizeof(path), "%senable", watched);
	sys_write(path, "1");
}

/**
 * watch_probe() - count from now on how often a function is called
 * @function: of the kernel; the test is skipped if that cannot be done
 */
void watch_probe(const char *function)
{
	char text[96];

	if (access(TRACING "kprobe_events", W_OK))
		test_skip("no kprobes in this kernel");
	snprintf(text, sizeof(text), "p:" PROBE " %s", function);
	sys_write(TRACING "kprobe_events", text);
	is_probe = true;
	begin(PROBE);
}

/**
 * watch_event() - count an event of this thread from now on
 * @event: subsystem and name, or a subsystem; the test is skipped if there is none
 * @filter: which of them
 */
void watch_event(const char *event, const char *filter)
{
	char path[160], text[128];

	snprintf(path, sizeof(path), TRACING "events/%s/filter", event);
	if (access(path, W_OK))
		test_skip("no event %s in this kernel", event);
	snprintf(text, sizeof(text), "common_pid == %d && %s", gettid(), filter);
	sys_write(path, text);
	is_probe = false;
	begin(event);
}

static long count_traced(void)
{
	FILE *trace = fopen(TRACING "trace", "re");
	char line[512];
	long count = 0;

	if (!trace)
		fail("trace: %s", strerror(errno));
	while (fgets(line, sizeof(line), trace))
		count += *line != '#';
	fclose(trace);
	return count;
}

static long count_probed(void)
{
	FILE *profile = fopen(TRACING "kprobe_profile", "re");
	unsigned long hits = 0;

	if (!profile || fscanf(profile, "%*s %lu", &hits) != 1)
		fail("kprobe_profile");
	fclose(profile);
	return hits;
}

/**
 * watch_traced() - what was traced since watch_event()
 * @event: lines of this one, without its group
 * @last: set to the last of them
 * @len: bytes of @last
 *
 * Return: how many lines there are.
 */
int watch_traced(const char *event, char *last, int len)
{
	char text[64];

	snprintf(text, sizeof(text), " %s: ", event);
	return lines_with(TRACING "trace", text, last, len);
}

/**
 * watch_end() - stop counting
 *
 * Return: how often it was.
 */
long watch_end(void)
{
	char path[160];
	long count;

	snprintf(path, sizeof(path), "%senable", watched);
	sys_write(path, "0");
	if (is_probe) {
		count = count_probed();
		sys_write(TRACING "kprobe_events", "-:" PROBE);
		return count;
	}
	count = count_traced();
	snprintf(path, sizeof(path), "%sfilter", watched);
	sys_write(path, "0");
	return count;
}
