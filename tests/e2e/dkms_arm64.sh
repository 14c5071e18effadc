#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0
# On arm64: DKMS builds the module of our package for the running kernel and installs it, it
# comes with vfio-pci and serves, and vfio-type1x tells of it.
. /t1x/guest-lib.sh
. /t1x/e2e/lib/serve.sh

# The tree's programs before busybox's: DKMS is a script of bash.
export PATH=/usr/sbin:/usr/bin:$PATH
release=$(uname -r)

unpacks() {
	for file in /packages/vfio-type1x-dkms_*.deb /packages/vfio-type1x-tools_*.deb; do
		/usr/bin/dpkg-deb --fsys-tarfile "$file" |
			/usr/bin/tar -x -C / --keep-directory-symlink || return
	done
	version=$(ls /usr/src | sed -n 's/^vfio-type1x-//p')
	[ -n "$version" ]
}

# dkms_ VERB: with what it says, if it fails.
dkms_() {
	dkms "$1" "vfio-type1x/$version" -k "$release" >/tmp/said 2>&1 && return
	sed 's/^/# /' /tmp/said "/var/lib/dkms/vfio-type1x/$version/build/make.log" 2>/dev/null
	return 1
}

it_is_that_of_dkms() { case $(modinfo -n $OURS) in */updates/dkms/*) ;; *) false ;; esac; }
says() { "$@" >/tmp/said 2>&1; grep -q "$words" /tmp/said || ! sed 's/^/# /' /tmp/said; }
is_json() { "$@" 2>/tmp/said | python3 -m json.tool >/dev/null; }

# What scripts/lab/vm brought is another build of the same.
rm -r "/lib/modules/$release/updates"
is "the packages unpack" unpacks
is "DKMS takes the source" dkms_ add
is "it builds it for this kernel" dkms_ build
is "and installs it" dkms_ install
is "modprobe would load that" it_is_that_of_dkms
is "with vfio-pci" brings $OURS
modprobe vfio-pci
is "ours is loaded" loaded $OURS
give $(edu)
T1X_DEVICES=$(devices)
export T1X_DEVICES
is "it serves" serves $OURS
words="no container is open ($OURS is loaded)" is "vfio-type1x looks at it" says vfio-type1x
words=SMMUv3 is "vfio-type1x doctor knows the IOMMU" says vfio-type1x doctor
is "vfio-type1x list writes JSON" is_json vfio-type1x --json list
is "vfio-type1x doctor writes JSON" is_json vfio-type1x --json doctor
is "vfio-type1x metrics has some" eval 'vfio-type1x metrics | grep -q ^vfio_type1x_'
is "ours unloads" rmmod $OURS
is "DKMS removes it" dkms_ remove
tap_end
