#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Modules that few workloads need, and that a boot does not wait for: the machine's start-up leaves them
 * here, after the modules that they depend on, in the order of NAME.load. Without such a list they are
 * loaded already, built in, or missing: the workload notices.
 */

static const char *const folders[] = { "/lib/frostline", "/frostline/lib/frostline" };

/* False when it cannot be opened, or the kernel rejects it. */
static bool load(const char *folder, char *line)
{
	char path[300];
	char *parameters = strchr(line, ' ');

	if (parameters)
		*parameters++ = '\0';
	snprintf(path, sizeof(path), "%s/%s", folder, line);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool loaded = syscall(SYS_finit_module, fd, parameters ? parameters : "", 0) == 0 || errno == EEXIST;

	close(fd);
	return loaded;
}

static void load_list(const char *folder, const char *list, bool is_told)
{
	char path[300], line[256];

	snprintf(path, sizeof(path), "%s/%s", folder, list);
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!load(folder, line) && is_told)
			printf("frostline: %s did not load\n", line);
	}
	if (f)
		fclose(f);
}

void module_load(const char *name)
{
	static const char *asked[16];
	static size_t nasked;
	char list[64];

	for (size_t i = 0; i < nasked; i++) {
		if (!strcmp(asked[i], name))
			return;
	}
	if (nasked < ARRAY_SIZE(asked))
		asked[nasked++] = name;
	snprintf(list, sizeof(list), "%s.load", name);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
		load_list(folders[i], list, false);
}

void modules_load(void)
{
	load_list(folders[0], "load", true);
}
