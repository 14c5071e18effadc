#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# A second-level Linux whose memory is mapped as a whole, and to which virtio-mem adds
# and takes memory while it runs.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nested.sh

give $(nics)
is "there is KVM" modprobe kvm-amd
is "a second Linux runs and ends" second_linux pc nics,memory "" \
	-object memory-backend-ram,id=more,size=128M \
	-device virtio-mem-pci,id=plugged,memdev=more,requested-size=0
used
is "it had one container of ours" [ $containers = 1 ]
is "all its memory was pinned by ours, and what was added" \
	[ $pinned -ge $(((MEMORY + 128) << 8)) ]
is "it read the disk into what was added" checksum_is "has more memory"
is "and without it" checksum_is "has less memory"
log | sed 's/^/# console: /'
tap_end
