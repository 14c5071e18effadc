/* SPDX-License-Identifier: GPL-2.0 */
/* What our driver shows of the containers that this process opened. */
#ifndef T1X_LOOK_H
#define T1X_LOOK_H

#include <stdbool.h>
#include <stdio.h>

#define LOOK_CONTAINERS	"/sys/kernel/debug/vfio_iommu_type1x/containers"

int look_containers(void);
FILE *look_open(const char *name);
bool look_text(const char *name, const char *key, char *value, int len);
long long look_number(const char *key);
long long look_field(const char *line, const char *key);

#endif /* T1X_LOOK_H */
