# SPDX-License-Identifier: GPL-2.0
# For observe.sh and tools.sh: the recipes of Documentation/observing.rst, with a program
# that is refused something.

# Lines of those that need a program.
TOOLS='^(perf|trace-cmd|bpftrace) '

# shows RECIPE: it succeeds and has something to show, besides what the program says.
shows() {
	sh -e "$1" /bin/busybox sh /t1x/e2e/lib/failing_request.sh >/tmp/shown 2>/tmp/complaints
	local status=$?
	sed 's/^/# /' /tmp/complaints
	[ $status = 0 ] || echo "# exit status $status"
	[ $status = 0 ] && grep -vE '^((not )?ok|#|1\.\.)' /tmp/shown | grep . | tail -n 3 |
		sed 's/^/# /' | grep .
}
