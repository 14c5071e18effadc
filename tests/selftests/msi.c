// SPDX-License-Identifier: GPL-2.0
/*
 * Interrupts of a device in a container. They are writes of the device: where no
 * hardware takes them out of the IOMMU's way, as behind an SMMU, the domain has to map
 * the address that they go to.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/mem.h"
#include "lib/sys.h"
#include "lib/test.h"
#include "lib/vfio.h"

/* Of edu: a write raises its interrupt, with these bits as the reason; another ends it. */
#define REG_RAISE	0x60
#define REG_ACK		0x64
#define REASON		1U

/* An interrupt takes next to nothing; the machine may have much else to do. */
#define ARRIVES_MS	30000

static struct rig *rig;
static int event;
static uint64_t registers;

/* A rig whose first device tells @event of its MSIs. */
static void setup(const void *variant)
{
	const struct vfio_type *type = variant;
	struct {
		struct vfio_irq_set set;
		int fd;
	} arg = {
		.set = {
			.argsz = sizeof(arg),
			.flags = VFIO_IRQ_SET_DATA_EVENTFD |
				 VFIO_IRQ_SET_ACTION_TRIGGER,
			.index = VFIO_PCI_MSI_IRQ_INDEX,
			.count = 1,
		},
	};
	struct vfio_region_info info;

	if (sys_is_uml())
		test_skip("needs a PCI device");
	rig = rig_open(1, type->id);
	vfio_region(&rig->devices[0], VFIO_PCI_BAR0_REGION_INDEX, &info);
	registers = info.offset;
	event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_ge(event, 0);
	memcpy(arg.set.data, &event, sizeof(event));
	assert_eq(ioctl(rig->devices[0].fd, VFIO_DEVICE_SET_IRQS, &arg), 0);
}

static void write_register(unsigned int reg, uint32_t value)
{
	assert_eq(pwrite(rig->devices[0].fd, &value, sizeof(value),
			 registers + reg), sizeof(value));
}

static void check_arrives(void)
{
	struct pollfd wait = { .fd = event, .events = POLLIN };
	uint64_t count = 0;

	expect_eq(read(event, &count, sizeof(count)), -1);
	expect_eq(errno, EAGAIN);
	write_register(REG_RAISE, REASON);
	assert_eq(poll(&wait, 1, ARRIVES_MS), 1);
	assert_eq(read(event, &count, sizeof(count)), sizeof(count));
	expect_eq(count, 1);
	write_register(REG_ACK, REASON);
}

static void arrives(const void *variant)
{
	setup(variant);
	check_arrives();
	check_arrives();
}

/* What a program maps and unmaps has nothing to do with them. */
static void arrives_after_unmap_all(const void *variant)
{
	void *memory = mem_anon(PAGE);

	setup(variant);
	check_arrives();
	assert_ret(dma_map(rig->container, memory, MSI_LAST + 1, PAGE, RW), 0);
	/* That page, and the one by which the rig watches its devices. */
	assert_ret(dma_unmap_flags(rig->container, 0, 0,
				   VFIO_DMA_UNMAP_FLAG_ALL), 2 * PAGE);
	check_arrives();
}

static const struct test tests[] = {
	TEST_VARIANTS(arrives, vfio_types),
	TEST_VARIANTS(arrives_after_unmap_all, vfio_types),
};

int main(void)
{
	return test_main(tests, ARRAY_SIZE(tests));
}
