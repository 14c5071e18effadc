/* SPDX-License-Identifier: GPL-2.0 */
/* Random numbers that a seed repeats. */
#ifndef T1X_RANDOM_H
#define T1X_RANDOM_H

#include <stdint.h>

/**
 * random_next() - the next random number
 * @state: of the generator, any number at first
 *
 * Return: 64 random bits.
 */
static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

#endif /* T1X_RANDOM_H */
