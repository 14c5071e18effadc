/* SPDX-License-Identifier: GPL-2.0 */
/* What our driver shows of the containers that this process opened. */
#ifndef T1X_DEBUGFS_H
#define T1X_DEBUGFS_H

#include <stdbool.h>
#include <stdio.h>

#define DEBUGFS_CONTAINERS	"/sys/kernel/debug/vfio_iommu_type1x/containers"

int debugfs_containers(void);
FILE *debugfs_open(const char *name);
bool debugfs_text(const char *name, const char *key, char *value, int len);
long long debugfs_number(const char *key);
long long debugfs_field(const char *line, const char *key);

#endif /* T1X_DEBUGFS_H */
