#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Runs bench, which loads the in-tree driver and ours in turn, and leaves ours loaded.
#
# usage: bench.sh [-i FOLDER | -p] CASE...
#   -i FOLDER   of the host, with the in-tree driver's module (UML)
#   -p          also say where the kernel's functions are, for profile.py (stock kernels)
. /t1x/guest-lib.sh

if [ "$1" = -i ]; then
	from_host "$2"
	shift 2
	T1X_MODULE=/t1x/$OURS.ko
	T1X_INTREE=/tmp/host/$INTREE.ko
	insmod $T1X_MODULE
	insmod /t1x/t1x_mock.ko unchecked=1
	# UML without MSIs cannot say that they are isolated.
	echo Y >/sys/module/iommufd/parameters/allow_unsafe_interrupts
else
	T1X_MODULE=$(modinfo -n $OURS)
	T1X_INTREE=$(modinfo -n $INTREE)
	T1X_TWO_DOMAINS=/t1x/t1x_two_domains.ko
	T1X_MDEV=/t1x/t1x_mdev.ko
	export T1X_TWO_DOMAINS T1X_MDEV
	# The option of modprobe.d, which insmod does not read.
	if [ "$(cat /sys/module/$OURS/parameters/allow_unsafe_interrupts)" = Y ]; then
		export T1X_UNSAFE=y
	fi
fi
export T1X_MODULE T1X_INTREE
if [ "$1" = -p ]; then
	shift
	export T1X_PROFILE=y
	awk 'NF == 3 && $2 ~ /[tT]/ { print "# sym", $1, $3 }' /proc/kallsyms
fi
exec bench "$@"
