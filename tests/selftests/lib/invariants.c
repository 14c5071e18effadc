// SPDX-License-Identifier: GPL-2.0
/* Has the driver check its invariants, where tests/invariants is linked into it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "debugfs.h"
#include "invariants.h"
#include "test.h"

#define PARAMETER	"/sys/module/vfio_iommu_type1x/parameters/invariants"

static int parameter = -1;

static bool ask(const char *container)
{
	return pwrite(parameter, container, strlen(container), 0) >= 0;
}

/**
 * invariants_begin() - from here on no IOMMU is expected to fail
 *
 * After one has failed, mappings may be what they must not be elsewhere, and are not
 * checked until this is called again.
 */
void invariants_begin(void)
{
	if (parameter < 0)
		parameter = open(PARAMETER, O_RDWR | O_CLOEXEC);
	if (parameter >= 0 && !ask("0"))
		fail(PARAMETER ": %s", strerror(errno));
}

/**
 * invariants_broken() - look at all containers that are open
 *
 * What is in progress is waited for.
 *
 * Return: what is wrong, or NULL; also where nothing can be asked.
 */
const char *invariants_broken(void)
{
	static char broken[256];
	struct dirent *entry;
	char why[200];
	ssize_t len;
	DIR *dir;

	*broken = '\0';
	/* As an ordinary user a test cannot tell which containers there are. */
	dir = parameter < 0 ? NULL : opendir(DEBUGFS_CONTAINERS);
	while (dir && !*broken && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || ask(entry->d_name) || errno == ENOENT)
			continue;
		snprintf(why, sizeof(why), "%s", strerror(errno));
		if (errno == EUCLEAN) {
			len = pread(parameter, why, sizeof(why) - 1, 0);
			why[len < 0 ? 0 : len] = '\0';
		}
		why[strcspn(why, "\n")] = '\0';
		snprintf(broken, sizeof(broken), "container %.20s: %s", entry->d_name, why);
	}
	if (dir)
		closedir(dir);
	return *broken ? broken : NULL;
}

/** invariants_check() - fail unless they hold in all containers that are open */
void invariants_check(void)
{
	const char *broken = invariants_broken();

	if (broken)
		fail("%s", broken);
}
