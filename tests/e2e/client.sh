#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# A real client: qemu-img reads a disk through nvme://, on a type1 (v1) container.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh

opened=$(stat_of containers_opened)
pinned=$(stat_of pages_pinned)
is "qemu-img copies the disk, ours in use" copy $OURS
is "its containers were ours" [ "$(stat_of containers_opened)" -gt "$opened" ]
is "its pages were pinned by ours" [ "$(stat_of pages_pinned)" -gt "$pinned" ]
is "no container is left" [ "$(stat_of containers)" = 0 ]
tap_end
