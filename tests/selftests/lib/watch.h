/* SPDX-License-Identifier: GPL-2.0 */
/* What the kernel does and says meanwhile: its log, and how often it does what. */
#ifndef T1X_WATCH_H
#define T1X_WATCH_H

#include <stdbool.h>
#include <stdint.h>

int log_open(void);
long log_count(int log, const char *text);
long log_refusals(void (*act)(void), const char *all, const char *some);
void log_to_console(bool on);

int watch_refusal(char *last, int len);
int watch_refusals_lost(char *last, int len);
void watch_expect_reason(int64_t got, int want, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void watch_probe(const char *function);
void watch_event(const char *event, const char *filter);
int watch_traced(const char *event, char *last, int len);
long watch_end(void);

#endif /* T1X_WATCH_H */
