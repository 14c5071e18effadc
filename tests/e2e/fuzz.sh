#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Runs fuzz, which loads and unloads ours for each sequence, and leaves ours loaded.
#
# usage: fuzz.sh [-i FOLDER] [ARGUMENTS OF fuzz]
#   -i FOLDER   of the host, with the in-tree driver's module (UML)
. /t1x/guest-lib.sh

if [ "$1" = -i ]; then
	from_host "$2"
	shift 2
fi
if [ "$T1X_ENV" = uml ]; then
	export T1X_MODULE=/t1x/$OURS.ko
	# For each of four containers a device, one that is not coherent, and one more; and a BAR.
	insmod /t1x/t1x_mock.ko devices=13 noncoherent=0x60c shared=0
	insmod /tmp/host/$INTREE.ko allow_unsafe_interrupts=1
else
	T1X_MODULE=$(modinfo -n $OURS)
	export T1X_MODULE
	! loaded $OURS || rmmod $OURS
	loaded $INTREE || insmod "$(modinfo -n $INTREE)"
fi
fuzz "$@"
status=$?
loaded $OURS || insmod "$T1X_MODULE"
exit $status
