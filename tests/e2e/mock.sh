#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# UML: loads our driver and the mock devices; the programs after it build on this.
. /t1x/guest-lib.sh

is "ours loads" insmod /t1x/$OURS.ko
is "our statistics are there" [ -n "$(stat_of containers)" ]
is "the mock loads" insmod /t1x/t1x_mock.ko
is "mediated devices come" insmod /t1x/t1x_mdev.ko
tap_end
