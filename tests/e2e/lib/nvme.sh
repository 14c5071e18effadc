# SPDX-License-Identifier: GPL-2.0
# For the suites that have qemu-img use the NVMe disk over VFIO (nvme://, type1 v1).

DISK=nvme://$(nvme)/1
OUT=/tmp/disk.raw
maps=0
unmaps=0

# qemu_img DRIVER ARGUMENT...: true if it succeeds and DRIVER's module was in use
# meanwhile. Notes in $maps and $unmaps how many of them ours saw. The limit is a guard.
qemu_img() {
	local driver=$1 pid status in_use=no
	shift
	maps=$(stat_of map_calls)
	unmaps=$(stat_of unmap_calls)
	timeout -s KILL 200 qemu-img "$@" >/tmp/said 2>&1 &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		[ "$(users "$driver")" = 0 ] || in_use=yes
		usleep 50000
	done
	wait $pid
	status=$?
	maps=$(($(stat_of map_calls) - maps))
	unmaps=$(($(stat_of unmap_calls) - unmaps))
	echo "# qemu-img $1: status $status, driver in use: $in_use, $maps maps, $unmaps unmaps"
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
