// SPDX-License-Identifier: GPL-2.0
/* Sequences of operations as text: one operation a line. */
#include <stdlib.h>
#include <string.h>

#include "fuzz_ops.h"
#include "test.h"

#define BLANK  "\n "

static const char *const kind_names[FUZZ_NR_KINDS] = {
	[FUZZ_MAP] = "map",
	[FUZZ_NEW_OWNER] = "new-owner",
	[FUZZ_UNMAP] = "unmap",
	[FUZZ_DIRTY] = "dirty",
	[FUZZ_INFO] = "info",
	[FUZZ_EXTENSION] = "extension",
	[FUZZ_IOCTL] = "ioctl",
	[FUZZ_ATTACH] = "attach",
	[FUZZ_DETACH] = "detach",
	[FUZZ_DMA] = "dma",
	[FUZZ_REGISTER] = "register",
	[FUZZ_UNREGISTER] = "unregister",
	[FUZZ_GRANULES] = "granules",
};

static const char *const mem_names[FUZZ_NR_MEMS] = {
	[FUZZ_NOWHERE] = "nowhere",
	[FUZZ_ANON] = "anon",
	[FUZZ_HUGE] = "huge",
	[FUZZ_COLD] = "cold",
	[FUZZ_SCATTERED] = "scattered",
	[FUZZ_SHARED] = "shared",
	[FUZZ_READONLY] = "readonly",
	[FUZZ_ZERO] = "zero",
	[FUZZ_HOLE] = "hole",
	[FUZZ_TAIL] = "tail",
	[FUZZ_BAR] = "bar",
};

static const char *const ptr_names[FUZZ_NR_PTRS] = {
	[FUZZ_PTR_GOOD] = "good",
	[FUZZ_PTR_ODD] = "odd",
	[FUZZ_PTR_HALF] = "half",
	[FUZZ_PTR_NOTHING] = "nothing",
	[FUZZ_PTR_KERNEL] = "kernel",
	[FUZZ_PTR_NULL_ARG] = "null-arg",
};

/* What is 0 is not printed. */
static const struct field {
	const char *name;
	size_t offset;
	const char *const *names;
	size_t nr_names;
} fields[] = {
	{ "argsz", offsetof(struct fuzz_op, argsz), NULL, 0 },
	{ "flags", offsetof(struct fuzz_op, flags), NULL, 0 },
	{ "iova", offsetof(struct fuzz_op, iova), NULL, 0 },
	{ "size", offsetof(struct fuzz_op, size), NULL, 0 },
	{ "mem", offsetof(struct fuzz_op, mem), mem_names, FUZZ_NR_MEMS },
	{ "off", offsetof(struct fuzz_op, off), NULL, 0 },
	{ "pgsize", offsetof(struct fuzz_op, pgsize), NULL, 0 },
	{ "bytes", offsetof(struct fuzz_op, bytes), NULL, 0 },
	{ "ptr", offsetof(struct fuzz_op, ptr), ptr_names, FUZZ_NR_PTRS },
	{ "container", offsetof(struct fuzz_op, container), NULL, 0 },
	{ "beside", offsetof(struct fuzz_op, beside), NULL, 0 },
};

/**
 * fuzz_kind_name() - what an operation is called
 * @kind: enum fuzz_kind
 *
 * Return: its name.
 */
const char *fuzz_kind_name(uint64_t kind)
{
	return kind_names[kind];
}

static uint64_t *field_of(const struct fuzz_op *op, const struct field *field)
{
	return (uint64_t *)((char *)op + field->offset);
}

/**
 * fuzz_op_text() - an operation as a line of text
 * @op: the operation
 * @text: put there
 * @len: size of @text
 */
void fuzz_op_text(const struct fuzz_op *op, char *text, size_t len)
{
	uint64_t value;
	size_t i, n;

	n = snprintf(text, len, "%s", kind_names[op->kind]);
	for (i = 0; i < ARRAY_SIZE(fields) && n < len; i++) {
		value = *field_of(op, &fields[i]);
		if (value && fields[i].names)
			n += snprintf(text + n, len - n, " %s=%s",
				      fields[i].name, fields[i].names[value]);
		else if (value)
			n += snprintf(text + n, len - n, " %s=%#lx",
				      fields[i].name, value);
	}
}

/**
 * fuzz_seq_head_text() - what comes before the operations of a sequence
 * @seq: the sequence
 * @text: put there
 * @len: size of @text
 */
void fuzz_seq_head_text(const struct fuzz_seq *seq, char *text, size_t len)
{
	snprintf(text, len, "sequence type=%lu limit=%lu ours_first=%lu",
		 seq->type, seq->limit, seq->ours_first);
}

static bool find_name(const char *const *names, size_t n, const char *name,
		      uint64_t *value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!strcmp(names[i], name)) {
			*value = i;
			return true;
		}
	return false;
}

static bool read_field(struct fuzz_op *op, char *word)
{
	char *value = strchr(word, '=');
	size_t i;

	if (!value)
		return false;
	*value++ = '\0';
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		if (strcmp(fields[i].name, word))
			continue;
		if (fields[i].names)
			return find_name(fields[i].names, fields[i].nr_names,
					 value, field_of(op, &fields[i]));
		*field_of(op, &fields[i]) = strtoull(value, NULL, 0);
		return true;
	}
	return false;
}

static bool read_op(struct fuzz_op *op, char *line)
{
	char *word, *at = NULL;

	memset(op, 0, sizeof(*op));
	word = strtok_r(line, BLANK, &at);
	if (!find_name(kind_names, FUZZ_NR_KINDS, word, &op->kind))
		return false;
	while ((word = strtok_r(NULL, BLANK, &at)))
		if (!read_field(op, word))
			return false;
	return op->container < FUZZ_CONTAINERS;
}

/**
 * fuzz_seq_read() - read what fuzz_seq_head_text() and fuzz_op_text() made
 * @seq: the sequence
 * @file: where from; a "# " before a line, and other lines of TAP, are skipped
 *
 * Return: true if there was one that can be understood.
 */
bool fuzz_seq_read(struct fuzz_seq *seq, FILE *file)
{
	char buf[512], *line;
	bool head = false;

	memset(seq, 0, sizeof(*seq));
	while (fgets(buf, sizeof(buf), file)) {
		line = buf + (strncmp(buf, "# ", 2) ? 0 : 2);
		if (sscanf(line, "sequence type=%lu limit=%lu ours_first=%lu",
			   &seq->type, &seq->limit, &seq->ours_first) == 3)
			head = true;
		else if (head && *line != '\n' &&
			 (seq->n == FUZZ_MAX_OPS ||
			  !read_op(&seq->ops[seq->n++], line)))
			return false;
	}
	return head && seq->n;
}
