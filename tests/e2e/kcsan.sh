#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Did KCSAN look at what the module did? It must be on, and have watched many accesses; what it
# found is in the log.
. /t1x/guest-lib.sh

FOUND=/sys/kernel/debug/kcsan

is "KCSAN is on" grep -qx 'enabled: 1' $FOUND
is "it has watched accesses" [ "$(sed -n 's/^setup_watchpoints: //p' $FOUND)" -ge 1000 ]
sed 's/^/# /' $FOUND
tap_end
