#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# qemu-img of a user other than root, as getting-started.rst sets that up: the group belongs
# to a group of users, and the limit of locked memory is raised. Without either it fails with
# the messages of troubleshooting.rst.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh

group=/dev/vfio/$(basename "$(readlink "/sys/bus/pci/devices/$(nvme)/iommu_group")")
SAID=/tmp/user-said

make_user() {
	echo "root:x:0:0::/:/bin/sh" >/etc/passwd
	echo "alice:x:1000:1000::/tmp:/bin/sh" >>/etc/passwd
	printf '%s\n' "root:x:0:" "alice:x:1000:" "vfio:x:200:alice" >/etc/group
	chmod 1777 /tmp
	[ "$(su alice -c 'id -u') $(su alice -c 'id -G')" = "1000 1000 200" ]
}

# copies KIB: as alice, with a limit of so much locked memory.
copies() {
	local status=0
	rm -f $OUT
	(ulimit -l "$1" && timeout -s KILL 200 su alice -c \
		"exec qemu-img convert -f raw -O raw $DISK $OUT") >$SAID 2>&1 || status=$?
	sed 's/^/# qemu-img: /' $SAID
	return $status
}
fails() { ! copies "$1" && grep -qF "$2" $SAID; }
refused() { tail -n 8 /sys/kernel/debug/$OURS/refusals | grep -q "RLIMIT_MEMLOCK (ulimit -l) of qemu-img"; }
as_udev() { chgrp vfio "$group" && chmod 660 "$group"; }

is "there is a user in the group vfio" make_user
is "any user may open a container" [ "$(stat -c %a /dev/vfio/vfio)" = 666 ]
is "a group of root's cannot be opened" fails 65536 "Permission denied"
is "it is given to the group vfio" as_udev
is "64 KiB of locked memory are too few" fails 64 "VFIO_MAP_DMA failed: Cannot allocate memory"
is "ours says that the limit is the reason" refused
opened=$(stat_of containers_opened)
is "64 MiB are enough" copies 65536
is "the copy is exact" exact
is "its container was ours" [ "$(stat_of containers_opened)" -gt "$opened" ]
is "nothing is left" settled
chown root:root "$group"
chmod 600 "$group"
tap_end
