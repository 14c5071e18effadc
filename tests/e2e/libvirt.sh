#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# A guest of libvirt (qemu:///system) to which the NVMe disk is passed through, as
# getting-started.rst has it: the kernel's own driver has the disk before and after.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nested.sh
. /t1x/e2e/lib/domain.sh

gib=$((1 << 30))

virsh() { command virsh -q -k 0 -c qemu:///system "$@"; }

has_disk() { [ -b /dev/nvme0n1 ] && driver_is nvme; }

# as_booted: no module of VFIO is loaded. Its node is there, by which libvirt knows that the
# host has VFIO: in a whole Debian it comes from modules.devname.
as_booted() {
	modprobe -r vfio-pci
	rmmod $OURS $INTREE
	modprobe -r vfio
	! loaded vfio || return
	mkdir -p /dev/vfio
	[ -e /dev/vfio/vfio ] || mknod -m 666 /dev/vfio/vfio c 10 196
	# The emulated disk loses interrupts; then the driver looks by itself.
	modprobe nvme_core io_timeout=5 admin_timeout=5
	modprobe nvme
	echo >"/sys/bus/pci/devices/$(nvme)/driver_override"
	nvme >/sys/bus/pci/drivers_probe
	soon has_disk
}

start_libvirtd() {
	libvirtd >/tmp/libvirtd 2>&1 &
	daemon=$!
	soon virsh list >$SAID 2>&1
}

# edit_limit MIB: by an editor that puts the lines of the page into the guest's.
edit_limit() {
	sed "s,unit='.*'>.*</,unit='MiB'>$1</," "$(grep -l '<memtune' /t1x/xml/*)" >/tmp/memtune
	printf '%s\n' '#!/bin/busybox sh' 'exec sed -i -e "/<memtune>/,/<.memtune>/d" \
		-e "/<currentMemory /r /tmp/memtune" "$1"' >/tmp/editor
	chmod +x /tmp/editor
	EDITOR=/tmp/editor virsh edit $NAME
}

loaded_all() { loaded vfio_pci && loaded $INTREE && loaded $OURS; }
told_why() {
	told refusals
	grep -q "RLIMIT_MEMLOCK (ulimit -l) of qemu-system-x86.* is $(($1 << 20)) bytes" $SAID
}

create_with_viommu() {
	cat >/tmp/viommu.xml <<-XML
	<domain type='qemu'>
	  <name>viommu</name>
	  <memory unit='MiB'>$MEMORY</memory>
	  <os><type arch='x86_64' machine='q35'>hvm</type></os>
	  <devices>
	    <controller type='usb' model='none'/>
	    <video><model type='none'/></video>
	    <memballoon model='none'/>
	    <iommu model='intel'><driver caching_mode='on'/></iommu>
	    $(hostdev "$(nvme)")
	    $(hostdev "$(nics | head -n 1)")
	  </devices>
	</domain>
	XML
	run create --paused /tmp/viommu.xml
}

# ended: what has to be so after each guest.
ended() {
	is "the driver nvme has the disk again" soon has_disk
	is "nothing is left" settled
}

is "the driver nvme has the disk" as_booted
install_libvirt
is "libvirtd runs" start_libvirtd
is "virsh define" define
hostdev "$(nvme)" >/tmp/device.xml
is "virsh attach-device" attach

is "virsh start" run start $NAME
is "vfio-pci was loaded, and the drivers for containers" loaded_all
is "ours serves" is_served
is "vfio-pci has the disk" driver_is vfio-pci
is "QEMU is not root's" user_is libvirt-qemu
is "it may lock the guest's memory and 1 GiB" may_lock $(((MEMORY << 20) + gib))
is "vfio-type1x who has the name of the guest" who_names_it
maps=$(stat_of map_calls)
watch "$(pid_of_qemu)"
used_disk
is "ours was in use meanwhile" [ $in_use = yes ]
is "all its memory was pinned by ours" [ $pinned -ge $((MEMORY << 8)) ]
ended

is "virsh edit sets a limit that is too low" edit_limit 128
is "virsh start says that no memory can be mapped" \
	fails_with "VFIO_MAP_DMA failed: Cannot allocate memory" start $NAME
is "ours says that the limit is the reason" told_why 128
ended

is "virsh edit sets one that is high enough" edit_limit 768
is "virsh start" run start $NAME
is "it is QEMU's limit" may_lock $((768 << 20))
is "virsh destroy" virsh destroy $NAME
ended

is "a guest has a virtual IOMMU and two devices" create_with_viommu
is "each has a container of ours" [ "$(stat_of containers)" = 2 ]
is "QEMU may lock twice the memory and 1 GiB" may_lock $(((2 * MEMORY << 20) + gib))
is "virsh destroy" virsh destroy viommu
ended

kill $daemon
sed 's/^/# libvirtd: /' /tmp/libvirtd
log | sed 's/^/# console: /'
# As the other suites expect it.
rmmod nvme
give "$(nvme)"
tap_end
