// SPDX-License-Identifier: GPL-2.0
/* Counts the free pages of the kernel, to find leaks. */
#include <glob.h>
#include <stdio.h>

#include "sys.h"
#include "test.h"
#include "free_pages.h"

/* What was freed may wait for RCU, milliseconds at most. */
#define SETTLE_MS	200

/* Slabs keep pages of which no object is in use. */
static void shrink_slabs(void)
{
	glob_t found;
	size_t i;

	if (glob("/sys/kernel/slab/*/shrink", 0, NULL, &found))
		fail("no slabs to shrink");
	for (i = 0; i < found.gl_pathc; i++)
		sys_write(found.gl_pathv[i], "1");
	globfree(&found);
}

/**
 * free_pages_count() - what is free once slabs have given back what they can
 *
 * Also counts the lists of each CPU, which MemFree knows nothing of.
 *
 * Return: pages.
 */
long free_pages_count(void)
{
	long pages = 0, value;
	char line[256];
	FILE *file;

	sys_msleep(SETTLE_MS);
	shrink_slabs();
	/* Each CPU keeps some of the counts to itself. */
	sys_write("/proc/sys/vm/stat_refresh", "1");
	file = fopen("/proc/zoneinfo", "re");
	if (!file)
		fail("no zoneinfo");
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, " nr_free_pages %ld", &value) == 1 ||
		    sscanf(line, " count: %ld", &value) == 1)
			pages += value;
	fclose(file);
	return pages;
}
