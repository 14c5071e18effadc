# SPDX-License-Identifier: GPL-2.0
# For the guest's init and the suites of tests/e2e (busybox sh): TAP, modules,
# devices, the driver's statistics.

OURS=vfio_iommu_type1x
INTREE=vfio_iommu_type1

# --- TAP ----------------------------------------------------------------------

tap_n=0
tap_bad=0

# is WHAT COMMAND...: one test, ok if COMMAND succeeds.
is() {
	local what=$1
	shift
	tap_n=$((tap_n + 1))
	if "$@"; then
		echo "ok $tap_n - $what"
	else
		echo "# failed: $*"
		echo "not ok $tap_n - $what"
		tap_bad=1
	fi
}

# skip WHAT WHY: one test that cannot be done here; tests/selftests/skips has to permit it.
skip() {
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}

# The plan comes last: a script that broke off has none.
tap_end() {
	echo "1..$tap_n"
	exit $tap_bad
}

# --- modules ------------------------------------------------------------------

# By path, or busybox's shell takes its own applets, which know no softdep. A whole
# Debian has them elsewhere than the guests that are made of a few programs.
KMOD=/bin
[ ! -e /sbin/rmmod ] || KMOD=/sbin
modprobe() { $KMOD/modprobe "$@"; }
insmod() { $KMOD/insmod "$@"; }
rmmod() { $KMOD/rmmod "$@"; }
modinfo() { $KMOD/modinfo "$@"; }

# insmod_alone MODULE: as modprobe.d configures it, but without what its softdep brings.
insmod_alone() {
	local options
	options=$(modprobe -c | sed -n "s/^options $1 //p")
	insmod "$(modinfo -n "$1")" $options
}

loaded() { [ -e "/sys/module/$1" ]; }
not() { ! "$@"; }
users() { cat "/sys/module/$1/refcnt" 2>/dev/null || echo 0; }

# stat NAME: one number of our module's statistics.
stat_of() { sed -n "s/^$1 //p" /sys/kernel/debug/$OURS/stats 2>/dev/null; }

# pins acquired|released: pages that the whole kernel has pinned, or unpinned, since it
# booted. The per-CPU counts are added up before.
pins() {
	echo 1 >/proc/sys/vm/stat_refresh
	sed -n "s/^nr_foll_pin_$1 //p" /proc/vmstat
}

# settled: nothing is left of all clients, in ours and in the kernel, or will be soon.
settled() {
	local n
	for n in $(seq 300); do
		! balanced || return 0
		usleep 100000
	done
	return 1
}

balanced() {
	[ "$(users $OURS)" = 0 ] && [ "$(stat_of containers)" = 0 ] &&
		[ "$(stat_of pages_pinned)" = "$(stat_of pages_unpinned)" ] &&
		[ "$(stat_of pages_charged)" = "$(stat_of pages_refunded)" ] &&
		[ "$(pins acquired)" = "$(pins released)" ]
}

# small_pages: are the kernel's pages of 4096 bytes?
small_pages() { grep -qm1 '^KernelPageSize: *4 kB' /proc/self/smaps; }

# from_host FOLDER: UML: a folder of the host, at /tmp/host.
from_host() { mkdir -p /tmp/host && mount -t hostfs -o "$1" host /tmp/host; }

# --- processes ----------------------------------------------------------------

# end_left: for init: kill what a step left running, for it may have a group open that
# the next one needs, and wait for its end. Such a process has init for its parent.
end_left() {
	local stat line pid n killed=
	for n in $(seq 300); do
		pid=
		for stat in /proc/[0-9]*/stat; do
			read -r line 2>/dev/null <$stat || continue
			set -- "${line%% *}" ${line##*) }
			[ "$3" = 1 ] && [ "$2" != Z ] || continue
			pid=$1
			kill -KILL $pid
			# busybox has a process for the limit of each step.
			case "$killed $line" in
			*" $pid "*" $pid "*|*"(timeout)"*) ;;
			*) echo "# left behind: ${line%)*})" ;;
			esac
			killed="$killed $pid "
		done
		[ -n "$pid" ] || return 0
		usleep 10000
	done
	echo "# does not end:$killed"
}

# --- devices ------------------------------------------------------------------

# pci VENDOR DEVICE: addresses of the PCI devices of this kind.
pci() {
	local d
	for d in /sys/bus/pci/devices/*; do
		[ -e "$d/vendor" ] || continue
		[ "$(cat "$d/vendor") $(cat "$d/device")" != "0x$1 0x$2" ] || basename "$d"
	done
}

edu() { pci 1234 11e8; }
nvme() { pci 1b36 0010; }
ivshmem() { pci 1af4 1110; }
nics() { pci 8086 10d3; }

group_of() { basename "$(readlink "/sys/bus/pci/devices/$1/iommu_group")"; }

# give ADDRESS...: give devices to vfio-pci, and take them from a driver that is built in, as
# the cloud kernels' for NVMe is.
give() {
	local a
	for a; do
		echo vfio-pci >"/sys/bus/pci/devices/$a/driver_override"
		[ ! -e "/sys/bus/pci/devices/$a/driver" ] ||
			echo "$a" >"/sys/bus/pci/devices/$a/driver/unbind"
		echo "$a" >/sys/bus/pci/drivers_probe
	done
}

# devices: what T1X_DEVICES says to tests/selftests: "<group>:<device>" can do DMA,
# "bar:<group>:<device>:<region>" has a region worth mapping. In UML nothing: the
# programs know the mock's devices.
devices() {
	local a
	for a in $(edu); do printf '%s:%s ' "$(group_of "$a")" "$a"; done
	for a in $(ivshmem); do printf 'bar:%s:%s:2 ' "$(group_of "$a")" "$a"; done
}
