#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

struct mounted {
	char path[256], type[32];
};

/* The last mount whose path starts with `prefix`, so that stacked mounts go top first; of this `type`, if not NULL. */
static bool find_mount(const char *prefix, const char *type, struct mounted *m)
{
	char line[512];
	struct mounted is;
	bool found = false;
	FILE *f = fopen("/proc/self/mounts", "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*s %255s %31s", is.path, is.type) != 2 || strncmp(is.path, prefix, strlen(prefix)) ||
		    (type && strcmp(type, is.type)))
			continue;
		*m = is;
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* Thaws what fsfreeze-write froze if its guardian is gone too: unmounted frozen, it and its loop device would stay. */
static void thaw_ext4(void)
{
	struct mounted m;
	int fd = find_mount(MOUNT_PREFIX, "ext4", &m) ? open(m.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd < 0)
		return;
	/* EINVAL: it is not frozen */
	if (ioctl(fd, FITHAW, 0) < 0 && errno != EINVAL)
		perror(m.path);
	close(fd);
}

/* A FUSE server that dies with its parent frees its client, but leaves the dead mount. */
int mounts_clean_all(void)
{
	struct mounted m;
	int cleaned = 0;

	thaw_ext4();
	while (find_mount(MOUNT_PREFIX, NULL, &m)) {
		char group[300];

		/* a hierarchy with a group in it outlives its mount; do not look into NFS: its server is silent */
		snprintf(group, sizeof(group), "%s/" CONTROLLER_GROUP, m.path);
		if (!strcmp(m.type, "cgroup"))
			rmdir(group);
		/* MNT_FORCE ends waits for a FUSE or NFS server */
		if (umount2(m.path, MNT_FORCE | MNT_DETACH) < 0)
			break;
		rmdir(m.path);
		cleaned++;
	}
	return cleaned;
}

/* Whether it belongs to this user and only they can write to it: what others made or could change is left alone. */
static bool is_own(const char *path, bool *is_folder)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return false;
	*is_folder = S_ISDIR(st.st_mode);
	return st.st_uid == geteuid() && !S_ISLNK(st.st_mode) && !(*is_folder && st.st_mode & 022);
}

/* Removes it, as a whole tree if `is_tree`; never walks into a tree that is a mount or contains one. */
static bool remove_leftover(const char *path, bool is_tree)
{
	struct mounted m;
	bool is_folder = false;

	if (!is_own(path, &is_folder))
		return false;
	if (remove(path) < 0 && is_tree && is_folder && !find_mount(path, NULL, &m))
		remove_tree(path);
	return access(path, F_OK) < 0;
}

int leftovers_clean_all(void)
{
	static const struct { const char *pattern; bool is_tree; } leftovers[] = {
		{ BOX_PREFIX "*", true },
		{ "/run/runc/frostline-*", true },
		{ "/run/crun/frostline-*", true },
		{ PLACE_PREFIX "*", true },
		{ "/dev/shm/frostbite-*", true },
		{ "/run/frostbite-*", true },
		{ "/tmp/frostbite-*", true },
		{ "/sys/fs/cgroup/devices/frostline-*", false },
		{ MOUNT_PREFIX "*", false },
	};
	int cleaned = 0;

	for (size_t i = 0; i < ARRAY_SIZE(leftovers); i++) {
		glob_t found;

		if (glob(leftovers[i].pattern, 0, NULL, &found))
			continue;
		for (size_t j = 0; j < found.gl_pathc; j++)
			cleaned += remove_leftover(found.gl_pathv[j], leftovers[i].is_tree);
		globfree(&found);
	}
	return cleaned;
}
