#define _GNU_SOURCE
#include "frostbite.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct shared *shared;

static int lock_fd = -1;

/*
 * A file rather than memfd_create(2), which 3.10 lacks: after an exec it is found again by its number, in a
 * container by its name.
 */
static int make_file(char *name, size_t size)
{
	static const char *const folders[] = { "/dev/shm", "/run", "/tmp" };

	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		char path[64];

		snprintf(path, sizeof(path), "%s/frostbite-XXXXXX", folders[i]);
		int fd = mkstemp(path);
		if (fd < 0)
			continue;
		lock_fd = open(path, O_RDWR | O_CLOEXEC);
		snprintf(name, size, "%s", path);
		return fd;
	}
	err(69, "no folder for a temporary file in /dev/shm, /run or /tmp");
}

static void map(void)
{
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, SHARED_FD, 0);
	if (shared == MAP_FAILED)
		err(69, "mmap of the shared counters");
}

void shared_create(void)
{
	char name[64];
	int fd = make_file(name, sizeof(name));

	/* read and written by the container's root too, which may be nobody here */
	if (fchmod(fd, 0666) < 0 || ftruncate(fd, sizeof(struct shared)) < 0 || dup2(fd, SHARED_FD) < 0)
		err(69, "shared counters");
	close(fd);
	map();
	strcpy(shared->file, name);
	atomic_store(&shared->trial, -1);
	/* the name of a task is that of the file it was made from: "frostbite" says more than "exe" */
	if (readlink("/proc/self/exe", shared->exe, sizeof(shared->exe) - 1) < 0)
		err(69, "readlink /proc/self/exe");
}

void shared_attach(void)
{
	map();
}

void shared_open(const char *path)
{
	int fd = open(path, O_RDWR);

	if (fd < 0 || dup2(fd, SHARED_FD) < 0)
		err(69, "%s", path);
	close(fd);
	map();
}

void shared_end(void)
{
	unlink(shared->file);
}

/* A flock belongs to an open file description, which a fork shares: the child has to open the file again. */
void shared_own_lock(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", SHARED_FD);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		err(69, "open %s", path);
	close(lock_fd);
	lock_fd = fd;
}

int shared_lock_fd(void)
{
	return lock_fd;
}
