#define _GNU_SOURCE
#include "frostbite.h"

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
		if (umount2(path, MNT_DETACH) < 0)
			break;
		rmdir(path);
		cleaned++;
	}
	return cleaned;
}
