// SPDX-License-Identifier: GPL-2.0
/* Finds the devices that there are to use, and unplugs them. */
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "devices.h"
#include "sys.h"
#include "test.h"

#define PCI_DEVICES	"/sys/bus/pci/devices/"

/* A device that was unplugged may come back in a group of another number. */
static bool find_group(struct device_entry *entry, const char *bus)
{
	char path[96], target[PATH_MAX];
	ssize_t n;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices/%s/iommu_group", bus, entry->device);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	snprintf(entry->group, sizeof(entry->group), "%s", basename(target));
	return true;
}

/**
 * devices_mock() - find any mock device
 * @entry: filled in
 * @device: its number
 *
 * Return: true if there is one.
 */
bool devices_mock(struct device_entry *entry, int device)
{
	snprintf(entry->device, sizeof(entry->device), "t1x_mock.%d", device);
	return find_group(entry, "platform");
}

/* Mocks 0 and 1 for DMA, and region 1 of mock 3. */
static bool find_mock(struct device_entry *entry, bool bar, int nr)
{
	entry->region = 1;
	return devices_mock(entry, bar ? 3 + nr : nr);
}

static bool find(struct device_entry *entry, bool bar, int nr)
{
	const char *list = getenv("T1X_DEVICES");
	char *copy, *word, *region, *at = NULL;
	bool found = false;

	if (!list || !*list)
		return find_mock(entry, bar, nr);

	copy = strdup(list);
	for (word = strtok_r(copy, " ", &at); word && !found;
	     word = strtok_r(NULL, " ", &at)) {
		if (bar != !strncmp(word, "bar:", 4) || nr--)
			continue;
		/* The name of a device may have colons of its own. */
		if (bar) {
			region = strrchr(word, ':');
			*region = '\0';
			entry->region = strtoul(region + 1, NULL, 0);
			found = sscanf(word, "bar:%*[^:]:%31s", entry->device) == 1;
		} else {
			found = sscanf(word, "%*[^:]:%31s", entry->device) == 1;
		}
	}
	free(copy);
	return found && find_group(entry, "pci");
}

/**
 * devices_need() - find a device, or fail
 * @entry: filled in
 * @bar: one with a big region, not one for DMA
 * @nr: its number
 */
void devices_need(struct device_entry *entry, bool bar, int nr)
{
	if (!find(entry, bar, nr))
		fail("no %s %d in T1X_DEVICES", bar ? "bar" : "device", nr);
}

/**
 * devices_unplug() - have the kernel remove a PCI device
 * @entry: the device
 *
 * Returns when it is gone.  While a process has it open vfio-pci waits for that one.
 */
void devices_unplug(const struct device_entry *entry)
{
	char path[96];

	snprintf(path, sizeof(path), PCI_DEVICES "%s/remove", entry->device);
	sys_write(path, "1");
}

/**
 * devices_plug() - have the kernel find a PCI device that was unplugged, and vfio-pci serve it
 * @entry: the device; nothing is done if it is there and is served
 */
void devices_plug(const struct device_entry *entry)
{
	char path[96];

	snprintf(path, sizeof(path), PCI_DEVICES "%s/driver", entry->device);
	if (!access(path, F_OK))
		return;
	snprintf(path, sizeof(path), PCI_DEVICES "%s/driver_override", entry->device);
	if (access(path, F_OK))
		sys_write("/sys/bus/pci/rescan", "1");
	sys_write(path, "vfio-pci");
	sys_write("/sys/bus/pci/drivers_probe", entry->device);
}
