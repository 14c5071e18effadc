# SPDX-License-Identifier: GPL-2.0
# For client_killed.sh and unbind_busy.sh: a client that keeps the NVMe disk busy until it is killed.

client=

# bench aligns the buffer that it has mapped to 4096 bytes, and aborts where pages are larger.
BENCH_SKIP="qemu-img bench needs pages of 4096 bytes"
LOAD=bench
small_pages || LOAD=dd

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

# load KIND: true as soon as it is one, by a container of ours.
load() {
	start "$1"
	until [ "$(interrupts)" -ge 200 ]; do
		if ! kill -0 $client; then
			sed 's/^/# /' /tmp/said
			return 1
		fi
		usleep 100000
	done
	[ "$(users $OURS)" -gt 0 ]
}

# stop: kill it; true if it was alive to be killed.
stop() {
	kill -KILL $client
	wait $client
	[ $? = 137 ]
}
