// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a case picks, and the loop of the fuzzer:
 *
 *	NAME [-l] [-n ROUNDS] [-s SEED]
 *
 * Round R of seed S picks what round 0 of seed S + R picks.  With -l the names of the cases
 * are printed, and none is run.
 */
#include "pick.h"

#ifdef __CPROVER__

unsigned long pick(unsigned long most)
{
	unsigned long picked = nondet_unsigned_long();

	assume(picked <= most);
	return picked;
}

/* The case that cbmc is told, and an assertion that fails, or the end was never reached. */
void prove(void)
{
	PROVE();
	__CPROVER_assert(0, "reached");
}

void *copy_words(void *to, const void *from, size_t size)
{
	u64 copy[MOST_WORDS], *words = to;
	size_t i;

	check(size % sizeof(*words) == 0 && size <= sizeof(copy));
	for (i = 0; i < MOST_WORDS && i < size / sizeof(*words); i++)
		copy[i] = ((const u64 *)from)[i];
	for (i = 0; i < MOST_WORDS && i < size / sizeof(*words); i++)
		words[i] = copy[i];
	return to;
}

void *set_words(void *at, int value, size_t size)
{
	u64 *words = at, word = ~0ULL / 255 * (value & 255);
	size_t i;

	check(size % sizeof(*words) == 0 && size <= MOST_WORDS * sizeof(*words));
	for (i = 0; i < MOST_WORDS && i < size / sizeof(*words); i++)
		words[i] = word;
	return at;
}

bool enough(void)
{
	return pick(1);
}

void *copy_old(void *memory, void *old, size_t size)
{
	if (memory && old) {
		copy_words(memory, old, min(size, __CPROVER_OBJECT_SIZE(old)));
		free(old);
	}
	return memory;
}

#else

#include <stdio.h>
#include <unistd.h>

static unsigned long seed, state;
static const char *running;

static u64 random_u64(void)
{
	u64 mixed;

	state += 0x9e3779b97f4a7c15;
	mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
	return mixed ^ mixed >> 31;
}

/* Half of the time one next to a border: there things go wrong. */
unsigned long pick(unsigned long most)
{
	u64 any = random_u64(), near = any >> 8 & 3;

	if (most < 8 || any & 1)
		return most == ULONG_MAX ? random_u64() : random_u64() % (most + 1);
	return any & 2 ? near : most - near;
}

bool enough(void)
{
	return random_u64() % 16;
}

void failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s (%s, -n 1 -s %lu)\n", file, line, what, running, seed);
	abort();
}

int main(int argc, char **argv)
{
	const struct pure_case *c;
	unsigned long rounds = 1, i;
	int opt;

	while ((opt = getopt(argc, argv, "ln:s:")) != -1) {
		switch (opt) {
		case 'l':
			for (c = cases; c->name; c++)
				puts(c->name);
			return 0;
		case 'n':
			rounds = strtoul(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoul(optarg, NULL, 0);
			break;
		default:
			return 2;
		}
	}
	for (i = 0; i < rounds; i++, seed++) {
		for (c = cases; c->name; c++) {
			state = seed;
			running = c->name;
			c->run();
		}
	}
	printf("%lu rounds\n", i);
	return 0;
}

#endif
