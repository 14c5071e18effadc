// SPDX-License-Identifier: GPL-2.0
/* Loads and unloads modules. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "module.h"
#include "sys.h"
#include "test.h"

/* How long the last references on a module may take to go, in milliseconds. */
#define UNLOAD_MS 30000

/**
 * module_load() - load a module, and nothing that modprobe.d says of it
 * @path: of its file; the test fails if that is not possible
 * @options: for it, or ""
 */
void module_load(const char *path, const char *options)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || syscall(SYS_finit_module, fd, options, 0))
		fail("load %s: %s", path, strerror(errno));
	close(fd);
}

/**
 * module_unload() - unload a module as soon as it is unused
 * @name: of the module, which need not be loaded; the test fails if it stays
 */
void module_unload(const char *name)
{
	uint64_t end = sys_now_ms() + UNLOAD_MS;

	while (syscall(SYS_delete_module, name, O_NONBLOCK)) {
		if (errno == ENOENT)
			return;
		if (sys_now_ms() > end)
			fail("unload %s: %s", name, strerror(errno));
		sys_msleep(1);
	}
}
