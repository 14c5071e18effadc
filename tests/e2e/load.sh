# SPDX-License-Identifier: GPL-2.0
# For killed.sh and taken.sh: a client that keeps the NVMe disk busy until it is killed.

client=

# bench has requests in flight all the time, dd maps memory for each of its own.
start() {
	case $1 in
	bench)	qemu-img bench -c 100000000 -d 16 -s 4096 -f raw "$DISK" ;;
	dd)	qemu-img dd -f raw -O raw bs=512 "if=$DISK" of=$OUT ;;
	esac >/tmp/said 2>&1 &
	client=$!
}

# interrupts: of all devices of vfio-pci, for as long as they have them.
interrupts() {
	awk '/vfio-msi/ { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i } END { print n + 0 }' \
		/proc/interrupts
}

# busy: the disk has done more than at the start of a client, which may have got stuck
# by then (see nvme.sh).
busy() {
	local wait=0
	until [ "$(interrupts)" -ge 200 ]; do
		wait=$((wait + 1))
		[ $wait -lt $(($1 * 5 + 20)) ] || return
		usleep 100000
	done
}

# load KIND: true as soon as it is one, by a container of ours.
load() {
	local try
	for try in 1 2 3 4 5 6 7 8 9 10; do
		start "$1"
		if busy $try; then
			[ "$(users $OURS)" -gt 0 ]
			return
		fi
		echo "# qemu-img $1: try $try got stuck: $(cat /tmp/said)"
		stop || return
	done
	return 1
}

# stop: kill it; true if it was alive to be killed.
stop() {
	kill -KILL $client
	wait $client
	[ $? = 137 ]
}
