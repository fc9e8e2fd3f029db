#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * v1 controllers that a workload needs beside the freezer. Mounted once per program run: a hierarchy
 * outlives its unmount for some time, and until then cannot be mounted again (EBUSY).
 */

#define MAX_CONTROLLERS 4

static struct { const char *name; char point[64]; } mounted[MAX_CONTROLLERS];
static unsigned count;

static const char *point_of(const char *name)
{
	for (unsigned i = 0; i < count; i++)
		if (!strcmp(mounted[i].name, name))
			return mounted[i].point;
	return NULL;
}

static void path_of(char *path, size_t size, const char *name, const char *file)
{
	const char *point = point_of(name);

	/* without a mount point the path is empty, never one below / */
	snprintf(path, size, "%s%s%s", point ? point : "", point ? "/" : "", point ? file : "");
}

const char *controller_mount(const char *name, const char *file)
{
	static char problem[200];
	char path[128];

	if (!point_of(name)) {
		char *point = mounted[count < MAX_CONTROLLERS ? count : 0].point;

		if (count == MAX_CONTROLLERS || !place_path(point, sizeof(mounted[0].point), name) ||
		    (mkdir(point, 0700) < 0 && errno != EEXIST) || mount("cgroup", point, "cgroup", 0, name) < 0) {
			snprintf(problem, sizeof(problem), "mount of the v1 controller %s: %s (not in this kernel, or in use by cgroup2)", name,
				 strerror(errno));
			rmdir(point);
			return problem;
		}
		mounted[count++].name = name;
	}
	/* recreated each time: a throttled group carries unused bytes over to its next limit */
	path_of(path, sizeof(path), name, CONTROLLER_GROUP);
	rmdir(path);
	if (mkdir(path, 0755) < 0 && errno != EEXIST) {
		snprintf(problem, sizeof(problem), "mkdir %s: %s", path, strerror(errno));
		return problem;
	}
	path_of(path, sizeof(path), name, file);
	if (access(path, W_OK) < 0) {
		snprintf(problem, sizeof(problem), "no %s in the v1 controller %s: %s", strrchr(file, '/') + 1, name,
			 strerror(errno));
		return problem;
	}
	return NULL;
}

bool controller_change(const char *name, const char *file, const struct limit *limit)
{
	char path[128];

	path_of(path, sizeof(path), name, file);
	return setting_change(path, limit->text, limit->none);
}

void controller_restore(const char *name, const char *file)
{
	char path[128];

	path_of(path, sizeof(path), name, file);
	setting_restore(path);
}

static bool controller_write(const char *name, const char *file, const char *text)
{
	char path[128];

	path_of(path, sizeof(path), name, file);
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	bool written = write(fd, text, strlen(text)) > 0;
	int error = errno;

	close(fd);
	errno = error;
	return written;
}

/* Done from outside: a process in a container does not see our hierarchies. */
bool controller_enter(struct trial *t, const char *name)
{
	for (unsigned i = 0; i < t->nslots; i++) {
		char pid[16];

		/* 0 would move this program itself */
		if (!atomic_load(&shared->slots[i].pid))
			return trial_fail(t, "its process is not there yet: no startGap with this workload");
		snprintf(pid, sizeof(pid), "%d", atomic_load(&shared->slots[i].pid));
		if (!controller_write(name, CONTROLLER_GROUP "/cgroup.procs", pid))
			return trial_fail(t, "process %s into the v1 %s group: %s", pid, name, strerror(errno));
	}
	atomic_store(&counters->served, 1);
	return true;
}

void controllers_end(void)
{
	while (count > 0) {
		const char *point = mounted[--count].point;
		char path[128];

		snprintf(path, sizeof(path), "%s/" CONTROLLER_GROUP, point);
		rmdir(path);
		umount2(point, MNT_DETACH);
		rmdir(point);
	}
}
