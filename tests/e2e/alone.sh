#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Takes the in-tree module away, so that what follows can only be served by ours.
. /t1x/guest-lib.sh

is "the in-tree driver unloads" rmmod $INTREE
is "the in-tree driver is gone" not loaded $INTREE
is "ours is still there" loaded $OURS
tap_end
