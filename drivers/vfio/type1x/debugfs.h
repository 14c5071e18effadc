/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_DEBUGFS_H
#define _T1X_DEBUGFS_H

void t1x_debugfs_init(void);
void t1x_debugfs_exit(void);
void t1x_debugfs_add(void *cookie);
void t1x_debugfs_remove(void *cookie);

#endif /* _T1X_DEBUGFS_H */
