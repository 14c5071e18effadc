#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The recipes of Documentation/observing.rst, with a program that is refused something:
# each must succeed and have something to show.
. /t1x/lib.sh

shows() {
	sh -e "$1" /t1x/bin/refused >/tmp/shown 2>/tmp/complaints
	local status=$?
	sed 's/^/# /' /tmp/complaints
	# The program itself says what it tested.
	[ $status = 0 ] && grep -vE '^(ok|#|1\.\.)' /tmp/shown | tail -n 2 | sed 's/^/# /' |
		grep .
}

for recipe in /t1x/recipes/*; do
	is "recipe ${recipe##*/} shows something" shows "$recipe"
done
tap_end
