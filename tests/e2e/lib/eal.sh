# SPDX-License-Identifier: GPL-2.0
# For dpdk.sh and dpdk_heap.sh: two NICs, huge pages, and the arguments that DPDK's
# programs have in common.

HUGE=/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
huge_before=$(cat $HUGE)

set -- $(nics)
first=$1 second=$2
eal="-l 0-1 -n 1 --iova-mode=va -a $first -a $second"
export RUNTIME_DIRECTORY=/tmp

huge_pages() { echo "$1" >$HUGE && [ "$(cat $HUGE)" = "$1" ]; }
grown() { [ $(($(stat_of "$1") - $2)) -ge "$3" ]; }
remark() { echo "# dpdk: $1: $(stat_of map_calls) maps, $(stat_of unmap_calls) unmaps"; }

give "$first" "$second"
is "there are huge pages" huge_pages 256
