# SPDX-License-Identifier: GPL-2.0
# For l2.sh, l2_viommu.sh and libvirt.sh: QEMU in this guest passes the NVMe disk, and by
# the first two the NICs, through to a second-level Linux, which uses them with its own
# drivers: an operating system behind vfio-pci on our type1v2 container. scripts/clients
# brings the emulator, that kernel and its root along.

LOG=/tmp/l2
MONITOR=/tmp/l2-monitor
MEMORY=256 # MiB
in_use=no
containers=0
pinned=0
before=0 # pages pinned
maps=0

uptime_s() { cut -d . -f 1 /proc/uptime; }

# text FILE: without what the BIOS and QEMU's monitor send to a terminal.
text() { tr -cd '\n -~' <"$1"; }
log() { text $LOG; }
said() { log | sed -n "s/^l2: $1 //p"; }
said_last() { { echo "l2: it boots"; log; } | sed -n 's/^l2: //p' | tail -n 1; }

# command_line WITH: of its kernel.
command_line() { echo "console=ttyS0 panic=-1 mitigations=off cryptomgr.notests with=$1"; }

monitor() { echo "$*" >$MONITOR.in; }
request() { monitor qom-set /machine/peripheral/plugged requested-size "$1"; }

# tell: QEMU, when the second Linux wants something.
tell() {
	local now size
	now=$(said wants | tail -n 1)
	case $now in
	"$wanted") return ;;
	more*)	size=128M ;;
	less*)	size=0 ;;
	*)	return ;;
	esac
	wanted=$now
	request $size
}

# stuck PID: what QEMU says of a Linux that says nothing any more, and its end.
stuck() {
	monitor info registers
	sleep 5
	monitor info pic
	sleep 5
	text $MONITOR | sed 's/^/# monitor: /'
	kill -KILL "$1"
}

pinned_now() { echo $(($(stat_of pages_pinned) - $(stat_of pages_unpinned))); }

# watch PID: of QEMU, to its end; notes whether ours was in use, what it had pinned at most
# and how often it mapped.
watch() {
	local pid=$1 start now tick=0 wanted="" size grown="" since
	start=$(uptime_s)
	since=$start
	while kill -0 $pid 2>/dev/null; do
		[ "$(users $OURS)" -eq 0 ] || in_use=yes
		now=$(stat_of containers)
		[ "$now" -le $containers ] || containers=$now
		now=$(($(pinned_now) - before))
		[ $now -le $pinned ] || pinned=$now
		tell
		[ $((tick % 15)) != 0 ] ||
			echo "# l2: $(($(uptime_s) - start)) s: $(said_last)"
		size=$(stat -c %s $LOG)
		[ "$size" = "$grown" ] || since=$(uptime_s)
		grown=$size
		# It hangs: alone it is never silent for as long as ten seconds.
		[ $(($(uptime_s) - since)) -lt 900 ] || stuck $pid
		tick=$((tick + 1))
		sleep 1
	done
	maps=$(($(stat_of map_calls) - maps))
	echo "# l2: $(($(uptime_s) - start)) s, $maps maps, $pinned pages pinned at once"
}

# second_linux MACHINE WITH KERNEL-ARGUMENTS QEMU-ARGUMENT...: boot it, by KVM, and watch it to
# its end. TCG inside TCG is so slow on a busy machine that its timer keeps it from all else.
second_linux() {
	local machine=$1 with=$2 arguments=$3 pid nic passed=""
	shift 3
	for nic in $(nics); do passed="$passed -device vfio-pci,host=$nic,rombar=0"; done
	before=$(pinned_now)
	maps=$(stat_of map_calls)
	: >$LOG
	rm -f $MONITOR.in $MONITOR.out
	mkfifo $MONITOR.in $MONITOR.out
	# QEMU takes no commands unless its output is read.
	cat $MONITOR.out >$MONITOR &
	qemu-system-x86_64 -machine "$machine" -accel kvm -cpu host \
		-m $MEMORY,slots=1,maxmem=1G -nodefaults -nographic -vga none -nic none \
		-no-reboot -serial file:$LOG -kernel /t1x/l2/vmlinux -initrd /t1x/l2/initramfs \
		-append "$(command_line "$with") $arguments" \
		-chardev pipe,id=monitor,path=$MONITOR -mon chardev=monitor "$@" \
		-device vfio-pci,host="$(nvme)" $passed &
	pid=$!
	watch $pid
	grep -a '^Error' $MONITOR | sed 's/^/# monitor: /'
	wait $pid
}

checksum_is() { [ "$(said "$1")" = "$(cat /t1x/disk.sha256)" ]; }

used_disk() {
	is "it had the disk" [ "$(said 'has disk' | tr -d ' ')" = t1x ]
	is "it wrote the disk and read it again" [ "$(said written)" = "and read again" ]
	is "it read the disk" checksum_is checksum
}

# used: what was asked of the disk and the NICs, with and without a virtual IOMMU.
used() {
	used_disk
	is "its NICs reached each other" [ "$(said pings)" -gt 0 ]
	is "ours was in use meanwhile" [ $in_use = yes ]
	is "nothing is left" settled
}
