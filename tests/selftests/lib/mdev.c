// SPDX-License-Identifier: GPL-2.0
/* Opens mock mediated devices and sends them requests. */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "mdev.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

/**
 * mdev_group_open() - open the group of a mock mediated device
 * @nr: which one
 *
 * Return: its fd.
 */
int mdev_group_open(int nr)
{
	char path[96], target[PATH_MAX];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path),
		 "/sys/bus/platform/devices/%s.%d/iommu_group", T1X_MDEV_NAME,
		 nr);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		fail("no mediated device %d", nr);
	target[n] = '\0';
	snprintf(path, sizeof(path), "/dev/vfio/%s", basename(target));
	fd = open(path, O_RDWR);
	if (fd < 0)
		fail("open %s: %s", path, strerror(errno));
	return vfio_remember(fd);
}

/**
 * mdev_device_open() - open a mock mediated device
 * @group: fd of its group, which is in a container with an IOMMU
 * @nr: which one
 *
 * Return: its fd.
 */
int mdev_device_open(int group, int nr)
{
	char name[32];
	int dev;

	snprintf(name, sizeof(name), "%s.%d", T1X_MDEV_NAME, nr);
	dev = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, name);
	if (dev < 0)
		fail("open %s: %s", name, strerror(errno));
	return vfio_remember(dev);
}

/**
 * mdev_op() - tell a mock mediated device to do something
 * @mdev: its fd
 * @what: enum t1x_mdev_what
 * @iova: where
 * @npages: how many pages
 * @size: bytes, or times
 * @data: what to write, or where to read to
 *
 * Return: what it returns, or a negative errno.
 */
int mdev_op(int mdev, uint32_t what, uint64_t iova, int64_t npages,
	    uint64_t size, void *data)
{
	struct t1x_mdev_op op = {
		.what = what,
		.prot = 3,
		.iova = iova,
		.npages = npages,
		.size = size,
		.data = (uintptr_t)data,
	};
	int ret = ioctl(mdev, T1X_MDEV_OP, &op);

	return ret < 0 ? -errno : ret;
}

/**
 * mdev_pin() - have pages pinned, to be read and written
 * @mdev: fd of the device
 * @iova: first page
 * @npages: how many
 *
 * Return: how many were pinned, or a negative errno.
 */
int mdev_pin(int mdev, uint64_t iova, int64_t npages)
{
	return mdev_op(mdev, T1X_MDEV_PIN, iova, npages, 0, NULL);
}

/**
 * mdev_unpin() - have pages unpinned
 * @mdev: fd of the device
 * @iova: first page
 * @npages: how many
 *
 * Return: 0 or a negative errno.
 */
int mdev_unpin(int mdev, uint64_t iova, int64_t npages)
{
	return mdev_op(mdev, T1X_MDEV_UNPIN, iova, npages, 0, NULL);
}

/**
 * mdev_deaf() - have a device ignore requests to unpin pages
 * @mdev: fd of the device
 * @times: how often from now on
 *
 * Return: 0 or a negative errno.
 */
int mdev_deaf(int mdev, uint64_t times)
{
	return mdev_op(mdev, T1X_MDEV_DEAF, 0, 0, times, NULL);
}

/**
 * mdev_told() - how often a device was told to unpin pages
 * @mdev: fd of the device
 *
 * Return: the number, or a negative errno.
 */
int mdev_told(int mdev)
{
	return mdev_op(mdev, T1X_MDEV_TOLD, 0, 0, 0, NULL);
}
