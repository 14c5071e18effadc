/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The devices that there are to use, and taking them away.
 *
 * T1X_DEVICES names them, separated by spaces:
 *
 *   <group>:<device>		a device with a DMA engine like QEMU's edu; two
 *				of them, in two groups
 *   bar:<group>:<device>:<region>
 *				a device with a big region to mmap(), in a third
 *
 * A number is the position in that list.  Without it they are those of the mock.
 */
#ifndef T1X_DEVICES_H
#define T1X_DEVICES_H

#include <stdbool.h>

/**
 * struct device_entry - a device and its group
 * @group: name in /dev/vfio
 * @device: name on its bus
 * @region: number of its big region
 */
struct device_entry {
	char group[16];
	char device[32];
	unsigned int region;
};

bool devices_mock(struct device_entry *entry, int device);
void devices_need(struct device_entry *entry, bool bar, int nr);

void devices_unplug(const struct device_entry *entry);
void devices_plug(const struct device_entry *entry);

#endif /* T1X_DEVICES_H */
