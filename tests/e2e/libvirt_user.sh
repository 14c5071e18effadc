#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# A guest of a user's own libvirt (qemu:///session): udev gives the group to the user by the
# rule of getting-started.rst, and the limit of locked memory has to be the user's.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nested.sh
. /t1x/e2e/lib/domain.sh

HOME_OF_ALICE=/tmp/alice
LOG=$HOME_OF_ALICE/l2
limit=64
group=/dev/vfio/$(group_of "$(nvme)")

# virsh ARGUMENT...: of alice; it starts the libvirtd that it needs. They have no spaces.
virsh() {
	(ulimit -l $limit && su alice -c \
		"XDG_RUNTIME_DIR=$HOME_OF_ALICE exec virsh -q -k 0 -c qemu:///session $*")
}

# login KIB: the libvirtd that virsh starts from here on has this limit.
login() {
	limit=$1
	! daemon=$(pidof libvirtd) || kill $daemon
	soon gone libvirtd
}
gone() { ! pidof "$1" >/dev/null; }

make_home() {
	local config=$HOME_OF_ALICE/.config/libvirt
	mkdir -p $config
	cp /etc/libvirt/qemu.conf $config/
	chown -R alice:alice $HOME_OF_ALICE
	chmod 1777 /tmp
}

start_udevd() {
	mkdir -p /etc/udev/rules.d
	# udevadm is the daemon as well, by its name.
	[ -e /usr/sbin/systemd-udevd ] || ln -s /usr/bin/udevadm /usr/sbin/systemd-udevd
	systemd-udevd --daemon
}
# As the page has it.
apply_rule() {
	cp /t1x/70-vfio.rules /etc/udev/rules.d/
	udevadm control --reload && udevadm trigger --subsystem-match=vfio && udevadm settle
}
belongs_to() { [ "$(stat -c "%U:%G %a" "$group")" = "$1" ]; }

install_libvirt
make_home
is "udevd runs" start_udevd
is "the disk's group is root's" belongs_to "root:root 600"
is "udevadm applies the rule" apply_rule
is "the group is given to the users of vfio" belongs_to "root:vfio 660"
is "virsh define" define
hostdev "$(nvme)" | sed "s/managed='yes'/managed='no'/" >/tmp/device.xml
is "virsh attach-device" attach
is "libvirt may not raise the limit of locked memory" \
	fails_with "cannot limit locked memory of process .*: Operation not permitted" start $NAME
is "nothing is left" settled

is "alice logs in with a higher limit" login $(((MEMORY + 1024) << 10))
is "virsh start" run start $NAME
is "QEMU is the user's" user_is alice
is "ours serves" is_served
is "vfio-type1x who has the name of the guest" who_names_it
is "virsh destroy" virsh destroy $NAME
is "nothing is left" settled
is "vfio-pci has the disk" driver_is vfio-pci

login 64
udevadm control --exit
rm /etc/udev/rules.d/70-vfio.rules
chown root:root "$group"
chmod 600 "$group"
tap_end
