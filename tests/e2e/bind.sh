#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# How getting-started.rst has devices leave their driver: driverctl and dpdk-devbind.py. Each
# gives both NICs to vfio-pci and takes them back; qemu-img then has a disk from driverctl.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh

CONF=/etc/driverctl.d

driver_of() { basename "$(readlink "/sys/bus/pci/devices/$1/driver")" 2>/dev/null; }

# each COMMAND...: with the address of each NIC.
each() {
	local nic
	for nic in $(nics); do "$@" "$nic" || return; done
}
all_bound() {
	local nic
	for nic in $(nics); do
		[ "$(driver_of "$nic")" = vfio-pci ] && [ -e "/dev/vfio/$(group_of "$nic")" ] || return
	done
}
none_bound() {
	local nic
	for nic in $(nics); do [ -z "$(driver_of "$nic")" ] || return; done
}
set_override() { driverctl set-override "$1" vfio-pci; }
# There is no other driver in this guest, which would be a failure.
unset_override() { driverctl --noprobe unset-override "$1"; }
saved() { [ "$(cat "$CONF/pci-$1")" = vfio-pci ]; }
not_saved() { [ ! -e "$CONF/pci-$1" ]; }
devbind() { python3 /usr/bin/dpdk-devbind.py "$@"; }
status() { devbind --status-dev net >/tmp/status && sed 's/^/# /' /tmp/status; }
listed() { grep -q "^$1 .*drv=vfio-pci" /tmp/status; }

# As in a whole Debian.
[ -e /sbin/modprobe ] || { mkdir -p /sbin && ln -s $KMOD/modprobe /sbin/modprobe; }

is "the NICs have no driver" none_bound
is "driverctl set-override" each set_override
is "vfio-pci has them" all_bound
is "and is to have them after the next boot" each saved
is "driverctl unset-override" each unset_override
is "they have no driver again" none_bound
is "nor after the next boot" each not_saved
is "dpdk-devbind.py --bind" devbind --bind=vfio-pci $(nics)
is "vfio-pci has them" all_bound
is "dpdk-devbind.py --status-dev" status
is "it lists them so" each listed
is "dpdk-devbind.py --unbind" devbind --unbind $(nics)
is "they have no driver" none_bound
is "driverctl takes the disk and gives it back" driverctl --nosave set-override "$(nvme)" vfio-pci
is "qemu-img copies it" copy $OURS
tap_end
