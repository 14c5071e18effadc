# SPDX-License-Identifier: GPL-2.0
# For client.sh and handback.sh: copy the NVMe disk by qemu-img over VFIO.

OUT=/tmp/disk.raw

# copy DRIVER: true if the copy is exact and DRIVER's module was in use meanwhile.
# The emulated NVMe loses an interrupt about every second time, whoever serves the
# container, and qemu-img then waits for ever: a limit, and more than one try. A
# slow machine needs a longer one.
copy() {
	local driver=$1 try pid in_use
	for try in 1 2 3 4 5 6 7 8 9 10; do
		rm -f $OUT
		in_use=no
		timeout -s KILL $((try + 3)) qemu-img convert -f raw -O raw "nvme://$(nvme)/1" $OUT &
		pid=$!
		while kill -0 $pid 2>/dev/null; do
			[ "$(users "$driver")" -eq 0 ] || in_use=yes
			usleep 20000
		done
		if wait $pid; then
			echo "# copied at try $try"
			[ $in_use = yes ] && [ "$(sha256sum <$OUT)" = "$(cat /t1x/disk.sha256)" ]
			return
		fi
		echo "# try $try: qemu-img gave up"
	done
	return 1
}
