#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The device of a busy client is reset, and taken away from vfio-pci: that waits until
# the client has gone.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh
. /t1x/e2e/lib/load.sh

disk=$(nvme)
sysfs=/sys/bus/pci/devices/$disk

reset() { echo 1 >"$sysfs/reset"; }
unbind() { echo "$disk" >/sys/bus/pci/drivers/vfio-pci/unbind; }
has_driver() { [ -e "$sysfs/driver" ]; }
waits() { kill -0 $unbind; }

goes_on() {
	local before
	before=$(interrupts)
	sleep 1
	[ "$(interrupts)" -gt "$before" ]
}

is "qemu-img is busy" load $LOAD
is "the device is reset" reset
is "its container stays" [ "$(stat_of containers)" = 1 ]
is "it is killed" stop
is "nothing is left" settled
is "the device can be used again" copy $OURS

is "qemu-img is busy again" load $LOAD
unbind &
unbind=$!
is "it goes on while vfio-pci is asked to let go" goes_on
is "that waits" waits
is "its container stays, again" [ "$(stat_of containers)" = 1 ]
is "it is killed, again" stop
is "vfio-pci lets go" wait $unbind
is "the device has no driver" not has_driver
is "nothing is left, again" settled
give "$disk"
is "the device can be used once more" copy $OURS
tap_end
