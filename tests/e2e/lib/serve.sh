# SPDX-License-Identifier: GPL-2.0
# For package_*.sh, which run in a Debian that booted with our package installed: whether
# the in-tree driver or ours serves a container there.

# served DRIVER: what t1x_demo left in /tmp/demo was right, by this driver.
served() {
	sed 's/^/# /' /tmp/demo
	[ "$(sed -n 's/^driver //p' /tmp/demo)" = "$1" ] &&
		grep -q '^dma_after_unmap refused$' /tmp/demo
}

# serves DRIVER: DMA of a device, in a container of this driver.
serves() {
	T1X_DRIVER=$1 t1x_demo >/tmp/demo 2>&1
	served "$1"
}

# brings MODULE: modprobe vfio-pci would load it.
brings() { modprobe --show-depends vfio-pci | grep -q "/$1\.ko"; }

# By path: busybox has a dpkg, too.
remove_package() { /usr/bin/dpkg --remove vfio-type1x-dkms; }
