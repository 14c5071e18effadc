#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# UML: unloads ours, so that its exit counts too, and leaves what gcov counted to the
# host. Files of debugfs have no size, so they are copied before they are packed.
. /t1x/guest-lib.sh

pack() {
	cd /sys/kernel/debug/gcov && mkdir -p /tmp/gcov || return
	find . -name '*.gcda' | while read -r file; do
		cat "$file" >"/tmp/gcov/$(basename "$file")"
	done
	cd /tmp/gcov && tar -c -f /gcov.tar ./*.gcda
}

is "ours unloads" rmmod $OURS
is "the counts are kept" pack
tap_end
