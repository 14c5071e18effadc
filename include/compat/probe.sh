#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# include/compat/probe.sh: ask the compiler what the kernel's headers have.
#
# usage: probe.sh HEADER FOLDERS RELEASE CC FLAGS...
#
# Compiles each source of FOLDERS (colons between them) against the kernel's own headers and
# writes HEADER, in which T1X_HAS_<NAME> is 1 or 0 for <name>.c. The two canaries say whether
# the answers mean anything. Run by Kbuild, once for each RELEASE.

set -eu

header=$1 folders=$2 release=$3
shift 3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

sources=$(echo "$folders" | tr ':' '\n' | sed 's,$,/*.c,' | while read -r pattern; do
	# shellcheck disable=SC2086 # a pattern is meant
	ls $pattern
done)

# All at once, as each takes a quarter of a second. The kernel includes headers that declare
# nothing which is used here: what is wrong in a probe shows as an error, not as a warning.
for source in $sources; do
	name=$(basename "$source" .c)
	(
		if "$@" -fsyntax-only -Wno-missing-prototypes -Wno-missing-declarations \
			-Werror=implicit-function-declaration \
			-Werror=incompatible-pointer-types -Werror=int-conversion \
			"$source" >"$scratch/$name.log" 2>&1; then
			echo 1
		else
			echo 0
		fi >"$scratch/$name"
	) &
done
wait

fail() {
	echo "type1x: $1" >&2
	exit 1
}

[ "$(cat "$scratch/canary_good")" = 1 ] || {
	head -n 5 "$scratch/canary_good.log" >&2
	fail "the kernel's headers do not compile (see above): are they those of this compiler?"
}
[ "$(cat "$scratch/canary_bad")" = 0 ] ||
	fail "the compiler takes what no kernel has: what the kernel has cannot be found out"

has() { [ "$(cat "$scratch/$1")" = 1 ]; }

# What there is no way around, in one sentence each.
has gup_without_vmas || has gup_with_vmas ||
	fail "the kernel has no pin_user_pages_remote() and get_user_pages_remote() that are known here"
has follow_pfnmap || has follow_pte_vma || has follow_pte_mm ||
	fail "the kernel has neither follow_pfnmap_start() nor a follow_pte() that is known here"

has iommu_paging_domain || has iommu_domain_bus ||
	fail "the kernel has neither iommu_paging_domain_alloc() nor iommu_domain_alloc()"

mkdir -p "$(dirname "$header")"
{
	echo "/* Written by include/compat/probe.sh, of the headers of $release. */"
	for source in $sources; do
		name=$(basename "$source" .c)
		case $name in canary_*) continue ;; esac
		echo "#define T1X_HAS_$(echo "$name" | tr '[:lower:]' '[:upper:]') $(cat "$scratch/$name")"
	done
} >"$header"
