/* SPDX-License-Identifier: GPL-2.0 */
/* Has threads do several things at the same time. */
#ifndef T1X_THREADS_H
#define T1X_THREADS_H

/* The most things at a time. */
#define THREADS_MAX	8

void threads_do(unsigned int n, void (*one)(unsigned int nr));

#endif /* T1X_THREADS_H */
