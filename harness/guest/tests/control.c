/* Files of cgroups are written in a way that kernels before 3.15 accept, and a clone wakes without an ioctl of 4.14. */
#define _GNU_SOURCE
#include "check.h"
#include "old_kernel.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
	static const unsigned char seed[SEED_BYTES] = "seed";
	struct group g;
	char text[64];

	make_group(&g, "group");
	put("cgroup.procs", "");
	if (!old_kernel()) {
		perror("seccomp");
		return 4;
	}
	int probe = open("probe", O_RDWR | O_CREAT, 0600);
	check(pwrite(probe, "x", 1, 0) < 0 && errno == ESPIPE, "pwrite(2) is refused as before 3.15");
	check(group_open(&g) == NULL, "its files are opened");
	check(group_write(&g, true), "FROZEN is written");
	get("group/freezer.state", text, sizeof(text));
	check(!strcmp(text, "FROZEN"), "FROZEN is what was written");
	check(group_read(&g) == STATE_FROZEN, "and what is read, from the start of the file");
	check(control_write(g.procs, "12"), "a pid is written");
	get("group/cgroup.procs", text, sizeof(text));
	check(!strcmp(text, "12"), "and is there");
	check(group_evict(&g, 34), "a process is moved to the group above");
	get("cgroup.procs", text, sizeof(text));
	check(!strcmp(text, "34"), "and is there");
	check(entropy_reseed(seed) == NULL, "a clone is reseeded without RNDRESEEDCRNG");
	return checks_end();
}
