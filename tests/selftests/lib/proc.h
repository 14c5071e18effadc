/* SPDX-License-Identifier: GPL-2.0 */
/* Other processes: what they are doing, and the end of those left behind. */
#ifndef T1X_PROC_H
#define T1X_PROC_H

#include <sys/types.h>

char proc_state(pid_t pid);
char proc_settled(pid_t pid);
void proc_check_state(const char *file, int line, pid_t pid, char want);
void proc_one_cpu(void);
void proc_run(const char *command);
void proc_be_last(void);
void proc_end_children(void);

/* A letter, and printed as such. */
#define assert_state(pid, want)	proc_check_state(__FILE__, __LINE__, pid, want)

#endif /* T1X_PROC_H */
