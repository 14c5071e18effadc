#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# qemu-img with as few mappings as it may have (666 is what QEMU's own reproducer takes)
# and with as many as it likes. It maps each small request apart, and unmaps all of them
# by one call when it gets ENOSPC.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh
. /t1x/e2e/lib/load.sh

limit=/sys/module/$OURS/parameters/dma_entry_limit
unlimited=$(cat $limit)

parts=0

set_limit() { echo "$1" >$limit && [ "$(cat $limit)" = "$1" ]; }

copy_in_small_parts() {
	rm -f $OUT
	qemu_img $OURS dd -f raw -O raw bs=4096 "if=$DISK" of=$OUT && exact || return
	parts=$(($(stat -c %s $OUT) / 4096))
	[ $maps -ge $parts ]
}

# bench has one buffer, which it registers and thus maps once.
bench() { qemu_img $OURS bench -c 2000 -d 16 -s 4096 -f raw "$DISK" && [ $maps -gt 0 ]; }

clients() {
	is "qemu-img convert copies the disk" copy $OURS
	if [ $LOAD = bench ]; then
		is "qemu-img bench" bench
	else
		skip "qemu-img bench" "$BENCH_SKIP"
	fi
	is "nothing is left" settled
}

is "qemu-img dd copies the disk by 4096 bytes" copy_in_small_parts
unmaps_at_the_end=$unmaps
clients

is "dma_entry_limit is set" set_limit 666
is "qemu-img dd copies the disk again" copy_in_small_parts
is "it was made to start over" [ $((unmaps - unmaps_at_the_end)) -ge $((parts / 666)) ]
clients
is "dma_entry_limit is as before" set_limit "$unlimited"
tap_end
