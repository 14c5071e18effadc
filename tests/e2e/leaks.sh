#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# UML: nothing that was allocated is lost, if this kernel can tell (kmemleak), and the
# other checkers were awake.
. /t1x/guest-lib.sh

scan() {
	local file=/sys/kernel/debug/kmemleak
	[ -e $file ] || return 0
	# Younger objects than five seconds do not count, and a pointer that moved
	# during one scan hides from it: wait, scan twice.
	sleep 6
	echo scan >$file
	echo scan >$file
	cat $file >/tmp/leaks
	sed 's/^/# /' /tmp/leaks
	[ ! -s /tmp/leaks ]
}

# The first report of a lock bug turns lockdep off.
lockdep_on() {
	[ ! -e /proc/lockdep_stats ] || grep -q 'debug_locks: *1$' /proc/lockdep_stats
}

if loaded $OURS; then rmmod $OURS; fi
is "ours unloads" not loaded $OURS
is "kmemleak finds nothing" scan
is "lockdep was on to the end" lockdep_on
tap_end
