/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_PARAMS_H
#define _T1X_PARAMS_H

#include <linux/limits.h>
#include <linux/types.h>

/* Value of dma_entry_limit that means: no limit but memory. */
#define T1X_ENTRIES_UNLIMITED	U32_MAX

extern bool t1x_allow_unsafe_interrupts;
extern bool t1x_disable_hugepages;
extern unsigned int t1x_dma_entry_limit;
extern bool t1x_revoke_mmio;
extern unsigned int t1x_populate_threads;
extern bool t1x_log_refusals;

#endif /* _T1X_PARAMS_H */
