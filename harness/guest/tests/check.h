/*
 * Shared by the tests of the guest's sources on plain files. Each test is a program: in an empty folder, it prints KTAP
 * and exits with 1 when a check failed.
 */
#ifndef FROSTBITE_CHECK_H
#define FROSTBITE_CHECK_H

#include "../frostbite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned checked, failed;

static inline void check(bool ok, const char *what)
{
	printf("%s %u %s\n", ok ? "ok" : "not ok", ++checked, what);
	failed += !ok;
}

static inline int checks_end(void)
{
	printf("1..%u\n", checked);
	fflush(stdout);
	return failed ? 1 : 0;
}

static inline void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

/* Makes a v1 freezer group out of plain, empty files in this folder. */
static inline void make_group(struct group *g, const char *name)
{
	static const char *const files[] = { "cgroup.procs", "freezer.state", "tasks" };
	const struct hierarchies here = { .v1 = "." };
	char file[128];

	if (group_make(g, &here, false, name))
		abort();
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", name, files[i]);
		put(file, "");
	}
}

static inline void get(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(text, 1, size - 1, f) : 0;

	text[n] = '\0';
	if (f)
		fclose(f);
}

/* Redirects standard output to a file until capture_end() returns its contents. */
static int captured = -1;

static inline void capture_begin(void)
{
	fflush(stdout);
	captured = dup(1);
	if (!freopen("said", "we", stdout))
		abort();
}

static inline size_t capture_end(char *said, size_t size)
{
	fflush(stdout);
	dup2(captured, 1);
	close(captured);
	FILE *f = fopen("said", "re");
	size_t n = f ? fread(said, 1, size - 1, f) : 0;

	said[n] = '\0';
	if (f)
		fclose(f);
	return n;
}

#endif
