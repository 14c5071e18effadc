/* SPDX-License-Identifier: GPL-2.0 */
/* A memory cgroup with little memory. */
#ifndef T1X_MEMCG_H
#define T1X_MEMCG_H

#include <stdbool.h>

bool memcg_try(const char *limit);
void memcg_make(const char *limit);
void memcg_join(void);
void memcg_leave(void);
long memcg_ooms(void);
void memcg_remove(void);

#endif /* T1X_MEMCG_H */
