/* SPDX-License-Identifier: GPL-2.0 */
/* How much memory the kernel has in use, to the page. */
#ifndef T1X_USAGE_H
#define T1X_USAGE_H

long usage_free_pages(void);

#endif /* T1X_USAGE_H */
