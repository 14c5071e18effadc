#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# DPDK (type1 v1) with two NICs on one wire: testpmd forwards between them, and its heap
# grows and shrinks by huge pages while it does, because dpdk-dumpcap joins it.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/eal.sh

IN=/tmp/testpmd.in
SAID=/tmp/testpmd
DRIVERS=/usr/lib/x86_64-linux-gnu/dpdk/pmds-23.0
CAPTURE=/tmp/packets.pcapng
WANTED=1000

tell() { echo "$1" >&5; }

start_testpmd() {
	mkfifo $IN
	dpdk-testpmd $eal -- -i --total-num-mbufs=2048 --nb-cores=1 --no-lsc-interrupt \
		<$IN >$SAID 2>&1 &
	testpmd=$!
	exec 5>$IN
	until grep -q 'testpmd> ' $SAID; do
		kill -0 $testpmd && usleep 100000 || return
	done
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

stop_testpmd() {
	tell stop
	tell quit
	exec 5>&-
	wait $testpmd
}

# total RX|TX: packets of both NICs.
total() {
	sed -n '/Accumulated forward statistics/,$p' $SAID |
		sed -n "s/.*$1-packets: *\([0-9]*\).*/\1/p" | head -n 1
}

mkdir -p /dev/hugepages
is "and their file system" mount -t hugetlbfs huge /dev/hugepages
is "testpmd starts, ours in use" start_testpmd
remark "testpmd runs"
is "it is told to forward" forward
maps=$(stat_of map_calls)
unmaps=$(stat_of unmap_calls)
is "dpdk-dumpcap captures what it forwards" capture
remark "captured"
is "that memory was mapped" grown map_calls "$maps" 1
is "and unmapped" grown unmap_calls "$unmaps" 1
is "testpmd forwards until it is told to stop" stop_testpmd
sed 's/^/# testpmd: /' $SAID
is "it received packets" [ "$(total RX)" -ge $WANTED ]
is "and sent them on" [ "$(total TX)" -ge "$(total RX)" ]
is "nothing is left" settled
umount /dev/hugepages
is "the huge pages are back" huge_pages "$huge_before"
tap_end
