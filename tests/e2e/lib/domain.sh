# SPDX-License-Identifier: GPL-2.0
# For libvirt.sh and libvirt_user.sh, after lib/nested.sh: a guest of libvirt with the NVMe
# disk, by the XML of getting-started.rst. Each suite has a function virsh of its own.

NAME=reader
SAID=/tmp/libvirt-said

progress() { echo "# libvirt: $(uptime_s) s: $1"; }

# soon COMMAND...: true once it is; the limit is a guard against hangs.
soon() {
	for _ in $(seq 600); do
		! "$@" || return 0
		sleep 1
	done
	return 1
}

driver_is() { [ "$(basename "$(readlink "/sys/bus/pci/devices/$(nvme)/driver")")" = "$1" ]; }

# install_libvirt: the users and the folders of Debian's packages, and alice.
install_libvirt() {
	printf '%s\n' root:x:0:0::/:/bin/sh alice:x:1000:1000::/tmp/alice:/bin/sh \
		libvirt-qemu:x:64055:64055::/:/bin/false >/etc/passwd
	printf '%s\n' root:x:0: alice:x:1000: kvm:x:106:libvirt-qemu,alice libvirt-qemu:x:64055: vfio:x:200:alice >/etc/group
	mkdir -p /etc/libvirt /run /var/lib /var/cache /var/log /sbin
	[ -e /var/run ] || ln -s /run /var/run
	[ -e /sbin/modprobe ] || ln -s $KMOD/modprobe /sbin/modprobe
	# As udev does.
	modprobe kvm-amd
	chgrp 106 /dev/kvm
	chmod 660 /dev/kvm
	# virtlogd is not in this guest, nor is polkit.
	echo 'stdio_handler = "file"' >/etc/libvirt/qemu.conf
	echo 'auth_unix_rw = "none"' >/etc/libvirt/libvirtd.conf
}

define() {
	cat >/tmp/guest.xml <<-XML
	<domain type='kvm'>
	  <name>$NAME</name>
	  <memory unit='MiB'>$MEMORY</memory>
	  <os>
	    <type arch='x86_64' machine='pc'>hvm</type>
	    <kernel>/t1x/l2/vmlinux</kernel>
	    <initrd>/t1x/l2/initramfs</initrd>
	    <cmdline>$(command_line disk)</cmdline>
	  </os>
	  <features><acpi/></features>
	  <cpu mode='maximum'/>
	  <on_reboot>destroy</on_reboot>
	  <devices>
	    <controller type='usb' model='none'/>
	    <serial type='file'><source path='$LOG'/></serial>
	    <video><model type='none'/></video>
	    <memballoon model='none'/>
	  </devices>
	</domain>
	XML
	virsh define --validate /tmp/guest.xml
}

# hostdev ADDRESS: the page's, with this one.
hostdev() {
	local bus slot
	bus=$(echo "$1" | cut -d : -f 2)
	slot=$(echo "$1" | cut -d : -f 3)
	sed "s/bus='.*'/bus='0x$bus' slot='0x${slot%.*}' function='0x${slot#*.}'/" \
		"$(grep -l '<hostdev' /t1x/xml/*)"
}

attach() { virsh attach-device $NAME /tmp/device.xml --config; }

# run COMMAND...: of virsh; what it says is kept for fails_with.
run() {
	local status=0
	progress "virsh $1"
	virsh "$@" >$SAID 2>&1 || status=$?
	sed "s/^/# virsh $1: /" $SAID
	return $status
}
fails_with() {
	local what=$1
	shift
	! run "$@" && grep -q "$what" $SAID
}

pid_of_qemu() { pidof qemu-system-x86_64; }
user_is() { [ "$(stat -c %U "/proc/$(pid_of_qemu)")" = "$1" ]; }
may_lock() {
	local limit
	limit=$(sed -n 's/^Max locked memory *//p' "/proc/$(pid_of_qemu)/limits")
	echo "# its limit of locked memory: $limit"
	[ "${limit%% *}" = "$1" ]
}
is_served() { [ "$(users $INTREE)" = 0 ] && [ "$(users $OURS)" = 1 ]; }

told() { python3 /t1x/vfio-type1x "$@" | tee $SAID | sed 's/^/# vfio-type1x: /'; }
who_names_it() { told who && grep -q "^ *$(pid_of_qemu) .* $OURS .* $NAME  $(nvme) " $SAID; }
