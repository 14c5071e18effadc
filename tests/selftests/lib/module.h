/* SPDX-License-Identifier: GPL-2.0 */
/* Loading and unloading drivers, for programs that compare two of them. */
#ifndef T1X_MODULE_H
#define T1X_MODULE_H

void module_load(const char *path, const char *options);
void module_unload(const char *name);

#endif /* T1X_MODULE_H */
