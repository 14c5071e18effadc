/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the kernel says about itself: counters, module parameters, where we
 * are, and whether a test has left anything behind.
 *
 * The environment:
 *
 *   T1X_ENV	  "uml" (mock devices) or "qemu" (edu and ivshmem)
 *   T1X_DRIVER	  the module that has to serve every container
 *   T1X_DEVICES  see devices.h
 *   T1X_SLOW	  how many times as long as elsewhere a test may take, as this kernel is slow
 *   T1X_SHORT	  "y": what takes long is done less often (scripts/check/all)
 *   T1X_MSI	  first and last byte of the window of interrupts, where the machine has another
 *   T1X_BESIDE	  "yes": other programs have containers of that module meanwhile
 *
 * Without the first and the last, a kernel that has the mock is recognised.
 */
#ifndef T1X_SYS_H
#define T1X_SYS_H

#include <stdbool.h>
#include <stdint.h>

#define SYS_STATE_MAX 16

/* How often a race has to be tried to be worth anything. */
#define SYS_ROUNDS 3

/**
 * struct sys_state - what must be as before when a test is over
 * @values: in the order of the table in sys.c
 */
struct sys_state {
	long values[SYS_STATE_MAX];
};

bool sys_init(void);
bool sys_is_uml(void);
bool sys_is_type1x(void);
const char *sys_driver(void);
bool sys_has_rival(void);
bool sys_is_alone(void);
bool sys_kernel_before(int major, int minor);
bool sys_has_thp(void);
unsigned int sys_slowness(void);
bool sys_is_short(void);
unsigned int sys_race_ms(void);

/* Where devices write to raise an interrupt, which nothing else may be mapped at. */
#define MSI_FIRST	sys_msi_first()
#define MSI_LAST	sys_msi_last()
unsigned long sys_msi_first(void);
unsigned long sys_msi_last(void);

long sys_read_number(const char *path);
void sys_write(const char *path, const char *value);
long sys_vmlck(void);
long sys_pins(void);
long sys_pins_acquired(void);
long sys_mem_available(void);
long sys_refs(void);
void sys_settle_refs(long want);
void sys_settle_pins(long want);

void sys_version(char *value, unsigned int len);
void sys_param_set(const char *name, const char *value);
void sys_param_get(const char *name, char *value, unsigned int len);

long sys_mock_get(const char *counter);
void sys_mock_set(const char *counter, long value);
long sys_stat_get(const char *counter);

void sys_state_read(struct sys_state *state);
bool sys_state_settle(const struct sys_state *before);

void sys_wait_for(int pid);
void sys_msleep(unsigned int ms);
void sys_race(unsigned int ms, const volatile long *rounds);
uint64_t sys_now_ms(void);

#endif /* T1X_SYS_H */
