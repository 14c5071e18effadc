#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# `modprobe vfio-pci`, and nothing else, brings up our driver after the in-tree one;
# then the guest's devices go to vfio-pci. Every other suite builds on this one.
. /t1x/guest-lib.sh

# position MODULE: its line in what modprobe would do.
position() { modprobe --show-depends vfio-pci | grep -n "/$1\.ko" | cut -d : -f 1; }
later() { [ "$(position $OURS)" -gt "$(position $INTREE)" ]; }
served_by_vfio_pci() { [ "$(basename "$(readlink "/sys/bus/pci/devices/$1/driver")")" = vfio-pci ]; }
own_groups() {
	[ -z "$(for a in $(edu) $(ivshmem) $(nvme); do group_of "$a"; done | sort | uniq -d)" ]
}

is "modprobe puts ours after the in-tree driver" later
is "modprobe vfio-pci" modprobe vfio-pci
is "the in-tree driver is loaded" loaded $INTREE
is "ours is loaded" loaded $OURS
is "our statistics are there" [ -n "$(stat_of containers)" ]

give $(edu) $(ivshmem) $(nvme)
for a in $(edu) $(ivshmem) $(nvme); do
	is "$(cat "/sys/bus/pci/devices/$a/vendor") at $a belongs to vfio-pci" served_by_vfio_pci "$a"
done
is "each device has a group of its own" own_groups
tap_end
