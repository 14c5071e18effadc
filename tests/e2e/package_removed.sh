#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# After the removal of the package the in-tree driver serves at once.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/serve.sh

is "the package is removed" remove_package
is "ours is gone" not loaded $OURS
is "the in-tree driver is loaded" loaded $INTREE
is "it serves" serves $INTREE
is "modprobe brings it" brings $INTREE
is "and not ours" not brings $OURS
tap_end
