// SPDX-License-Identifier: GPL-2.0
/* A container, memory, and checks of what is pinned, charged and counted. */
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "counted.h"
#include "mem.h"
#include "sys.h"
#include "test.h"

struct rig *rig;
char *memory;
long pins, vmlck;

/** count() - what is pinned and charged from here on is more */
void count(void)
{
	pins = sys_pins();
	vmlck = sys_vmlck();
}

/**
 * expect_more() - expect so much to be pinned and charged
 * @npages: more than when count() was called
 */
void expect_more(long npages)
{
	expect_eq(sys_pins(), pins + npages);
	expect_eq(sys_vmlck(), vmlck + npages * (long)(PAGE >> 10));
}

/**
 * rig_of() - a container with a device, and memory that is not mapped yet
 * @type: for VFIO_SET_IOMMU
 */
void rig_of(unsigned long type)
{
	rig = rig_open(1, type);
	memory = mem_scattered(N);
	mem_fill_pages(memory, N);
	count();
}

/**
 * rig_with_registered() - the same, and the memory is registered
 * @flags: VFIO_TYPE1X_MEMORY_*
 */
void rig_with_registered(uint32_t flags)
{
	rig_of(VFIO_TYPE1v2_IOMMU);
	assert_ret(dma_register(rig->container, memory, SIZE, flags), 0);
	expect_more(N);
}

/**
 * dma_avail() - what GET_INFO says of how many mappings may still be made
 * @container: fd
 *
 * Return: mappings.
 */
uint32_t dma_avail(int container)
{
	union {
		struct vfio_iommu_type1_info info;
		unsigned char bytes[4096];
	} reply = { .info.argsz = sizeof(reply) };
	struct vfio_info_cap_header *cap;
	uint32_t at;

	assert_eq(ioctl(container, VFIO_IOMMU_GET_INFO, &reply), 0);
	for (at = reply.info.cap_offset; at; at = cap->next) {
		cap = (void *)(reply.bytes + at);
		if (cap->id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL)
			return ((struct vfio_iommu_type1_info_dma_avail *)cap)
				->avail;
	}
	fail("no count of mappings");
	return 0;
}

/**
 * run_example() - run a program of Documentation/examples
 * @name: its name
 *
 * Fails unless it succeeds, is served by the driver under test and leaves nothing
 * behind.
 */
void run_example(const char *name)
{
	long refs = sys_refs(), opened = sys_stat_get("containers_opened");
	char group[16], path[64];
	pid_t pid;

	vfio_group_number(0, group, sizeof(group));
	snprintf(path, sizeof(path), "/t1x/bin/example_%s", name);
	count();
	pid = fork();
	if (!pid) {
		execl(path, name, group, NULL);
		_exit(127);
	}
	sys_wait_for(pid);
	expect_eq(sys_stat_get("containers_opened"), opened + 1);
	sys_settle_refs(refs);
	sys_settle_pins(pins);
}
