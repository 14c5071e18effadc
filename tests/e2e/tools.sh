#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The recipes of Documentation/observing.rst for perf, trace-cmd and bpftrace.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/recipe.sh

for recipe in $(grep -lE "$TOOLS" /t1x/recipes/*); do
	is "recipe ${recipe##*/} shows something" shows "$recipe"
	is "and it is of ours" grep -qE 't1x_|: -12 RLIMIT_MEMLOCK|^@us' /tmp/shown
done
tap_end
