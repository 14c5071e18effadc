#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Runs bench, which loads the in-tree driver and ours in turn, and leaves ours loaded.
# With -p first, also says where the kernel's functions are, for profile.py.
. /t1x/lib.sh

T1X_MODULE=$(modinfo -n $OURS)
T1X_INTREE=$(modinfo -n $INTREE)
T1X_SECOND=/t1x/t1x_second.ko
export T1X_MODULE T1X_INTREE T1X_SECOND
if [ "$1" = -p ]; then
	shift
	export T1X_PROFILE=y
	awk 'NF == 3 && $2 ~ /[tT]/ { print "# sym", $1, $3 }' /proc/kallsyms
fi
exec bench "$@"
