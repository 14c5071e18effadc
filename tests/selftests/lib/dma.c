// SPDX-License-Identifier: GPL-2.0
/*
 * DMA with a device like QEMU's edu. It copies between memory and a buffer of
 * its own that only it can see, so what it read is known only once it has
 * written that somewhere: two transfers, of 100 ms each in QEMU.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "sys.h"
#include "test.h"
#include "vfio.h"

#define REG_SRC		0x80
#define REG_DST		0x88
#define REG_COUNT	0x90
#define REG_CMD		0x98
#define CMD_START	1
#define CMD_TO_MEMORY	2
#define BUFFER		0x40000UL

#define DMA_TIMEOUT_MS	30000

/* How many pages of a big mapping are tried where each takes 200 ms. */
#define PAGES_IN_QEMU	4

static void reg_write(struct vdev *dev, unsigned int reg, uint64_t value)
{
	if (dev->regs)
		dev->regs[reg / sizeof(uint64_t)] = value;
	else if (pwrite(dev->fd, &value, sizeof(value), dev->offset + reg) !=
		 sizeof(value))
		fail("write register %#x: %s", reg, strerror(errno));
}

static uint64_t reg_read(struct vdev *dev, unsigned int reg)
{
	uint64_t value;

	if (dev->regs)
		return dev->regs[reg / sizeof(uint64_t)];
	if (pread(dev->fd, &value, sizeof(value), dev->offset + reg) !=
	    sizeof(value))
		fail("read register %#x: %s", reg, strerror(errno));
	return value;
}

static void transfer(struct vdev *dev, uint64_t src, uint64_t dst, size_t len,
		     uint64_t cmd)
{
	uint64_t end = sys_now_ms() + DMA_TIMEOUT_MS;

	assert_le(len, DMA_MAX);
	reg_write(dev, REG_SRC, src);
	reg_write(dev, REG_DST, dst);
	reg_write(dev, REG_COUNT, len);
	reg_write(dev, REG_CMD, cmd | CMD_START);
	while (reg_read(dev, REG_CMD) & CMD_START) {
		if (sys_now_ms() > end)
			fail("DMA does not end");
		sys_msleep(5);
	}
}

/**
 * dma_load() - memory to the device's buffer
 * @dev: the device
 * @iova: of the memory
 * @at: offset in the buffer
 * @len: bytes, at most DMA_MAX with @at
 */
void dma_load(struct vdev *dev, uint64_t iova, unsigned int at, size_t len)
{
	transfer(dev, iova, BUFFER + at, len, 0);
}

/**
 * dma_store() - the device's buffer to memory
 * @dev: the device
 * @iova: of the memory
 * @at: offset in the buffer
 * @len: bytes, at most DMA_MAX with @at
 */
void dma_store(struct vdev *dev, uint64_t iova, unsigned int at, size_t len)
{
	transfer(dev, BUFFER + at, iova, len, CMD_TO_MEMORY);
}

/**
 * dma_check_copy() - let the device copy from one place to another
 * @dev: the device
 * @to: IOVA to write
 * @to_vaddr: where the process has it, or NULL: do not compare
 * @from: IOVA to read
 * @from_vaddr: where the process has it; gets a new pattern first
 * @len: bytes, at most DMA_MAX
 */
void dma_check_copy(struct vdev *dev, uint64_t to, void *to_vaddr,
		    uint64_t from, void *from_vaddr, size_t len)
{
	mem_fill(from_vaddr, len);
	dma_load(dev, from, 0, len);
	dma_store(dev, to, 0, len);
	if (to_vaddr)
		assert_bytes(to_vaddr, from_vaddr, len);
}

/**
 * dma_check_read() - the device has to read this
 * @rig: with a scratch page
 * @nr: which of its devices
 * @iova: where
 * @want: what
 * @len: bytes, at most DMA_MAX
 */
void dma_check_read(struct rig *rig, int nr, uint64_t iova, const void *want,
		    size_t len)
{
	/* First something else into its buffer: @want may be there already. */
	mem_fill(rig->scratch, len);
	dma_load(&rig->devices[nr], IOVA_SCRATCH, 0, len);
	dma_load(&rig->devices[nr], iova, 0, len);
	dma_store(&rig->devices[nr], IOVA_SCRATCH, 0, len);
	assert_bytes(rig->scratch, want, len);
}

/**
 * dma_check_write() - what the device writes has to arrive
 * @rig: with a scratch page
 * @nr: which of its devices
 * @iova: where
 * @vaddr: where the process has it
 * @len: bytes, at most DMA_MAX
 */
void dma_check_write(struct rig *rig, int nr, uint64_t iova, const void *vaddr,
		     size_t len)
{
	mem_fill(rig->scratch, len);
	dma_load(&rig->devices[nr], IOVA_SCRATCH, 0, len);
	dma_store(&rig->devices[nr], iova, 0, len);
	assert_bytes(vaddr, rig->scratch, len);
}

/*
 * One page both ways, in three transfers: what the device has read is what it
 * writes back in the end.
 */
static void check_page(struct rig *rig, int nr, uint64_t iova, void *vaddr)
{
	mem_fill(vaddr, DMA_MAX);
	dma_load(&rig->devices[nr], iova, 0, DMA_MAX);
	dma_store(&rig->devices[nr], IOVA_SCRATCH, 0, DMA_MAX);
	assert_bytes(rig->scratch, vaddr, DMA_MAX);
	mem_fill(vaddr, DMA_MAX);
	dma_store(&rig->devices[nr], iova, 0, DMA_MAX);
	assert_bytes(vaddr, rig->scratch, DMA_MAX);
}

/**
 * dma_check_pages() - DMA both ways with the pages of a mapping
 * @rig: with a scratch page
 * @nr: which of its devices
 * @iova: first page
 * @vaddr: where the process has it
 * @npages: how many; each page where DMA costs nothing, else a few of them
 *
 * Each page is copied to the next one and the last to the first, at the same
 * place in both: a page seen at a wrong address fails.
 */
void dma_check_pages(struct rig *rig, int nr, uint64_t iova, void *vaddr,
		     size_t npages)
{
	size_t step = 1, i, next;

	if (npages == 1) {
		check_page(rig, nr, iova, vaddr);
		return;
	}
	if (!sys_is_uml() && npages > PAGES_IN_QEMU)
		step = npages / PAGES_IN_QEMU;
	for (i = 0; i < npages; i += step) {
		/* Always with the first or the last page at one end. */
		next = i + step < npages ? i + step : npages - 1;
		if (next == i)
			next = 0;
		dma_check_copy(&rig->devices[nr], iova + next * PAGE,
			       vaddr + next * PAGE, iova + i * PAGE,
			       vaddr + i * PAGE, DMA_MAX);
	}
}

/**
 * dma_check_no_read() - the device must not get at this memory
 * @rig: with a scratch page
 * @nr: which of its devices
 * @iova: where it was, or may be expected
 * @vaddr: where the process has it; gets a new pattern first
 */
void dma_check_no_read(struct rig *rig, int nr, uint64_t iova, void *vaddr)
{
	const size_t len = 256;

	/* New, so that it cannot be in the device's buffer already. */
	mem_fill(vaddr, len);
	dma_load(&rig->devices[nr], iova, 0, len);
	memset(rig->scratch, 0x5a, len);
	dma_store(&rig->devices[nr], IOVA_SCRATCH, 0, len);
	if (!memcmp(rig->scratch, vaddr, len))
		fail("a device read memory at %#lx that is not mapped", iova);
}

/**
 * dma_check_no_write() - the device must not change this memory
 * @rig: with a scratch page
 * @nr: which of its devices
 * @iova: where it was, or may be expected
 * @vaddr: where the process has it
 */
void dma_check_no_write(struct rig *rig, int nr, uint64_t iova, void *vaddr)
{
	unsigned char before[256];

	/* New, so that it differs from what is in the device's buffer. */
	mem_fill(vaddr, sizeof(before));
	memcpy(before, vaddr, sizeof(before));
	dma_store(&rig->devices[nr], iova, 0, sizeof(before));
	assert_bytes(vaddr, before, sizeof(before));
}

/**
 * dma_check_refused() - neither to be read nor to be written
 * @rig: with a scratch page
 * @nr: which of its devices
 * @iova: where it was, or may be expected
 * @vaddr: where the process has it
 */
void dma_check_refused(struct rig *rig, int nr, uint64_t iova, void *vaddr)
{
	dma_check_no_read(rig, nr, iova, vaddr);
	dma_check_no_write(rig, nr, iova, vaddr);
}
