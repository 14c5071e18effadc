/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What profile.c and lines.c use of version 1 of QEMU's interface for plugins. QEMU's own
 * header is in no package of Debian's.
 */
#ifndef T1X_BENCH_QEMU_PLUGIN_H
#define T1X_BENCH_QEMU_PLUGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

enum qemu_plugin_cb_flags { QEMU_PLUGIN_CB_NO_REGS };

enum qemu_plugin_mem_rw {
	QEMU_PLUGIN_MEM_R = 1, QEMU_PLUGIN_MEM_W, QEMU_PLUGIN_MEM_RW
};

typedef uint32_t qemu_plugin_meminfo_t;

typedef uint64_t qemu_plugin_id_t;
typedef void (*qemu_plugin_tb_fn)(qemu_plugin_id_t id,
				  struct qemu_plugin_tb *tb);
typedef void (*qemu_plugin_exec_fn)(unsigned int cpu, void *data);
typedef void (*qemu_plugin_mem_fn)(unsigned int cpu, qemu_plugin_meminfo_t info,
				   uint64_t vaddr, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
					   qemu_plugin_tb_fn fn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  qemu_plugin_exec_fn fn,
					  enum qemu_plugin_cb_flags flags,
					  void *data);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    qemu_plugin_exec_fn fn,
					    enum qemu_plugin_cb_flags flags,
					    void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn,
				      qemu_plugin_mem_fn fn,
				      enum qemu_plugin_cb_flags flags,
				      enum qemu_plugin_mem_rw rw, void *data);
bool qemu_plugin_mem_is_store(qemu_plugin_meminfo_t info);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);

/* Not QEMU's: is an instruction these eight bytes? */
static inline bool qemu_plugin_insn_is(const struct qemu_plugin_insn *insn,
				       uint64_t code)
{
	return qemu_plugin_insn_size(insn) == sizeof(code) &&
	       !memcmp(qemu_plugin_insn_data(insn), &code, sizeof(code));
}

/* Not QEMU's either: have @fn called when an instruction is executed. */
static inline void qemu_plugin_call_on(struct qemu_plugin_insn *insn,
				       qemu_plugin_exec_fn fn)
{
	qemu_plugin_register_vcpu_insn_exec_cb(insn, fn,
					       QEMU_PLUGIN_CB_NO_REGS, NULL);
}

/* Nor this: open the file of the only argument, out=FILE; NULL if it is not that. */
static inline FILE *qemu_plugin_out(int argc, char **argv)
{
	if (argc != 1 || strncmp(argv[0], "out=", 4))
		return NULL;
	return fopen(argv[0] + 4, "w");
}

#endif /* T1X_BENCH_QEMU_PLUGIN_H */
