#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The initramfs had vfio-pci and its IDs: ours came with it, and serves. One link makes
# the in-tree driver serve again.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/serve.sh

mask=/etc/modprobe.d/$OURS.conf

early() { [ "$(basename "$(readlink "/sys/bus/pci/devices/$1/driver")")" = vfio-pci ]; }
loaded_is_installed() {
	[ "$(cat /sys/module/$OURS/srcversion)" = "$(modinfo -F srcversion $OURS)" ]
}

command_says() { vfio-type1x >/tmp/said 2>&1 && grep -F "$1" /tmp/said || ! cat /tmp/said; }

for a in $(edu); do is "the initramfs gave $a to vfio-pci" early "$a"; done
is "ours is loaded" loaded $OURS
is "it is the one that DKMS installed" loaded_is_installed
is "it serves" serves $OURS
is "vfio-type1x looks at it" command_says "no container is open ($OURS is loaded)"

ln -s /dev/null $mask
is "with its modprobe.d file masked, ours is not brought along" not brings $OURS
is "ours unloads" rmmod $OURS
is "the in-tree driver serves" serves $INTREE
rm $mask
is "without the mask ours is brought along" brings $OURS
is "and loads" modprobe $OURS
is "and serves" serves $OURS
tap_end
