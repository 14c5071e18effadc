#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# DPDK's own test of its heap, with two NICs: memory comes and goes thousands of times.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/eal.sh

heap_test() {
	dpdk-test $eal --in-memory malloc_autotest </dev/null >/tmp/heap 2>&1
	grep -q '^Test OK' /tmp/heap && ! grep -q '^Test Failed' /tmp/heap
}

maps=$(stat_of map_calls)
unmaps=$(stat_of unmap_calls)
is "malloc_autotest passes" heap_test
remark "the heap was tested"
is "it mapped" grown map_calls "$maps" 1000
is "and unmapped" grown unmap_calls "$unmaps" 1000
is "nothing is left" settled
is "the huge pages are back" huge_pages "$huge_before"
tap_end
