#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# SIGKILL ends clients that map and unmap while their device does DMA, at any point.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh
. /t1x/e2e/lib/load.sh

# demo MICROSECONDS: kill it that long after its first map. Where it was faster than
# this script, which may have to wait for a CPU, there is another one. Not by the
# statistics: reading them takes a reference on the module, and t1x_demo counts those.
demo() {
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		: >/tmp/said
		T1X_DRIVER=$OURS t1x_demo >/tmp/said 2>&1 &
		client=$!
		until grep -q '^mapped_' /tmp/said || ! kill -0 $client; do
			usleep 10000
		done
		usleep "$1"
		! stop || return 0
		if ! grep -q '^vmlck_after_kb' /tmp/said; then
			sed 's/^/# /' /tmp/said
			return 1
		fi
	done
	return 1
}

for kind in bench dd; do
	for round in 1 2 3; do
		if [ $kind = bench ] && [ $LOAD != bench ]; then
			skip "qemu-img $kind is busy" "$BENCH_SKIP"
			skip "it is killed" "$BENCH_SKIP"
			skip "nothing is left" "$BENCH_SKIP"
			continue
		fi
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
