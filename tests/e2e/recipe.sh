# SPDX-License-Identifier: GPL-2.0
# For observe.sh and tools.sh: the recipes of Documentation/observing.rst, with a program
# that is refused something.

# Lines of those that need a program.
TOOLS='^(perf|trace-cmd|bpftrace) '

# shows RECIPE: it succeeds and has something to show, of our events.
shows() {
	sh -e "$1" /t1x/bin/refused >/tmp/shown 2>/tmp/complaints
	local status=$?
	sed 's/^/# /' /tmp/complaints
	# The program itself says what it tested.
	[ $status = 0 ] && grep -vE '^(ok|#|1\.\.)' /tmp/shown | grep . | tail -n 3 | sed 's/^/# /' |
		grep .
}
