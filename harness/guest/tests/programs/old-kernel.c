/* Runs a program as on a kernel of the age of 3.10: `old-kernel PROGRAM ARGUMENT...`, as root. */
#define _GNU_SOURCE
#include "../old_kernel.h"

#include <err.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* Hides NStgid (4.1) in the status of this process: frostbite keeps its pid, and looks at its own status. */
static void hide_nstgid(void)
{
	char line[256], path[64];
	FILE *from = fopen("/proc/self/status", "re"), *to = fopen("/tmp/old-status", "we");

	if (!from || !to)
		err(1, "status");
	while (fgets(line, sizeof(line), from))
		if (strncmp(line, "NS", 2))
			fputs(line, to);
	fclose(from);
	fclose(to);
	snprintf(path, sizeof(path), "/proc/%d/status", getpid());
	if (mount("/tmp/old-status", path, NULL, MS_BIND, NULL) < 0)
		err(1, "mount over %s", path);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	hide_nstgid();
	if (!old_kernel())
		err(1, "seccomp");
	execv(argv[1], argv + 1);
	err(127, "%s", argv[1]);
}
