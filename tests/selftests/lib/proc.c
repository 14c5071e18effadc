// SPDX-License-Identifier: GPL-2.0
/* States of other processes, CPU affinity, and the end of child processes. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proc.h"
#include "sys.h"
#include "test.h"

/* Its name may have spaces and brackets in it: what follows begins behind the last. */
static bool read_stat(pid_t pid, char *state, pid_t *parent)
{
	char path[32], line[512], *end = NULL;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	if (!stat)
		return false;
	line[fread(line, 1, sizeof(line) - 1, stat)] = '\0';
	fclose(stat);
	end = strrchr(line, ')');
	return end && sscanf(end + 1, " %c %d", state, parent) == 2;
}

/**
 * proc_state() - what a process is doing
 * @pid: its number
 *
 * Return: the letter that ps(1) has for it: R, S, D, T, Z and so on.
 */
char proc_state(pid_t pid)
{
	pid_t parent;
	char state;

	if (!read_stat(pid, &state, &parent))
		fail("there is no process %d", pid);
	return state;
}

/**
 * proc_settled() - wait until a process has ended, or sleeps deaf to signals
 * @pid: of a child
 *
 * There is no limit but that of the test: how long it takes says nothing.
 *
 * Return: D, or Z.
 */
char proc_settled(pid_t pid)
{
	char state;

	for (;;) {
		state = proc_state(pid);
		if (state == 'D' || state == 'Z')
			return state;
		sys_msleep(1);
	}
}

/**
 * proc_check_state() - behind assert_state()
 * @file: source file of the check
 * @line: which one
 * @pid: of a process
 * @want: what it has to be doing, a letter as of proc_state()
 */
void proc_check_state(const char *file, int line, pid_t pid, char want)
{
	char got = proc_state(pid);

	if (got != want)
		test_fail(file, line, "process %d: expected state %c, got %c",
			  pid, want, got);
}

/**
 * proc_one_cpu() - keep this process and all that it will start on one CPU
 *
 * How far one of them gets while another does something is then up to the kernel under
 * test alone, however busy the machine is that it runs on.
 */
void proc_one_cpu(void)
{
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(sched_getcpu(), &cpus);
	assert_eq(sched_setaffinity(0, sizeof(cpus), &cpus), 0);
}

/**
 * proc_be_last() - get the CPU only while nothing else wants it, or next to nothing
 *
 * For what another process has to meet half way: with proc_one_cpu() it goes on when
 * that one sleeps.
 */
void proc_be_last(void)
{
	struct sched_param param = {};

	assert_eq(sched_setscheduler(0, SCHED_IDLE, &param), 0);
}

/**
 * proc_run() - run a command of the guest
 * @command: for its shell, which takes an applet of busybox for modprobe, which knows no
 *	softdep, unless that has a path
 *
 * The test fails if the command does, which says why.
 */
void proc_run(const char *command)
{
	int status = system(command);

	if (status)
		fail("%s: status %#x", command, status);
}

static void kill_children(bool say)
{
	struct dirent *entry;
	pid_t pid, parent;
	char state;
	DIR *dir;

	dir = opendir("/proc");
	if (!dir)
		fail("/proc: %s", strerror(errno));
	while ((entry = readdir(dir))) {
		pid = isdigit((unsigned char)*entry->d_name) ?
		      atoi(entry->d_name) : 0;
		if (!pid || !read_stat(pid, &state, &parent) ||
		    parent != getpid() || state == 'Z')
			continue;
		if (say)
			test_say("left process %d behind, state %c", pid, state);
		kill(pid, SIGKILL);
	}
	closedir(dir);
}

/**
 * proc_end_children() - kill all children, and theirs, and wait for their end
 *
 * For a runner that is the reaper of what its tests leave: children of a process
 * that is killed here are found in the next round. Until all have ended nothing that
 * they hold is free.
 */
void proc_end_children(void)
{
	bool say = true;
	pid_t pid;

	for (;;) {
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			;
		if (pid < 0)
			return;
		kill_children(say);
		/* Once is enough: some take a while to end. */
		say = false;
		waitpid(-1, NULL, 0);
	}
}
