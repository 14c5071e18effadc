# SPDX-License-Identifier: GPL-2.0
# For the suites that have qemu-img use the NVMe disk over VFIO (nvme://, type1 v1).

DISK=nvme://$(nvme)/1
OUT=/tmp/disk.raw
maps=0
unmaps=0

cpu_time() { cut -d ' ' -f 14,15 "/proc/$1/stat" 2>/dev/null; }

# stuck PID TIMES: it ran for nothing in so many tenths of a second, or has ended.
stuck() {
	local before idle=0
	while [ $idle -lt "$2" ]; do
		before=$(cpu_time "$1")
		usleep 100000
		[ -n "$before" ] || return
		[ "$(cpu_time "$1")" = "$before" ] && idle=$((idle + 1)) || idle=0
		[ "$(users "$driver")" = 0 ] || in_use=yes
	done
}

# qemu_img DRIVER ARGUMENT...: true if it succeeds and DRIVER's module was in use
# meanwhile. Notes in $maps and $unmaps how many of them ours saw. The emulated NVMe
# loses one of its first interrupts about every second time, whoever serves the
# container, and qemu-img then waits for ever: hence more than one try. What fails by
# itself is not tried again.
qemu_img() {
	local driver=$1 try pid status in_use
	shift
	for try in 1 2 3 4 5 6 7 8 9 10; do
		in_use=no
		maps=$(stat_of map_calls)
		unmaps=$(stat_of unmap_calls)
		qemu-img "$@" >/tmp/said 2>&1 &
		pid=$!
		stuck $pid $((try * 2 + 8))
		kill -KILL $pid 2>/dev/null
		wait $pid
		status=$?
		[ $status = 137 ] || break
		echo "# qemu-img $1: try $try got stuck"
	done
	maps=$(($(stat_of map_calls) - maps))
	unmaps=$(($(stat_of unmap_calls) - unmaps))
	echo "# qemu-img $1: status $status at try $try, $maps maps, $unmaps unmaps"
	sed "s/^/# qemu-img $1: /" /tmp/said
	[ $status = 0 ] && [ $in_use = yes ]
}

# exact: OUT is the disk.
exact() { [ "$(sha256sum <$OUT)" = "$(cat /t1x/disk.sha256)" ]; }

# copy DRIVER: the whole disk, by few and large requests.
copy() {
	rm -f $OUT
	qemu_img "$1" convert -f raw -O raw "$DISK" $OUT && exact
}
