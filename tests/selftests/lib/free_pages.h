/* SPDX-License-Identifier: GPL-2.0 */
/* How much memory the kernel has in use, to the page. */
#ifndef T1X_FREE_PAGES_H
#define T1X_FREE_PAGES_H

long free_pages_count(void);

#endif /* T1X_FREE_PAGES_H */
