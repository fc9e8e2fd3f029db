#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Modules that few workloads need, and that a boot does not wait for: the machine's start-up has left them,
 * with those they need before them, in the order of NAME.load. Where there is no such list they are loaded
 * already, built in, or not there: the workload sees.
 */

static const char *const folders[] = { "/lib/frostline", "/frostline/lib/frostline" };

static void load(const char *folder, char *line)
{
	char path[300];
	char *parameters = strchr(line, ' ');

	if (parameters)
		*parameters++ = '\0';
	snprintf(path, sizeof(path), "%s/%s", folder, line);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	/* EEXIST: it was loaded before */
	syscall(SYS_finit_module, fd, parameters ? parameters : "", 0);
	close(fd);
}

void module_load(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char path[300], line[256];

		snprintf(path, sizeof(path), "%s/%s.load", folders[i], name);
		FILE *f = fopen(path, "re");

		while (f && fgets(line, sizeof(line), f)) {
			line[strcspn(line, "\n")] = '\0';
			load(folders[i], line);
		}
		if (f)
			fclose(f);
	}
}
