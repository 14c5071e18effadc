// SPDX-License-Identifier: GPL-2.0
#include "mem.h"
#include "registered.h"
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
 * rig_of() - a container with a device, and memory that it does not know of
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
