#define _GNU_SOURCE
#include "frostbite.h"

#include <glob.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

/* The last mount of ours, so that one over another goes first. */
static bool find_mount(char *path)
{
	char line[512], point[256];
	bool found = false;
	FILE *f = fopen("/proc/self/mounts", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s", point) != 1 || strncmp(point, MOUNT_PREFIX, strlen(MOUNT_PREFIX)))
			continue;
		strcpy(path, point);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* A FUSE server that dies with its parent releases its client; the dead mount stays. */
int mounts_clean_all(void)
{
	char path[256];
	int cleaned = 0;

	while (find_mount(path)) {
		char group[300];

		/* a hierarchy with a group in it outlives its mount */
		snprintf(group, sizeof(group), "%s/" CONTROLLER_GROUP, path);
		rmdir(group);
		/* MNT_FORCE ends what waits for a server of FUSE or NFS */
		if (umount2(path, MNT_FORCE | MNT_DETACH) < 0)
			break;
		rmdir(path);
		cleaned++;
	}
	return cleaned;
}

#define TREES 3

int leftovers_clean_all(void)
{
	static const char *const patterns[] = {
		BOX_PREFIX "*", "/run/runc/frostline-*", "/run/crun/frostline-*", /* TREES of these */
		"/sys/fs/cgroup/devices/frostline-*", "/dev/shm/frostbite-*", MOUNT_PREFIX "*",
	};
	int cleaned = 0;

	for (size_t i = 0; i < ARRAY_SIZE(patterns); i++) {
		glob_t found;

		if (glob(patterns[i], 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++) {
			/* what may be a mount or a group still is not walked into */
			if (remove(found.gl_pathv[j]) < 0 && i < TREES)
				remove_tree(found.gl_pathv[j]);
			cleaned += access(found.gl_pathv[j], F_OK) < 0;
		}
		globfree(&found);
	}
	return cleaned;
}
