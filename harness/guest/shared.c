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
struct counters *counters;

#define SHARED "control"
#define COUNTERS "counters"

static char folder[64]; /* "": none of ours */
static int lock_fd = -1;

/*
 * Files rather than memfd_create(2), which 3.10 lacks: found again after an exec by their numbers, in a container
 * by their names. Only this user can access their folder, so nobody else can write what root acts on.
 */
static void make_folder(void)
{
	static const char *const parents[] = { "/dev/shm", "/run", "/tmp" };

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++) {
		snprintf(folder, sizeof(folder), "%s/frostbite-XXXXXX", parents[i]);
		if (mkdtemp(folder))
			return;
	}
	err(69, "no folder for temporary files in /dev/shm, /run or /tmp");
}

static int open_file(const char *in, const char *name, int flags)
{
	char path[320];

	snprintf(path, sizeof(path), "%s/%s", in, name);
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd < 0)
		err(69, "%s", path);
	return fd;
}

/* Moves it to a number that survives an exec. */
static void keep(int fd, int as)
{
	if (dup2(fd, as) < 0)
		err(69, "dup2 of the shared memory");
	close(fd);
}

static void *map(int fd, size_t size, int protection)
{
	void *memory = mmap(NULL, size, protection, MAP_SHARED, fd, 0);

	if (memory == MAP_FAILED)
		err(69, "mmap of the shared memory");
	return memory;
}

void shared_create(void)
{
	make_folder();
	int fd = open_file(folder, COUNTERS, O_RDWR | O_CREAT | O_EXCL), control = open_file(folder, SHARED, O_RDWR | O_CREAT | O_EXCL);

	if (ftruncate(fd, sizeof(struct counters)) < 0 || ftruncate(control, sizeof(struct shared)) < 0)
		err(69, "size of the shared memory");
	lock_fd = open_file(folder, COUNTERS, O_RDWR);
	keep(fd, COUNTERS_FD);
	keep(control, SHARED_FD);
	counters = map(COUNTERS_FD, sizeof(*counters), PROT_READ | PROT_WRITE);
	shared = map(SHARED_FD, sizeof(*shared), PROT_READ | PROT_WRITE);
	atomic_store(&shared->trial, -1);
	/* a task is named after the file that it executes: "frostbite" says more than "exe" */
	if (readlink("/proc/self/exe", shared->exe, sizeof(shared->exe) - 1) < 0)
		err(69, "readlink /proc/self/exe");
}

void shared_attach(void)
{
	counters = map(COUNTERS_FD, sizeof(*counters), PROT_READ | PROT_WRITE);
	shared = map(SHARED_FD, sizeof(*shared), PROT_READ);
}

void shared_open(const char *in)
{
	keep(open_file(in, COUNTERS, O_RDWR), COUNTERS_FD);
	keep(open_file(in, SHARED, O_RDONLY), SHARED_FD);
	shared_attach();
}

const char *shared_folder(void)
{
	return folder;
}

void shared_end(void)
{
	if (folder[0])
		remove_tree(folder);
	folder[0] = '\0';
}

/* A flock belongs to an open file description, which forks share: the child has to open the file again. */
void shared_own_lock(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", COUNTERS_FD);
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
