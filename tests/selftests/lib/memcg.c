// SPDX-License-Identifier: GPL-2.0
/* A memory cgroup with little memory, one at a time. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memcg.h"
#include "sys.h"
#include "test.h"

#define CGROUPS	"/tmp/t1x-cgroups"
#define CGROUP	CGROUPS "/small"

/**
 * memcg_try() - make the cgroup
 * @limit: for memory.max, such as "32M"
 *
 * Return: false if the kernel has no memory cgroups.
 */
bool memcg_try(const char *limit)
{
	mkdir(CGROUPS, 0700);
	if (mount("none", CGROUPS, "cgroup2", 0, NULL))
		return false;
	sys_write(CGROUPS "/cgroup.subtree_control", "+memory");
	if (mkdir(CGROUP, 0700))
		fail("mkdir " CGROUP ": %s", strerror(errno));
	sys_write(CGROUP "/memory.max", limit);
	return true;
}

/**
 * memcg_make() - the same; the test is skipped in a kernel without
 * @limit: for memory.max
 */
void memcg_make(const char *limit)
{
	if (!memcg_try(limit))
		test_skip("no memory cgroups in this kernel");
}

/** memcg_join() - put this process into it */
void memcg_join(void)
{
	sys_write(CGROUP "/cgroup.procs", "0");
}

/** memcg_leave() - put this process back to where the others are */
void memcg_leave(void)
{
	sys_write(CGROUPS "/cgroup.procs", "0");
}

/**
 * memcg_ooms() - how often its memory ran out
 *
 * Return: the number, or -1 if the kernel does not say.
 */
long memcg_ooms(void)
{
	FILE *events = fopen(CGROUP "/memory.events", "re");
	char line[64];
	long ooms = -1;

	while (events && fgets(line, sizeof(line), events))
		sscanf(line, "oom %ld", &ooms);
	if (events)
		fclose(events);
	return ooms;
}

/** memcg_remove() - remove the cgroup, once the last of its processes has ended */
void memcg_remove(void)
{
	while (rmdir(CGROUP) && errno == EBUSY)
		sys_msleep(10);
	umount2(CGROUPS, MNT_DETACH);
	rmdir(CGROUPS);
}
