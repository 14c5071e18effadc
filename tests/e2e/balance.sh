#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# After the programs of a pass: ours did serve them, and nothing is left behind.
. /t1x/guest-lib.sh

equal() { [ -n "$(stat_of "$1")" ] && [ "$(stat_of "$1")" = "$(stat_of "$2")" ]; }

# On the mock there is a program that makes unmaps go wrong, to see them noticed.
no_errors() { [ "$T1X_ENV" = uml ] || [ "$(stat_of unmap_errors)" = 0 ]; }

is "containers were opened on ours" [ "$(stat_of containers_opened)" -gt 0 ]
is "pages were pinned by ours" [ "$(stat_of pages_pinned)" -gt 0 ]
is "no container is left" [ "$(stat_of containers)" = 0 ]
is "no memory is registered any more" [ "$(stat_of regions)" = 0 ]
is "every pinned page was unpinned" equal pages_pinned pages_unpinned
is "every charged page was refunded" equal pages_charged pages_refunded
is "no unmap went wrong" no_errors
is "nothing holds the module" [ "$(users $OURS)" = 0 ]
sed 's/^/# /' /sys/kernel/debug/$OURS/stats
tap_end
