// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that says which instructions ran between two marks.
 *
 * The guest executes MARK_BEGIN and MARK_END, which are nops with an operand that
 * no compiler makes. For every stretch between them a line "stretch" is written
 * to the file given as out=FILE, and then a line for each block of code that ran:
 * its address and how many instructions it executed in all.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "qemu_plugin.h"

#define EXPORT __attribute__((visibility("default")))

EXPORT int qemu_plugin_version = 1;

/* Code is translated again and again; one block may have many of these. */
struct block {
	struct block *next;
	uint64_t vaddr;
	uint64_t insns;
	uint64_t times;
};

static struct block *blocks;
static bool is_counting;
static FILE *out;

static void begin(unsigned int cpu, void *data)
{
	struct block *block;

	(void)cpu;
	(void)data;
	for (block = blocks; block; block = block->next)
		block->times = 0;
	is_counting = true;
}

static void end(unsigned int cpu, void *data)
{
	struct block *block;

	(void)cpu;
	(void)data;
	is_counting = false;
	fprintf(out, "stretch\n");
	for (block = blocks; block; block = block->next)
		if (block->times)
			fprintf(out, "%jx %ju\n", (uintmax_t)block->vaddr,
				(uintmax_t)(block->times * block->insns));
	fflush(out);
}

static void count(unsigned int cpu, void *data)
{
	struct block *block = data;

	(void)cpu;
	if (is_counting)
		block->times++;
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct block *block = calloc(1, sizeof(*block));
	struct qemu_plugin_insn *insn;
	size_t i;

	(void)id;
	if (!block)
		abort();
	block->vaddr = qemu_plugin_tb_vaddr(tb);
	block->insns = qemu_plugin_tb_n_insns(tb);
	block->next = blocks;
	blocks = block;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, count, QEMU_PLUGIN_CB_NO_REGS,
					     block);
	for (i = 0; i < block->insns; i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		if (qemu_plugin_insn_is(insn, MARK_CODE(MARK_BEGIN)))
			qemu_plugin_call_on(insn, begin);
		if (qemu_plugin_insn_is(insn, MARK_CODE(MARK_END)))
			qemu_plugin_call_on(insn, end);
	}
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id,
			       const struct qemu_info *info, int argc,
			       char **argv)
{
	(void)info;
	out = qemu_plugin_out(argc, argv);
	if (!out)
		return -1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
