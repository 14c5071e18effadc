#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# For recipe.sh: a program with requests that fail. Its exit status is ignored, because it
# counts the references on the module, and a tracer holds one while it traces. Only one test
# of it runs, because another one reads traces itself and clears them.
T1X_TEST=reason_of_each_errno /t1x/bin/errlog || true
