#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# rmmod gives the job back: the in-tree driver serves again, and ours comes back too.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/nvme.sh

is "ours unloads" rmmod $OURS
is "ours is gone" not loaded $OURS
# Not modprobe: its softdep would bring ours along.
is "the in-tree driver loads" insmod_alone $INTREE
is "qemu-img copies the disk, the in-tree driver in use" copy $INTREE
is "ours loads again" modprobe $OURS
is "qemu-img copies the disk, ours in use again" copy $OURS
tap_end
