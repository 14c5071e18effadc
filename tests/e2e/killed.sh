#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# SIGKILL ends clients whose device does DMA and who map and unmap, at any point.
. /t1x/lib.sh
. /t1x/e2e/nvme.sh
. /t1x/e2e/load.sh

# demo MICROSECONDS: kill it that long after its first map. Where it was faster than
# this script, which may have to wait for a CPU, there is another one.
demo() {
	local before
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		before=$(stat_of map_calls)
		T1X_DRIVER=$OURS t1x_demo >/tmp/said 2>&1 &
		client=$!
		while [ "$(stat_of map_calls)" = "$before" ]; do
			kill -0 $client && usleep 10000 || return
		done
		usleep "$1"
		! stop || return 0
		! grep '^not ok' /tmp/said || return
	done
	return 1
}

for kind in bench dd; do
	for round in 1 2 3; do
		is "qemu-img $kind is busy" load $kind
		usleep $((round * 70000))
		is "it is killed" stop
		is "nothing is left" settled
	done
done

# It maps 64 MiB, some of it in many pieces.
for ms in 0 50 100 200; do
	is "t1x_demo is killed $ms ms after its first map" demo ${ms}000
	is "nothing is left" settled
done
tap_end
