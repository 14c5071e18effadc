#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# A second-level Linux with a VT-d of its own: each page it maps there, for a moment, is
# a mapping here, in one container a device.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nested.sh

give $(nics)
is "there is KVM" modprobe kvm-amd
is "a second Linux runs and ends" second_linux q35 nics,iommu "intel_iommu=on iommu.strict=1" \
	-device intel-iommu,caching-mode=on
used
is "its devices had an IOMMU" [ "$(said 'DMA is')" = DMA ]
is "each of them had a container of ours" [ $containers = 3 ]
is "there were thousands of small maps" [ $maps -ge 2000 ]
log | sed 's/^/# console: /'
tap_end
