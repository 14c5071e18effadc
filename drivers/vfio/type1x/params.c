// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module parameters. All can be changed at any time through sysfs, so readers use
 * READ_ONCE().
 */
#include "params.h"

#include <linux/moduleparam.h>

bool t1x_allow_unsafe_interrupts;
module_param_named(allow_unsafe_interrupts, t1x_allow_unsafe_interrupts, bool,
		   0644);
MODULE_PARM_DESC(allow_unsafe_interrupts,
		 "Serve devices whose interrupts are not remapped.");

bool t1x_disable_hugepages;
module_param_named(disable_hugepages, t1x_disable_hugepages, bool, 0644);
MODULE_PARM_DESC(disable_hugepages,
		 "Map one page at a time, so that the IOMMU uses no large pages.");

unsigned int t1x_dma_entry_limit = T1X_ENTRIES_UNLIMITED;
module_param_named(dma_entry_limit, t1x_dma_entry_limit, uint, 0644);
MODULE_PARM_DESC(dma_entry_limit,
		 "Most mappings of one container (default: as many as memory allows).");

bool t1x_revoke_mmio;
module_param_named(revoke_mmio, t1x_revoke_mmio, bool, 0644);
MODULE_PARM_DESC(revoke_mmio,
		 "Unmap a BAR from the IOMMU when the CPU loses it.");

unsigned int t1x_populate_threads;
module_param_named(populate_threads, t1x_populate_threads, uint, 0644);
MODULE_PARM_DESC(populate_threads,
		 "Threads that help to fault in the memory of a large mapping (default: none).");

bool t1x_log_refusals;
module_param_named(log_refusals, t1x_log_refusals, bool, 0644);
MODULE_PARM_DESC(log_refusals, "Log why requests are refused, rate-limited.");
