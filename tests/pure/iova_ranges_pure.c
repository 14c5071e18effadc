// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usable IOVA ranges: sets of any few ranges, of which any byte is looked for before and
 * after.
 */
#include "iova_ranges.h"
#include "pick.h"

#ifndef SIZE
#define SIZE	pick(9)
#endif

#define TOP	(~(dma_addr_t)0)

/* The fuzzer wants ranges that are close to each other, and to both ends. */
static dma_addr_t any_step(void)
{
	return PROOF || !pick(7) ? pick(TOP) : pick(3);
}

static dma_addr_t any_iova(void)
{
	return PROOF || !pick(3) ? pick(TOP) : pick(40) - 20;
}

/* Any set of SIZE ranges, and the same in @old. */
static void any_set(struct t1x_iova_ranges *ranges, struct t1x_iova_ranges *old)
{
	unsigned int nr = SIZE, i;
	dma_addr_t next = any_step(), first, last;

	t1x_iova_init(ranges);
	ranges->capacity = nr + pick(PROOF ? 0 : 2);
	old->capacity = nr;
	if (ranges->capacity)
		ranges->range = malloc(ranges->capacity * sizeof(*ranges->range));
	old->range = malloc((nr + 1) * sizeof(*old->range));
	for (i = 0; i < nr; i++) {
		first = next + (i ? any_step() : 0);
		last = first + any_step();
		assume(first >= next && last >= first);
		if (!PROOF && (first < next || last < first))
			break;
		ranges->range[i].first = first;
		ranges->range[i].last = last;
		old->range[i] = ranges->range[i];
		/* The next byte that is not in the set, and one more. */
		next = last + 2;
		assume(i + 1 == nr || next > last);
		if (!PROOF && next < last) {
			i++;
			break;
		}
	}
	ranges->nr = PROOF ? nr : i;
	old->nr = ranges->nr;
}

static bool has(const struct t1x_iova_ranges *ranges, dma_addr_t byte)
{
	bool found = false;
	unsigned int i;

	for (i = 0; i < ranges->nr; i++)
		found |= byte >= ranges->range[i].first && byte <= ranges->range[i].last;
	return found;
}

static void check_set(const struct t1x_iova_ranges *ranges)
{
	unsigned int i;

	check(ranges->nr <= ranges->capacity);
	for (i = 0; i < ranges->nr; i++) {
		check(ranges->range[i].first <= ranges->range[i].last);
		check(!i || ranges->range[i - 1].last < ranges->range[i].first);
	}
}

/* Any byte; for the fuzzer one next to a border. */
static dma_addr_t any_byte(const struct t1x_iova_ranges *ranges)
{
	const struct t1x_iova_range *range;

	if (PROOF || !ranges->nr || !pick(3))
		return any_iova();
	range = &ranges->range[pick(ranges->nr - 1)];
	return (pick(1) ? range->first : range->last) + pick(2) - 1;
}

static void any_window(const struct t1x_iova_ranges *ranges, struct t1x_iova_range *window)
{
	dma_addr_t a = any_byte(ranges), b = any_byte(ranges);

	window->first = min(a, b);
	window->last = max(a, b);
}

static bool within(const struct t1x_iova_range *window, dma_addr_t byte)
{
	return byte >= window->first && byte <= window->last;
}

void iova_exclude(void)
{
	struct t1x_iova_ranges ranges, old;
	struct t1x_iova_range window;
	dma_addr_t byte;
	int ret;

	any_set(&ranges, &old);
	any_window(&old, &window);
	ret = t1x_iova_exclude(&ranges, window.first, window.last);
	check(!ret || ret == -ENOMEM);
	check_set(&ranges);
	byte = any_byte(pick(1) ? &ranges : &old);
	check(has(&ranges, byte) == (has(&old, byte) && (ret || !within(&window, byte))));
	t1x_iova_free(&ranges);
	free(old.range);
}

void iova_clip(void)
{
	struct t1x_iova_ranges ranges, old;
	struct t1x_iova_range window;
	dma_addr_t byte;

	any_set(&ranges, &old);
	any_window(&old, &window);
	t1x_iova_ranges_clip(&ranges, window.first, window.last);
	check_set(&ranges);
	byte = any_byte(pick(1) ? &ranges : &old);
	check(has(&ranges, byte) == (has(&old, byte) && within(&window, byte)));
	t1x_iova_free(&ranges);
	free(old.range);
}

/* No two ranges are adjacent here, so a byte that is missing is between any two. */
void iova_contains(void)
{
	struct t1x_iova_ranges ranges, old;
	struct t1x_iova_range window;
	unsigned int i, holds = 0;
	dma_addr_t byte;

	any_set(&ranges, &old);
	any_window(&old, &window);
	for (i = 0; i < old.nr; i++)
		holds += within(&old.range[i], window.first) &&
			 within(&old.range[i], window.last);
	check(t1x_iova_contains(&ranges, window.first, window.last) == holds);
	byte = any_byte(&old);
	check(!holds || !within(&window, byte) || has(&ranges, byte));
	t1x_iova_free(&ranges);
	free(old.range);
}

void iova_gap(void)
{
	struct t1x_iova_ranges ranges, old;
	struct t1x_iova_range gap;
	dma_addr_t first, byte;

	any_set(&ranges, &old);
	first = any_byte(&old);
	if (ranges.nr && first < ranges.range[ranges.nr - 1].first) {
		t1x_iova_gap(&ranges, first, &gap);
		check(gap.first <= gap.last && gap.last >= first);
		check(!gap.first || has(&old, gap.first - 1));
		check(has(&old, gap.last + 1));
		byte = any_byte(&old);
		check(!within(&gap, byte) || !has(&old, byte));
		check(byte < first || byte >= gap.first || has(&old, byte));
	}
	t1x_iova_free(&ranges);
	free(old.range);
}

void iova_swap(void)
{
	struct t1x_iova_ranges ranges, old, full;
	dma_addr_t byte = any_iova();

	any_set(&ranges, &old);
	t1x_iova_init(&full);
	if (!t1x_iova_ranges_init_full(&full)) {
		check_set(&full);
		check(has(&full, byte));
		t1x_iova_ranges_swap(&full, &ranges);
		check(!ranges.nr && !ranges.range);
		check(has(&full, byte) == has(&old, byte));
		t1x_iova_free(&full);
	}
	t1x_iova_free(&ranges);
	free(old.range);
}

const struct pure_case cases[] = {
	CASE(iova_exclude),
	CASE(iova_clip),
	CASE(iova_contains),
	CASE(iova_gap),
	CASE(iova_swap),
	{}
};
