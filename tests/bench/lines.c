// SPDX-License-Identifier: GPL-2.0
/*
 * A plugin for QEMU that says which cache lines of the kernel two CPUs share.
 *
 * Each CPU marks its operations (mark.h). A line that both touch, and that one of them
 * writes to, travels between them when they do so at the same time. Which those are, and
 * in how many operations a CPU touches each, does not depend on which CPU is faster, so CPUs
 * that are emulated one after the other show it as well as real ones.
 *
 * Between MARK_BEGIN and MARK_END everything is taken down, and then written to the file that
 * is given as out=FILE: "stretch" and the number of operations; for each such line "line", its
 * address, in how many operations it was touched, and how often anew; then for each instruction
 * that did so its address, and how often it read and wrote. All counts are of both CPUs.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mark.h"
#include "qemu_plugin.h"

#define EXPORT __attribute__((visibility("default")))

#define CPUS		2
#define LINE_SIZE	64
#define BUCKETS		(1 << 16)

/*
 * A line that was not touched for so many accesses to memory may have gone to the other
 * CPU meanwhile.
 */
#define VISIT		50

/* Addresses of the kernel have this bit. */
#define KERNEL		(1ULL << 63)

/* An instruction that touched a line. */
struct site {
	struct site *next;
	uint64_t vaddr;
	uint64_t reads[CPUS];
	uint64_t writes[CPUS];
};

struct line {
	struct line *next;
	struct site *sites;
	uint64_t vaddr;
	uint64_t operations[CPUS];
	uint64_t visits[CPUS];
	/* The last operation, and access to memory, by which it was touched. */
	uint64_t last_operation[CPUS];
	uint64_t last_access[CPUS];
	bool written[CPUS];
};

EXPORT int qemu_plugin_version = 1;

static struct line *buckets[BUCKETS];
static uint64_t operations[CPUS];
static uint64_t accesses[CPUS];
static bool in_operation[CPUS];
static bool is_counting;
static FILE *out;

static void *allocate(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		abort();
	return memory;
}

static struct line *line_at(uint64_t vaddr)
{
	uint64_t at = vaddr / LINE_SIZE;
	struct line **bucket = &buckets[(at ^ at >> 16) % BUCKETS];
	struct line *line;

	for (line = *bucket; line; line = line->next)
		if (line->vaddr == at * LINE_SIZE)
			return line;
	line = allocate(sizeof(*line));
	line->vaddr = at * LINE_SIZE;
	line->next = *bucket;
	*bucket = line;
	return line;
}

static struct site *site_at(struct line *line, uint64_t vaddr)
{
	struct site *site;

	for (site = line->sites; site; site = site->next)
		if (site->vaddr == vaddr)
			return site;
	site = allocate(sizeof(*site));
	site->vaddr = vaddr;
	site->next = line->sites;
	line->sites = site;
	return site;
}

static void touched(unsigned int cpu, qemu_plugin_meminfo_t info, uint64_t vaddr,
		    void *insn_vaddr)
{
	struct line *line;
	struct site *site;

	if (!is_counting || cpu >= CPUS || !in_operation[cpu] || !(vaddr & KERNEL))
		return;
	accesses[cpu]++;
	line = line_at(vaddr);
	if (line->last_operation[cpu] != operations[cpu])
		line->operations[cpu]++;
	if (!line->last_access[cpu] || accesses[cpu] - line->last_access[cpu] > VISIT)
		line->visits[cpu]++;
	line->last_operation[cpu] = operations[cpu];
	line->last_access[cpu] = accesses[cpu];
	site = site_at(line, (uintptr_t)insn_vaddr);
	if (qemu_plugin_mem_is_store(info)) {
		line->written[cpu] = true;
		site->writes[cpu]++;
	} else {
		site->reads[cpu]++;
	}
}

static void forget(void)
{
	struct line *line;
	struct site *site;
	size_t i;

	for (i = 0; i < BUCKETS; i++) {
		while ((line = buckets[i])) {
			while ((site = line->sites)) {
				line->sites = site->next;
				free(site);
			}
			buckets[i] = line->next;
			free(line);
		}
	}
}

static void begin(unsigned int cpu, void *data)
{
	(void)cpu;
	(void)data;
	forget();
	memset(operations, 0, sizeof(operations));
	memset(in_operation, 0, sizeof(in_operation));
	is_counting = true;
}

static void operation(unsigned int cpu, void *data)
{
	(void)data;
	if (cpu >= CPUS)
		return;
	operations[cpu]++;
	in_operation[cpu] = true;
}

static void done(unsigned int cpu, void *data)
{
	(void)data;
	if (cpu < CPUS)
		in_operation[cpu] = false;
}

static void print_line(const struct line *line)
{
	const struct site *site;

	if (!line->operations[0] || !line->operations[1] ||
	    !(line->written[0] || line->written[1]))
		return;
	fprintf(out, "line %jx %ju %ju\n", (uintmax_t)line->vaddr,
		(uintmax_t)(line->operations[0] + line->operations[1]),
		(uintmax_t)(line->visits[0] + line->visits[1]));
	for (site = line->sites; site; site = site->next)
		fprintf(out, "%jx %ju %ju\n", (uintmax_t)site->vaddr,
			(uintmax_t)(site->reads[0] + site->reads[1]),
			(uintmax_t)(site->writes[0] + site->writes[1]));
}

static void end(unsigned int cpu, void *data)
{
	struct line *line;
	size_t i;

	(void)cpu;
	(void)data;
	is_counting = false;
	fprintf(out, "stretch %ju\n", (uintmax_t)(operations[0] + operations[1]));
	for (i = 0; i < BUCKETS; i++)
		for (line = buckets[i]; line; line = line->next)
			print_line(line);
	fflush(out);
}

static const struct {
	uint64_t code;
	void (*fn)(unsigned int cpu, void *data);
} marks[] = {
	{ MARK_CODE(MARK_BEGIN), begin },
	{ MARK_CODE(MARK_END), end },
	{ MARK_CODE(MARK_OPERATION), operation },
	{ MARK_CODE(MARK_DONE), done },
};

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct qemu_plugin_insn *insn;
	size_t i, m;

	(void)id;
	for (i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		insn = qemu_plugin_tb_get_insn(tb, i);
		qemu_plugin_register_vcpu_mem_cb(insn, touched, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW,
						 (void *)(uintptr_t)qemu_plugin_insn_vaddr(insn));
		for (m = 0; m < sizeof(marks) / sizeof(*marks); m++)
			if (qemu_plugin_insn_is(insn, marks[m].code))
				qemu_plugin_call_on(insn, marks[m].fn);
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
