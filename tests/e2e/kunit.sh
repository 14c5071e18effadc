#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# UML: the KUnit suites run when the module that holds them is loaded. That never
# fails for a failing test: the kernel's log goes to the host, which counts.
. /t1x/guest-lib.sh

is "the module with the suites loads" insmod /t1x/$OURS.ko
is "it unloads" rmmod $OURS
echo "T1X ktap begin"
dmesg | sed 's/^\[[^]]*\] //'
echo "T1X ktap end"
tap_end
