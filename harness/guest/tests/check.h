/* What the tests of the guest's sources on plain files share. Each is a program: it prints KTAP and exits with 1 when a check failed. It is run in an empty folder. */
#ifndef FROSTBITE_CHECK_H
#define FROSTBITE_CHECK_H

#include "../frostbite.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

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

/* Makes a group of the v1 freezer out of plain files in this folder; its files hold nothing. */
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

#endif
