// SPDX-License-Identifier: GPL-2.0
/* Reads what the driver shows in debugfs of the containers of this process. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "debugfs.h"
#include "test.h"

static bool is_ours(const char *folder)
{
	char path[320], line[128];
	bool ours = false;
	FILE *file;
	int pid;

	snprintf(path, sizeof(path), DEBUGFS_CONTAINERS "/%s/summary", folder);
	file = fopen(path, "re");
	/* Others come and go. */
	if (!file)
		return false;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "pid %d", &pid) == 1)
			ours = pid == getpid();
	fclose(file);
	return ours;
}

/* Finds the folders of this process; gets the number of the newest one. */
static int find(long *newest)
{
	DIR *dir = opendir(DEBUGFS_CONTAINERS);
	struct dirent *entry;
	int nr = 0;

	if (!dir)
		fail(DEBUGFS_CONTAINERS ": %s", strerror(errno));
	*newest = 0;
	while ((entry = readdir(dir))) {
		if (*entry->d_name == '.' || !is_ours(entry->d_name))
			continue;
		if (atol(entry->d_name) > *newest)
			*newest = atol(entry->d_name);
		nr++;
	}
	closedir(dir);
	return nr;
}

/**
 * debugfs_containers() - how many containers are there to be seen
 *
 * Return: those that this process opened and has not closed.
 */
int debugfs_containers(void)
{
	long newest;

	return find(&newest);
}

/**
 * debugfs_open() - open a file of the newest container of this process
 * @name: the file
 *
 * Return: a stream.
 */
FILE *debugfs_open(const char *name)
{
	char path[320];
	FILE *file;
	long nr;

	if (!find(&nr))
		fail("no container of this process in " DEBUGFS_CONTAINERS);
	snprintf(path, sizeof(path), DEBUGFS_CONTAINERS "/%ld/%s", nr, name);
	file = fopen(path, "re");
	if (!file)
		fail("%s: %s", path, strerror(errno));
	return file;
}

/**
 * debugfs_text() - what a line of a file says
 * @name: the file
 * @key: how the line begins
 * @value: set to the rest of it, behind a space
 * @len: bytes of @value
 *
 * Return: whether there is such a line.
 */
bool debugfs_text(const char *name, const char *key, char *value, int len)
{
	FILE *file = debugfs_open(name);
	size_t n = strlen(key);
	bool found = false;
	char line[512];

	while (!found && fgets(line, sizeof(line), file)) {
		found = !strncmp(line, key, n) && line[n] == ' ';
		line[strcspn(line, "\n")] = '\0';
		if (found)
			snprintf(value, len, "%s", line + n + 1);
	}
	fclose(file);
	return found;
}

/**
 * debugfs_number() - a number in the summary
 * @key: its name
 *
 * Return: the number.
 */
long long debugfs_number(const char *key)
{
	char value[64];

	if (!debugfs_text("summary", key, value, sizeof(value)))
		fail("no %s in the summary", key);
	return strtoll(value, NULL, 0);
}

/**
 * debugfs_field() - a number in a line of "key=value" words
 * @line: the line
 * @key: which
 *
 * Return: the number.
 */
long long debugfs_field(const char *line, const char *key)
{
	char text[64];
	char *at;

	snprintf(text, sizeof(text), " %s=", key);
	at = strstr(line, text);
	if (!at && !strncmp(line, text + 1, strlen(text) - 1))
		at = (char *)line - 1;
	if (!at)
		fail("no %s in: %s", key, line);
	return strtoull(at + strlen(text), NULL, 0);
}
