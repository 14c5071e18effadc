#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# The recipes of Documentation/observing.rst that need nothing but a shell.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/recipe.sh

for recipe in $(grep -LE "$TOOLS" /t1x/recipes/*); do
	is "recipe ${recipe##*/} shows something" shows "$recipe"
done
tap_end
