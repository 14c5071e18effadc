#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Is the IOMMU of this guest the one that was asked for, in the mode that was asked for? A
# kernel does without a mode that the hardware lacks and says little about it. That devices
# are behind it shows in all programs: without a group VFIO has none to give.
#
# usage: viommu.sh intel|intel-sm|intel-fs|amd|virtio|virtio-16k|virtio-64k|smmuv3|smmuv3-s2
. /t1x/guest-lib.sh

# ecap BIT: of the VT-d's extended capabilities.
ecap() { [ $((0x$(cat /sys/class/iommu/dmar0/intel-iommu/ecap) >> $1 & 1)) = 1 ]; }
# Scalable mode is used if both sides have it: SMTS and intel_iommu=sm_on.
SMTS=43 SSTS=46 FSTS=47
# feature BIT: of those that the driver of an SMMUv3 found.
feature() { [ $(($(dmesg | sed -n 's/.*arm-smmu-v3.*(features \(0x[0-9a-f]*\)).*/\1/p') >> $1 & 1)) = 1 ]; }
TRANS_S1=9 TRANS_S2=10
said() { dmesg | grep -q "$1"; }

there() {
	case $1 in
	intel*)	[ -e /sys/class/iommu/dmar0 ] ;;
	amd)	[ -e /sys/class/iommu/ivhd0 ] ;;
	virtio*) [ -n "$(ls -d /sys/bus/virtio/drivers/virtio_iommu/virtio* 2>/dev/null)" ] ;;
	smmuv3*) [ -n "$(ls -d /sys/class/iommu/smmu3.* 2>/dev/null)" ] ;;
	esac
}

mode() {
	case $1 in
	intel)	! ecap $SMTS ;;
	intel-sm) ecap $SMTS && ecap $SSTS && ! ecap $FSTS && said 'DMAR: Enable scalable mode' ;;
	intel-fs) ecap $SMTS && ecap $FSTS && ! ecap $SSTS && said 'DMAR: Enable scalable mode' ;;
	amd)	said 'AMD-Vi: Interrupt remapping enabled' ;;
	virtio)	said 'virtio_iommu.*page mask: 0xfffffffffffff000' ;;
	virtio-16k) said 'virtio_iommu.*page mask: 0xffffffffffffc000' ;;
	# No kernel uses one whose pages are larger than its own.
	virtio-64k) said 'granule 0x10000 larger than system page size' &&
		[ -z "$(ls /sys/kernel/iommu_groups)" ] ;;
	# With both stages Linux takes the first, as it does with one that has no other.
	smmuv3)	feature $TRANS_S1 ;;
	smmuv3-s2) feature $TRANS_S2 && ! feature $TRANS_S1 ;;
	esac
}

# kernel_dma: does a device get the domain that the command line asks for until it is given away?
kernel_dma() {
	local file want=DMA
	! grep -q 'iommu\.passthrough=1' /proc/cmdline || want=identity
	for file in /sys/kernel/iommu_groups/*/type; do
		[ ! -e "$file" ] || case $(cat "$file") in
		$want*) ;;
		*)	echo "# $file: $(cat "$file")"; return 1 ;;
		esac
	done
}

dmesg | sed -n 's/.*arm-smmu-v3.*: \(oas .*\)/# \1/p'
[ ! -e /sys/class/iommu/dmar0 ] ||
	echo "# $1: cap $(cat /sys/class/iommu/dmar0/intel-iommu/cap)" \
		"ecap $(cat /sys/class/iommu/dmar0/intel-iommu/ecap)"
is "the IOMMU is the one that was asked for" there "$1"
is "and so is its mode" mode "$1"
is "the kernel's own DMA goes through it, unless it is not to" kernel_dma
tap_end
