/* SPDX-License-Identifier: GPL-2.0 */
/* What soak.c and soak_slots.c share: a process of the soak, and what its threads do. */
#ifndef T1X_SOAK_SLOTS_H
#define T1X_SOAK_SLOTS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfio.h"

/** enum soak_end - how a process ends */
enum soak_end {
	/** @END_CLOSE: it closes what it has */
	END_CLOSE,
	/** @END_EXIT: it exits */
	END_EXIT,
	/** @END_EXEC: it executes another program */
	END_EXEC,
	/** @END_KILL: it is killed */
	END_KILL,
	/** @NR_ENDS: number of them */
	NR_ENDS,
};

/**
 * struct soak_life - what is to become of a process
 * @end: how it ends
 * @limited: it has no CAP_IPC_LOCK and may lock little
 * @small: its memory cgroup is too small, so it may be killed any time
 * @unplugs: it unplugs the device of the group that comes and goes
 */
struct soak_life {
	enum soak_end end;
	bool limited;
	bool small;
	bool unplugs;
};

/** struct soak_counts - what all processes count, in memory that they share */
struct soak_counts {
	unsigned long maps, refused, unmaps, splits, registered, joins, dirty, dmas, anvils,
		hammered, unplugged, ends[NR_ENDS], killed;
	/** @opened: the first process has its device open, or has ended */
	volatile bool opened;
};

/**
 * struct soak - this process
 * @rig: its container and device
 * @life: what is to become of it
 * @leaving: its requests may fail now in any way
 * @device: held for the device, which does one thing at a time
 * @seed: from which its threads make theirs
 * @counts: of all processes
 */
struct soak {
	struct rig *rig;
	struct soak_life life;
	bool leaving;
	pthread_mutex_t device;
	uint64_t seed;
	struct soak_counts *counts;
};

/**
 * struct soak_slot - IOVAs that one thread uses
 * @iova: the first
 * @memory: what was mapped there, or NULL
 * @size: of @memory in bytes
 * @from: the first byte that is mapped, as an offset
 * @to: where that ends; a mapping with granules loses blocks at both ends
 * @granule: 0 without
 * @flags: of the map
 * @registered: the memory is
 * @moved: the process no longer has at @memory what the device has
 */
struct soak_slot {
	uint64_t iova;
	char *memory;
	size_t size;
	size_t from;
	size_t to;
	size_t granule;
	uint32_t flags;
	bool registered;
	bool moved;
};

extern struct soak soak;

void soak_seed(uint64_t seed);
uint64_t soak_random(uint64_t below);
bool soak_one_in(uint64_t n);
void soak_count(unsigned long *what);
bool soak_may_fail(int64_t ret);
void soak_step(struct soak_slot *slot);
void soak_unmap(struct soak_slot *slot);

#endif /* T1X_SOAK_SLOTS_H */
