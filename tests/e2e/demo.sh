#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The heart of `make demo`: t1x_demo gives a device DMA through our driver. What it
# saw, and what our statistics gained meanwhile, goes to scripts/demo as remarks.
. /t1x/guest-lib.sh

stats() { cat /sys/kernel/debug/$OURS/stats; }
seen() { sed -n "s/^$1 //p" /tmp/demo; }
run() { t1x_demo >/tmp/demo 2>&1; }

stats >/tmp/before
is "t1x_demo" run
stats >/tmp/after

is "ours served its container" [ "$(seen driver)" = $OURS ]
is "bytes were verified" [ "$(seen bytes_verified)" -gt 0 ]
is "all was unmapped" [ "$(seen unmapped_bytes)" = "$(seen mapped_bytes)" ]
is "DMA after the unmap was refused" [ "$(seen dma_after_unmap)" = refused ]
is "locked memory is back where it was" [ "$(seen vmlck_after_kb)" = "$(seen vmlck_before_kb)" ]
sed 's/^/# /' /tmp/demo
awk 'NR == FNR { was[$1] = $2; next } { print "# gained_" $1, $2 - was[$1] }' /tmp/before /tmp/after
tap_end
