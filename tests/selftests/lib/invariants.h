/* SPDX-License-Identifier: GPL-2.0 */
/* Has the driver check its invariants, where tests/invariants is linked into it. */
#ifndef T1X_INVARIANTS_H
#define T1X_INVARIANTS_H

void invariants_begin(void);
const char *invariants_broken(void);
void invariants_check(void);

#endif /* T1X_INVARIANTS_H */
