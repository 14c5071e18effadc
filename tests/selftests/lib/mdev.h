/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Mock mediated devices, which pin and unpin pages by request. The requests are
 * described in tests/mdev/mdev.h.
 */
#ifndef T1X_MDEV_H
#define T1X_MDEV_H

#include <stdint.h>

#include "../../mdev/mdev.h"

int mdev_group_open(int nr);
int mdev_device_open(int group, int nr);
int mdev_op(int mdev, uint32_t what, uint64_t iova, int64_t npages,
	    uint64_t size, void *data);
int mdev_pin(int mdev, uint64_t iova, int64_t npages);
int mdev_unpin(int mdev, uint64_t iova, int64_t npages);
int mdev_deaf(int mdev, uint64_t times);
int mdev_told(int mdev);

#endif /* T1X_MDEV_H */
