#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# DPDK (type1 v1) with two NICs on one wire: testpmd forwards between them, and its heap
# grows and shrinks by huge pages while it does, because dpdk-dumpcap joins it. Then
# DPDK's own test of its heap, which does that thousands of times.
. /t1x/lib.sh

HUGE=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
IN=/tmp/testpmd.in
SAID=/tmp/testpmd
DRIVERS=/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0
CAPTURE=/tmp/packets.pcapng
WANTED=1000

set -- $(nics)
first=$1 second=$2
eal="-l 0-1 -n 1 --iova-mode=va -a $first -a $second"
export RUNTIME_DIRECTORY=/tmp

grown() { [ "$(stat_of "$1")" -gt "$2" ]; }
tell() { echo "$1" >&5; }
remark() { echo "# dpdk: $1: $(stat_of map_calls) maps, $(stat_of unmap_calls) unmaps"; }

enough_huge_pages() { echo 256 >$HUGE && [ "$(cat $HUGE)" = 256 ]; }

start_testpmd() {
	mkfifo $IN
	dpdk-testpmd $eal -- -i --total-num-mbufs=2048 --nb-cores=1 --no-lsc-interrupt <$IN >$SAID 2>&1 &
	testpmd=$!
	exec 5>$IN
	until grep -q 'testpmd> ' $SAID; do kill -0 $testpmd && usleep 100000 || return; done
	[ "$(users $OURS)" -gt 0 ]
}

# What it prints from here on is heard when it ends.
forward() { tell "set fwd io" && tell "start tx_first"; }

# capture: what it allocates is part of testpmd's heap. Both must know the same kinds of
# memory pools in the same order, and Debian's testpmd is linked with one more.
capture() {
	LD_LIBRARY_PATH=$DRIVERS LD_PRELOAD=librte_mempool_dpaa.so.23 \
		dpdk-dumpcap -i "$second" -c $WANTED -w $CAPTURE >/tmp/dumpcap 2>&1
	sed 's/^/# dumpcap: /' /tmp/dumpcap
	[ "$(stat -c %s $CAPTURE)" -ge $((WANTED * 64)) ]
}

# total WHAT: of both NICs, as testpmd said last.
total() {
	sed -n '/Accumulated forward statistics/,$p' $SAID |
		sed -n "s/.*$1-packets: *\([0-9]*\).*/\1/p" | head -n 1
}

stop_testpmd() {
	tell stop
	tell quit
	exec 5>&-
	wait $testpmd
}

heap_test() {
	dpdk-test $eal --in-memory malloc_autotest </dev/null >/tmp/heap 2>&1
	grep -q '^Test OK' /tmp/heap && ! grep -q '^Test Failed' /tmp/heap
}

give "$first" "$second"
is "there are huge pages" enough_huge_pages
mkdir -p /dev/hugepages
is "and their file system" mount -t hugetlbfs huge /dev/hugepages
is "testpmd starts, ours in use" start_testpmd
remark "testpmd runs"
is "it is told to forward" forward
maps=$(stat_of map_calls)
unmaps=$(stat_of unmap_calls)
is "dpdk-dumpcap captures what it forwards" capture
remark "captured"
is "that memory was mapped" grown map_calls "$maps"
is "and unmapped" grown unmap_calls "$unmaps"
is "testpmd forwards until it is told to stop" stop_testpmd
sed 's/^/# testpmd: /' $SAID
is "it received packets" [ "$(total RX)" -ge $WANTED ]
is "and sent them on" [ "$(total TX)" -ge "$(total RX)" ]
is "nothing is left" settled

maps=$(stat_of map_calls)
unmaps=$(stat_of unmap_calls)
is "DPDK's test of its heap passes" heap_test
remark "heap tested"
is "it mapped" [ $(($(stat_of map_calls) - maps)) -ge 1000 ]
is "and unmapped" [ $(($(stat_of unmap_calls) - unmaps)) -ge 1000 ]
is "nothing is left of that" settled
umount /dev/hugepages
echo 32 >$HUGE
tap_end
