// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a container has mapped so far, for debugfs: is memory contiguous, and is it
 * aligned so that an IOMMU can use its large leaves?
 */
#include "tally.h"

/**
 * t1x_tally_large() - add what t1x_tally_add() does not do by itself
 * @tally: of the container
 * @part: of a mapping
 */
void t1x_tally_large(struct t1x_tally *tally,
		     const struct t1x_tally_part *part)
{
	int old = atomic_read(&tally->largest);

	while (part->largest > (unsigned int)old &&
	       !atomic_try_cmpxchg(&tally->largest, &old, part->largest))
		;
	atomic_long_add(part->npages_2m, &tally->npages_2m);
	atomic_long_add(part->npages_1g, &tally->npages_1g);
}
