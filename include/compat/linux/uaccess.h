/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _T1X_COMPAT_LINUX_UACCESS_H
#define _T1X_COMPAT_LINUX_UACCESS_H

#include_next <linux/uaccess.h>

/* v6.4: tags are stripped by another mm's rules.  Delete with 6.1. */
#ifndef untagged_addr_remote
/* untagged_addr() comes from <linux/mm.h>, which cannot be included here. */
#define untagged_addr_remote(mm, addr) ((void)(mm), untagged_addr(addr))
#endif

#endif /* _T1X_COMPAT_LINUX_UACCESS_H */
