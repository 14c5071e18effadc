#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Two clients at once: qemu-img copies the disk, t1x_demo has a device do DMA. Each
# checks its own bytes.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh

bad=0
rounds=0

copying() { kill -0 $copy 2>/dev/null; }

# demos: for as long as the other client runs, and at least once.
demos() {
	while [ $rounds = 0 ] || copying; do
		if ! T1X_BESIDE=yes T1X_DRIVER=$OURS t1x_demo >/tmp/demo 2>&1; then
			bad=$((bad + 1))
			echo "# round $((rounds + 1)):"
			sed 's/^/# /' /tmp/demo
		fi
		rounds=$((rounds + 1))
	done
	echo "# $rounds rounds of t1x_demo"
	[ $bad = 0 ]
}

# copies: until the two have met, which one copy may be too quick for.
copies() {
	local n
	for n in 1 2 3 4 5 6 7 8 9 10; do
		copy $OURS || return
		[ "$(cat /tmp/most)" -lt 2 ] || return 0
	done
}

# watch: how many containers there were at most.
watch() {
	local now
	while copying; do
		now=$(stat_of containers)
		[ "$now" -le "$(cat /tmp/most)" ] || echo "$now" >/tmp/most
	done
}

echo 0 >/tmp/most
copies >/tmp/copied &
copy=$!
watch &
watch=$!
is "t1x_demo does DMA, over and over" demos
is "qemu-img copies the disk meanwhile" wait $copy
wait $watch
cat /tmp/copied
is "they had containers at the same time" [ "$(cat /tmp/most)" -ge 2 ]
is "nothing is left" settled
tap_end
