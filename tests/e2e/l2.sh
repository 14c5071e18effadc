#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# QEMU in this guest passes the NVMe disk through to a second-level Linux, whose own
# nvme driver reads it: an operating system behind vfio-pci on our type1v2 container.
# scripts/l2 brings the emulator, that kernel and its root along.
. /t1x/lib.sh

LOG=/tmp/l2
MEMORY=256 # MiB
in_use=no
containers=0
pinned=0

uptime_s() { cut -d . -f 1 /proc/uptime; }

# Without the carriage returns of a serial line.
log() { tr -d '\r' <$LOG; }
said() { log | sed -n "s/^l2: $1 //p"; }

# second_linux: boot it and watch it to its end; notes whether ours was in use and what
# it had pinned meanwhile. The limit is a guard against hangs.
second_linux() {
	local pid start before now tick=0
	start=$(uptime_s)
	before=$(stat_of pages_pinned)
	: >$LOG
	timeout -s KILL 900 qemu-system-x86_64 -machine pc -accel tcg -cpu max -m $MEMORY \
		-nodefaults -nographic -vga none -nic none -no-reboot -serial file:$LOG \
		-kernel /t1x/l2/vmlinux -initrd /t1x/l2/initramfs \
		-append "console=ttyS0 panic=-1 mitigations=off" \
		-device vfio-pci,host="$(nvme)" &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		[ "$(users $OURS)" -eq 0 ] || in_use=yes
		now=$(stat_of containers)
		[ "$now" -le $containers ] || containers=$now
		now=$(($(stat_of pages_pinned) - before))
		[ $now -le $pinned ] || pinned=$now
		[ $((tick % 15)) != 0 ] ||
			echo "# l2: $(($(uptime_s) - start)) s: $(log | tail -n 1)"
		tick=$((tick + 1))
		sleep 1
	done
	wait $pid
}

is "a second Linux runs and ends" second_linux
is "it had the disk" [ "$(said 'has disk' | tr -d ' ')" = t1x ]
is "it read the disk" [ "$(said 'checksum')" = "$(cat /t1x/disk.sha256)" ]
is "ours was in use meanwhile" [ $in_use = yes ]
is "it had one container of ours" [ $containers = 1 ]
is "all its memory was pinned by ours" [ $pinned -ge $((MEMORY << 8)) ]
is "ours is in use no more" [ "$(users $OURS)" = 0 ]
log | sed 's/^/# console: /'
tap_end
