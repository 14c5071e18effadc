#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# Runs bench, which loads the in-tree driver and ours in turn, and leaves ours loaded.
. /t1x/lib.sh

T1X_MODULE=$(modinfo -n $OURS)
T1X_INTREE=$(modinfo -n $INTREE)
export T1X_MODULE T1X_INTREE
exec bench "$@"
