#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The package is removed while ours serves a container: that is not disturbed, and the
# in-tree driver serves as soon as ours was unloaded.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/serve.sh

# Stopped with its container open: it is not done before it has done DMA. Where it was
# faster than this script, there is another one.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	T1X_DRIVER=$OURS t1x_demo >/tmp/demo 2>&1 &
	pid=$!
	until [ "$(users $OURS)" -gt 0 ] || ! kill -0 $pid; do usleep 10000; done
	kill -STOP $pid
	[ "$(users $OURS)" = 0 ] || break
	kill -CONT $pid
	wait $pid
done
is "a container of ours is open" [ "$(users $OURS)" = 1 ]
remove_package >/tmp/said 2>&1
is "the package is removed" [ $? = 0 ]
sed 's/^/# /' /tmp/said
is "it says that ours stays" grep -q 'has open containers and stays loaded' /tmp/said
is "ours stays" loaded $OURS
kill -CONT $pid
is "the program goes on" wait $pid
is "and was served to its end" served $OURS
is "ours unloads" rmmod $OURS
is "the in-tree driver serves" serves $INTREE
tap_end
