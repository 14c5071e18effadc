#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The in-tree driver has the bugs that ours is tested for, where the table in
# tests/selftests/bugs.c says so: or those tests would prove nothing.
. /t1x/guest-lib.sh

! loaded $OURS || rmmod $OURS
# Not modprobe: its softdep would bring ours along.
loaded $INTREE || insmod_alone $INTREE
T1X_DRIVER=$INTREE bugs
status=$?
loaded $OURS || insmod_alone $OURS
exit $status
