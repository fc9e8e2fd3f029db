#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* A node of our own: a container's /dev has none for a device made after the container started. */
bool node_make(struct trial *t, const struct stat *device, const char *path)
{
	struct statvfs folder;

	if (statvfs("/tmp", &folder) < 0 || folder.f_flag & ST_NODEV) {
		snprintf(shared->path, sizeof(shared->path), "%s", path);
		return true;
	}
	if (!place_path(shared->path, sizeof(shared->path), "node"))
		return trial_fail(t, "folder of the node: %s", strerror(errno));
	unlink(shared->path);
	if (mknod(shared->path, (device->st_mode & S_IFMT) | 0600, device->st_rdev) < 0)
		return trial_fail(t, "mknod %s: %s", shared->path, strerror(errno));
	return true;
}

void node_remove(void)
{
	if (place_has(shared->path))
		unlink(shared->path);
}

void node_read(unsigned slot)
{
	void *buffer;

	while (!atomic_load(&counters->served))
		sleep_us(100);
	int fd = open(shared->path, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0 || posix_memalign(&buffer, 4096, NODE_READ_SIZE))
		slot_fail(slot, "open of the device");
	atomic_store(&counters->slots[slot].ready, 1);
	/* an error of the device ends the wait as well as data do */
	if (read(fd, buffer, NODE_READ_SIZE) < 0)
		bump(slot);
	/* so that the device can be removed again */
	close(fd);
	tick(slot);
}

void ask_server(unsigned slot)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/unanswered", shared->path);
	atomic_store(&counters->slots[slot].ready, 1);
	stat(path, &st);
	tick(slot);
}
