#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Mock mediated devices come, go, and come again, for the programs after it.
. /t1x/guest-lib.sh

each_has_a_group() {
	local n
	for n in 0 1; do
		[ -e /sys/bus/platform/devices/t1x_mdev.$n/iommu_group ] || return 1
	done
}

is "mediated devices come" insmod /t1x/t1x_mdev.ko
is "each has a group" each_has_a_group
is "they go" rmmod t1x_mdev
is "they come again" insmod /t1x/t1x_mdev.ko
tap_end
