/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What userspace may ask of a mock mediated device, "t1x_mdev.N": one ioctl on
 * the device. For tests/selftests too, so plain C with uapi types.
 */
#ifndef T1X_MDEV_UAPI_H
#define T1X_MDEV_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define T1X_MDEV_NAME		"t1x_mdev"
#define T1X_MDEV_DEVICES	2

/**
 * enum t1x_mdev_what - what a mock mediated device can be asked to do
 * @T1X_MDEV_PIN: pin pages of user memory, with "prot"
 * @T1X_MDEV_UNPIN: unpin them
 * @T1X_MDEV_READ: read "size" bytes of user memory into "data"
 * @T1X_MDEV_WRITE: write "size" bytes of "data" to user memory
 * @T1X_MDEV_PEEK: read "size" bytes at the start of a page that is pinned
 * @T1X_MDEV_POKE: write them
 * @T1X_MDEV_DEAF: ignore dma_unmap "size" times
 * @T1X_MDEV_TOLD: returns how often dma_unmap came
 */
enum t1x_mdev_what {
	T1X_MDEV_PIN,
	T1X_MDEV_UNPIN,
	T1X_MDEV_READ,
	T1X_MDEV_WRITE,
	T1X_MDEV_PEEK,
	T1X_MDEV_POKE,
	T1X_MDEV_DEAF,
	T1X_MDEV_TOLD,
};

/**
 * struct t1x_mdev_op - argument of T1X_MDEV_OP
 * @what: enum t1x_mdev_what
 * @prot: 1 read, 2 write, 3 both
 * @iova: where
 * @npages: pages to be pinned or unpinned
 * @size: bytes, at most a page; or times
 * @data: address of a buffer in userspace
 */
struct t1x_mdev_op {
	__u32 what;
	__u32 prot;
	__u64 iova;
	__s64 npages;
	__u64 size;
	__u64 data;
};

#define T1X_MDEV_OP	_IOW('t', 0x31, struct t1x_mdev_op)

#endif /* T1X_MDEV_UAPI_H */
