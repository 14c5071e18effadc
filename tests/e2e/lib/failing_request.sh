#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# For recipe.sh: a program that is refused something. Its verdict is not asked for here: it
# counts who uses the module, and so do those who trace it, for as long as they do.
# One test of it, for another looks at traces itself, and leaves none.
T1X_TEST=reason_of_each_errno /t1x/bin/errlog || true
