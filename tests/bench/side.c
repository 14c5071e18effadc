// SPDX-License-Identifier: GPL-2.0
/* Chooses which driver serves: loads and unloads the modules. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../selftests/lib/module.h"
#include "../selftests/lib/sys.h"
#include "../selftests/lib/test.h"
#include "../selftests/lib/vfio.h"
#include "side.h"

#define DEV_IOMMU	"/dev/iommu"

/* A side that is no module is always there, and is chosen by the file that is opened. */
static const struct {
	const char *name;
	const char *file;
} sides[SIDES] = {
	[TREE] = { "vfio_iommu_type1", "T1X_INTREE" },
	[OURS] = { "vfio_iommu_type1x", "T1X_MODULE" },
	[IOMMUFD] = { "iommufd", NULL },
};

static enum side serving = OURS;

/**
 * side_end() - how many sides this kernel has
 *
 * Return: the first one that it does not have.
 */
enum side side_end(void)
{
	return access(DEV_IOMMU, F_OK) ? IOMMUFD : SIDES;
}

/**
 * side_name() - what a side is called
 * @side: which one
 *
 * Return: the name of its module.
 */
const char *side_name(enum side side)
{
	return sides[side].name;
}

/**
 * side_serving() - side that is measured now
 *
 * Return: what side_serve() was told.
 */
enum side side_serving(void)
{
	return serving;
}

/**
 * side_load() - load a module
 * @variable: of the environment, with its file
 * @options: for it, or ""
 */
void side_load(const char *variable, const char *options)
{
	const char *file = getenv(variable);

	if (!file)
		fail("no %s", variable);
	module_load(file, options);
}

/**
 * side_serve() - load the module of a side and unload the others
 * @side: which one
 */
void side_serve(enum side side)
{
	enum side other;

	for (other = TREE; other < SIDES; other++)
		if (other != side && sides[other].file)
			module_unload(sides[other].name);
	setenv("T1X_DRIVER", sides[side].name, 1);
	serving = side;
	if (!sides[side].file || sys_refs() >= 0)
		return;
	/* Neither UML without MSIs nor a virtio-iommu shows that interrupts are isolated. */
	side_load(sides[side].file, sys_mock_get("isolated_msi") && !getenv("T1X_UNSAFE") ? "" :
				    "allow_unsafe_interrupts=1");
}

/* No module is loaded that could serve in its place. */
static int iommufd_open(int group)
{
	int fd = open(DEV_IOMMU, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fail("open %s: %s", DEV_IOMMU, strerror(errno));
	vfio_remember(fd);
	assert_ret(vfio_group_join(group, fd), 0);
	assert_ret(vfio_try_set_iommu(fd, VFIO_TYPE1v2_IOMMU), 0);
	return fd;
}

/**
 * side_container_open() - a container that is served by the side in turn
 * @group: fd of its first group
 *
 * Return: its fd.
 */
int side_container_open(int group)
{
	int container;

	if (serving == IOMMUFD)
		return iommufd_open(group);
	container = vfio_container_open();
	assert_ret(vfio_group_join(group, container), 0);
	assert_ret(vfio_set_iommu(container, VFIO_TYPE1v2_IOMMU), 0);
	return container;
}
