# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# What the scripts share: places, messages, host packages, cached steps, and
# running a command inside a Debian tree. Sourced, never run.

set -euo pipefail

# Output is compared, sorted and parsed, which must not depend on the user's locale.
export LC_ALL=C LANG=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=${BUILD:-$TOP/build}
mkdir -p "$BUILD"/{stamp,results,run}
BUILD=$(cd "$BUILD" && pwd)
# What each part of a test run found; the tests of the runners put theirs elsewhere.
RESULTS=${T1X_RESULTS:-$BUILD/results}

# The kernels of the lab, and which Debian serves each. `newest' is the one that the
# backports of Debian 13 install now, whatever its number. They drop what is older, and
# 7.2 is there for as long as they have it.
# shellcheck disable=SC2034 # used, as much of this file, where it is sourced
KERNELS="6.1 6.12 7.2 newest"
# shellcheck disable=SC2034
declare -A SUITE_OF=([6.1]=bookworm [6.12]=trixie [7.2]=trixie [newest]=trixie)
# The same and those with a flavour, in scripts/lab/matrix's order.
MATRIX=$TOP/scripts/lab/matrix
ALL_KERNELS=$(awk '!/^#/ && !seen[$1]++ { print $1 }' "$MATRIX" | xargs)
# Of these, compiled here from Debian's source, with checks that its kernels lack.
# shellcheck disable=SC2034
CHECKED_KERNELS="newest-debug newest-kcsan"
UML_KERNELS="6.1 7.2 newest"
# The UML kernels in which the programs run, too.
# shellcheck disable=SC2034
MOCK_KERNELS="6.1 newest"
# Those that a clean Debian 12 and a clean Debian 13 come with.
# shellcheck disable=SC2034 # used where this is sourced
SYSTEM_KERNELS="6.1 6.12"
# The UML kernel for times.
UML_NATIVE="newest-native"

# left KERNEL...: those that were not found to be gone from the archive.
left() {
	local k kept=()
	for k; do [ -e "$BUILD/stamp/gone-${k%%-*}" ] || kept+=("$k"); done
	echo "${kept[*]}"
}

# settle_lists: leave out of all lists what is gone; `scripts/lab/lab resolve' finds that out.
settle_lists() {
	local list
	for list in KERNELS ALL_KERNELS UML_KERNELS MOCK_KERNELS; do
		# shellcheck disable=SC2086 # a list
		printf -v $list %s "$(left ${!list})"
	done
}
settle_lists

# shellcheck disable=SC2034 # how many jobs a make has: fewer when something runs beside it
JOBS=${T1X_JOBS:-$(nproc)}

# One clock for all scripts of one command: the first of them sets it.
export T1X_START=${T1X_START:-$EPOCHSECONDS}

say() { printf '[%4ds] %s\n' $((EPOCHSECONDS - T1X_START)) "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# follow PID NAME FILE SCRIPT: say what sed's SCRIPT makes of a growing FILE, for as long
# as PID runs. Its status says nothing: tail had to wait for FILE to be there.
follow() {
	local line
	tail -n +1 -F --pid="$1" "$3" 2>/dev/null | sed -En --unbuffered "$4" |
		while read -r line; do say "$2: $line"; done || true
}

# progress FOLDER: what changes when a guest reports something: a test, or that one begins. Not
# all that its kernel says, which may be one complaint over and over.
progress() {
	stat -c %s "$1"/{results,said} 2>/dev/null || true
	grep -acE '(ok [0-9]+ |t1x: begin )' "$1/console" 2>/dev/null || true
}

# watched SECONDS FOLDER COMMAND...: run a guest whose output lies in FOLDER, and kill it, with
# status 124, when it has reported nothing for so long. How long it takes in all depends on
# what else the machine does.
watched() {
	local silence=$1 dir=$2 pid watcher status=0
	shift 2
	"$@" &
	pid=$!
	rm -f "$dir/silent"
	{
		said='' since=$EPOCHSECONDS
		while kill -0 $pid 2>/dev/null && [ $((EPOCHSECONDS - since)) -lt "$silence" ]; do
			now=$(progress "$dir")
			[ "$now" = "$said" ] || said=$now since=$EPOCHSECONDS
			sleep 1
		done
		! kill $pid 2>/dev/null || touch "$dir/silent"
	} &
	watcher=$!
	wait $pid 2>/dev/null || status=$?
	wait $watcher
	[ ! -e "$dir/silent" ] || status=124
	return $status
}

# usage: print the comment block at the top of the running script.
usage() { sed -n '3,/^[^#]/{s/^# \{0,1\}//p}' "$0"; }

# series K: the first two numbers of its version; packages and folders of the source are
# called by them.
series() {
	case $1 in
	newest)	[ -e "$BUILD/stamp/release-newest" ] || "$TOP/scripts/lab/lab" resolve >&2
		grep -oE '^[0-9]+\.[0-9]+' "$BUILD/stamp/release-newest" ;;
	*)	echo "$1" ;;
	esac
}

# linux_source K: where `scripts/lab/lab source K' puts it.
linux_source() { echo "$BUILD/src/linux-source-$(series "$1")"; }

# tree_of K: which has its headers.
tree_of() {
	case $1 in
	newest-arm64*) echo arm64 ;;
	*)	echo "${SUITE_OF[${1%%-*}]}" ;;
	esac
}

# kernel_name K: what the lab calls it, as `newest' has a number, too.
kernel_name() {
	local all=" $ALL_KERNELS " flavour=${1#"${1%%-*}"}
	if [[ $all == *" $1 "* ]]; then
		echo "$1"
	elif [ "${1%%-*}" = "$(series newest)" ] && [[ $all == *" newest$flavour "* ]]; then
		echo "newest$flavour"
	elif [ -e "$BUILD/stamp/gone-${1%%-*}" ]; then
		die "$(<"$BUILD/stamp/gone-${1%%-*}")"
	else
		die "no kernel '$1': choose one of $ALL_KERNELS"
	fi
}

# iommus_of K: those that the matrix has for this kernel; the first is the default.
iommus_of() { awk -v k="$1" '$1 == k { print $2 }' "$MATRIX" | xargs; }

# Programs and suites of which the IOMMU decides what a device reaches.
REACH='map|unmap|attach|race|waiting|bar|revoke|iommu|dirty|granule|granule_huge|huge_pud|register|register_shared|msi|client'

# set_pattern SET IOMMU: a set of the matrix as a pattern of scripts/lab/vm. What runs once
# does so with the in-tree driver loaded where that is a VT-d, and alone elsewhere.
set_pattern() {
	local pass=alone others='|handback'
	case $2 in intel*) pass=softdep others='' ;; esac
	case $1/$pass in
	all/*)	echo '*' ;;
	once/softdep) echo '!(alone/*)' ;;
	once/alone) echo '@(alone/*|handback)' ;;
	reach/*) echo "@($pass/@($REACH)$others)" ;;
	few/*)	echo "$pass/@(map|unmap|msi)" ;;
	none/*)	echo none ;;
	*)	die "the matrix has no set '$1'" ;;
	esac
}

# uml_name K: the same for UML.
uml_name() {
	local name=$1
	[[ " $UML_KERNELS $UML_NATIVE " == *" $1 "* ]] ||
		case $1 in
		"$(series newest)") name=newest ;;
		"$(series newest)-native") name=newest-native ;;
		*) die "no UML kernel '$1': choose one of $UML_KERNELS" ;;
		esac
	echo "$name"
}

# named RELEASE: does include/vfio_abi take this kernel without T1X_ALLOW_UNTESTED? DKMS
# is told the same; `make check-deb' compares the two.
named() {
	[[ $1 =~ $(sed -n 's/^BUILD_EXCLUSIVE_KERNEL="\(.*\)"/\1/p' \
		"$TOP/dkms.conf") ]]
}

# counts FOLDER: the lines `NAME COUNT` of tests/FOLDER/expected-counts; # begins a comment.
counts() {
	grep -vE '^(#|$)' "$TOP/tests/$1/expected-counts" ||
		die "tests/$1/expected-counts has no count"
}

# need PACKAGE...: have these packages on the host. Root installs them, any other
# user is told how. One at a time: parts of `make check` run beside each other.
need() {
	(
		flock 9
		need_locked "$@"
	) 9>"$BUILD/stamp/host-packages.lock"
}

need_locked() {
	local p missing=()
	for p; do
		[ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] ||
			missing+=("$p")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	[ "$(id -u)" = 0 ] ||
		die "missing packages; as root: apt-get install --no-install-recommends ${missing[*]}"
	say "installing ${missing[*]}"
	{
		patient_apt update &&
		DEBIAN_FRONTEND=noninteractive patient_apt install -y \
			--no-install-recommends "${missing[@]}"
	} 3>&2 >"$BUILD/host-packages.log" 2>&1 || {
		tail -n 5 "$BUILD/host-packages.log" >&2
		die "could not install ${missing[*]}: see $BUILD/host-packages.log"
	}
}

# patient_apt ARGS...: apt-get, repeated while another process has its lists, its archives
# or dpkg locked, which is said to descriptor 3. By itself it waits for dpkg's locks alone,
# and then gives up.
patient_apt() {
	local log=$BUILD/host-packages.try busy said='' status end=$((EPOCHSECONDS + 1800))
	while :; do
		status=0
		apt-get -o DPkg::Lock::Timeout=5 "$@" >"$log" 2>&1 || status=$?
		busy=$(grep -m1 -E '^E: (Could not get lock|Unable to acquire the dpkg)' "$log" || true)
		if [ $status = 0 ] || [ -z "$busy" ] || [ $EPOCHSECONDS -ge $end ]; then
			cat "$log"
			return $status
		fi
		busy=${busy#E: }
		[ "$said" = "$busy" ] || say "waiting for another package manager: $busy" 2>&3
		said=$busy
		sleep 3
	done
}

# once STAMP COMMAND...: run COMMAND unless it has finished before. The lock lets
# two commands of one user share a build folder. Call it as a plain statement:
# inside if, && or || the shell would ignore errors in COMMAND.
once() {
	local stamp=$BUILD/stamp/$1
	shift
	[ ! -e "$stamp" ] || return 0
	(
		flock 9
		[ ! -e "$stamp" ] || exit 0
		began=$EPOCHSECONDS
		"$@"
		touch "$stamp"
		took $began "lab: ${stamp##*/}"
	) 9>"$stamp.lock"
}

# took BEGAN WHAT: for scripts/check/all's list of what took how long.
took() {
	[ -z "${T1X_TIMES:-}" ] || echo "$((EPOCHSECONDS - $1)) $2" >>"$T1X_TIMES"
}

# in_tree SUITE COMMAND...: run COMMAND with the programs of a Debian tree, in the
# current folder. The tree is read-only; the checkout and build/ are as outside. Each
# FILE:PLACE of $T1X_OVER lies over what the tree has there.
in_tree() {
	local tree=$BUILD/tree/$1 pair over=()
	shift
	for pair in ${T1X_OVER:-}; do over+=(--ro-bind "${pair%%:*}" "${pair#*:}"); done
	bwrap --die-with-parent --unshare-pid \
		--ro-bind "$tree/usr" /usr --ro-bind "$tree/etc" /etc \
		--symlink usr/bin /bin --symlink usr/sbin /sbin \
		--symlink usr/lib /lib --symlink usr/lib64 /lib64 \
		--proc /proc --dev /dev --tmpfs /tmp \
		--bind "$TOP" "$TOP" --bind "$BUILD" "$BUILD" --chdir "$PWD" "${over[@]}" \
		--setenv PATH /usr/sbin:/usr/bin --setenv HOME /tmp \
		--setenv KBUILD_BUILD_USER t1x --setenv KBUILD_BUILD_HOST lab \
		"$@"
}

# as_root COMMAND...: with user ids of a system in build/, whose files belong to many;
# for an ordinary user those are of the range that /etc/subuid gives.
as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		unshare --map-root-user --map-auto -- "$@"
	fi
}

# --- a part of `make check` ------------------------------------------------------

# part NAME; check WHAT COMMAND...; part_end: run checks and leave the results where
# scripts/check/all counts them. COMMAND says why it fails.
part() {
	PART=$1
	: >"$RESULTS/$PART.new"
}

check() {
	local what=$1 output status=0
	shift
	# Not within if or ||: there, the shell would ignore errors inside a function.
	set +e
	output=$(set -e; "$@" 2>&1)
	status=$?
	set -e
	if [ $status = 0 ]; then
		echo "ok $PART - $what" >>"$RESULTS/$PART.new"
	else
		echo "not ok $PART - $what" >>"$RESULTS/$PART.new"
		printf '    %s: not ok %s\n' "$PART" "$what"
		head -n 40 <<<"$output" | sed 's/^/        /'
	fi
}

# nothing COMMAND...: fails if COMMAND prints anything.
nothing() {
	local found
	found=$("$@")
	[ -z "$found" ] || { echo "$found"; return 1; }
}

part_end() {
	mv "$RESULTS/$PART.new" "$RESULTS/$PART"
	count_results "$PART"
}

# count_results NAME: the line of counts of a part; false if anything failed.
count_results() {
	local passed failed
	passed=$(grep -c '^ok ' "$RESULTS/$1" || true)
	failed=$(grep -c '^not ok ' "$RESULTS/$1" || true)
	echo "$1: $passed passed, $failed failed"
	[ "$failed" = 0 ]
}
