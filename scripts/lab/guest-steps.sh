# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What scripts/lab/vm and scripts/lab/uml share: the files in a guest, the steps of a run
# and the results that they must report. Sourced after lib.sh; uses $only, the pattern of -t.

# Suites of tests/e2e in which qemu-img uses the NVMe disk, longer than client.sh does.
# shellcheck disable=SC2034 # used where this is sourced
NVME_CLIENTS="entries two_clients client_killed unbind_busy user"

# chosen LABEL: true if it matches the pattern of -t. A pattern without a slash is compared
# with the name in LABEL alone. Sets $matched if any label matches.
chosen() {
	local name=${1##*/}
	# shellcheck disable=SC2154 # it is the runner's
	[[ $only != */* ]] || name=$1
	# shellcheck disable=SC2053 # a pattern is meant
	[[ $name == $only ]] && matched=y
}

# A pattern with a slip in it must not look like a success.
some_chosen() { [ -n "${matched:-}" ] || die "no test has a name like '$only'"; }

# programs PREFIX SECONDS: a step for each chosen program of tests/selftests.
programs() {
	local known program _
	known=$(counts selftests)
	while read -r program _; do
		! chosen "$1/$program" || echo "$1/$program $2 /t1x/bin/$program"
	done <<<"$known"
}

# expect ENVIRONMENT DIR FOLDER...: write DIR/expected-counts and DIR/skips for the steps of
# DIR/steps, from the lists of tests/FOLDER. tests/selftests/skips has permissions:
# `uml|qemu|stock|checked|arm64|both PROGRAM PATTERN`. Of these words ENVIRONMENT has those that apply.
expect() {
	local env=" $1 both " dir=$2 label program where what pattern known _
	shift 2
	known=$(for _; do counts "$_" || exit; done)
	while read -r label _; do
		program=${label##*/}
		echo "$label $(sed -n "s/^$program //p" <<<"$known")" >&3
		[ ! -e "$TOP/tests/selftests/skips" ] || while read -r where what pattern; do
			[[ $env != *" $where "* || $what != "$program" ]] || echo "$label $pattern"
		done <"$TOP/tests/selftests/skips"
	done <"$dir/steps" 3>"$dir/expected-counts" >"$dir/skips"
}

pack() { # pack FOLDER: an initramfs
	in_tree bookworm bash -c 'cd "$1" && find . | cpio --quiet -o -H newc -R 0:0' - "$1"
}

# guest_programs ROOT PROGRAM...: from the bookworm tree, with the libraries they need.
guest_programs() {
	local root=$1 file files
	shift
	files=$(for file; do
		echo "$file"
		in_tree bookworm /lib64/ld-linux-x86-64.so.2 --list "$file" 2>/dev/null |
			grep -o '/[^ ]*'
	done | sort -u)
	for file in $files; do
		install -D "$BUILD/tree/bookworm$file" "$root$file"
	done
}

# guest_programs_arm64 ROOT PROGRAM...: from the tree of arm64. Its loader does not run here:
# what it would look for stands in the files.
guest_programs_arm64() {
	local root=$1 tree=$BUILD/tree/arm64-guest from=/usr/lib/aarch64-linux-gnu file
	shift
	while [ $# -gt 0 ]; do
		file=$1
		shift
		[ ! -e "$root$file" ] || continue
		install -D "$tree$file" "$root$file"
		# shellcheck disable=SC2046 # names of libraries
		set -- "$@" $(in_tree bookworm readelf -d "$tree$file" |
			sed -nE "s,.*\(NEEDED\).*\[(ld-.*)\],/lib/\1,p; t
				s,.*\(NEEDED\).*\[(.*)\],$from/\1,p")
	done
	install -D "$tree/lib/ld-linux-aarch64.so.1" "$root/lib/ld-linux-aarch64.so.1"
}

# guest_busybox ROOT [TREE]: the list of applets is that of the one that runs here.
guest_busybox() {
	local root=$1 tree=${2:-bookworm} applet
	mkdir -p "$root/bin"
	cp "$BUILD/tree/$tree/bin/busybox" "$root/bin/"
	for applet in $("$BUILD/tree/bookworm/bin/busybox" --list | grep -vx busybox); do
		ln -s busybox "$root/bin/$applet"
	done
}

# guest_blocks PAGE LANGUAGE FOLDER: what Documentation/PAGE has in it, by number.
guest_blocks() {
	mkdir -p "$3"
	awk -v start=".. code-block:: $2" -v folder="$3" '
	$0 == start { file = sprintf("%s/%02d", folder, ++n); next }
	/^[^ ]/     { file = "" }
	file != ""  { print substr($0, 3) >file }
	' "$TOP/Documentation/$1"
}

# guest_files ROOT DIR ENVIRONMENT CHANNEL [PROGRAMS]: init, suites, programs, steps.
guest_files() {
	local root=$1 programs=${5:-$BUILD/selftests}
	mkdir -p "$root"/t1x/{bin,e2e/lib}
	cp "$TOP/scripts/lab/guest/init" "$root/init"
	cp "$TOP/scripts/lab/guest/guest-lib.sh" "$2/steps" "$root/t1x/"
	find "$TOP/tests/e2e" "$2" -maxdepth 1 -name '*.sh' -exec cp -t "$root/t1x/e2e" {} +
	cp "$TOP"/tests/e2e/lib/*.sh "$root/t1x/e2e/lib/"
	cp "$TOP/scripts/tool/vfio-type1x" "$root/t1x/"
	guest_blocks observing.rst sh "$root/t1x/recipes"
	guest_blocks getting-started.rst xml "$root/t1x/xml"
	sed -n 's/^  \(SUBSYSTEM==\)/\1/p' "$TOP/Documentation/getting-started.rst" >"$root/t1x/70-vfio.rules"
	mkdir -p "$programs"
	find "$programs" -maxdepth 1 -type f -executable -exec cp -t "$root/t1x/bin" {} +
	echo "export T1X_ENV=$3 T1X_CHANNEL=$4 T1X_DRIVER=vfio_iommu_type1x" \
		"T1X_SHORT=${T1X_SHORT:-} T1X_STOP=${T1X_STOP:-}" >"$root/t1x/env"
}
