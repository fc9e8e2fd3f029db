#define _GNU_SOURCE
#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/*
 * runc (opencontainers/cgroups file.go, from 1.0.0-rc93 on): each access opens the file below its one descriptor of
 * /sys/fs/cgroup, and os.NewFile() asks whether it is non-blocking; ReadFile() reads to the end. containerd
 * (cgroup1/freezer.go) uses Go's os.WriteFile() and os.ReadFile(); Go tries to register each file with epoll. CRIU
 * (seize.c) keeps one descriptor, seeks to its start before each access and writes 32 bytes.
 */

const char *const calls_names[] = { "own", "runc", "containerd", "criu" };
const char *cgroup_root = "/sys/fs/cgroup";

/* From linux/openat2.h, which hosts before 5.6 lack. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
struct how {
	uint64_t flags, mode, resolve;
};
#define NO_MAGICLINKS 0x02
#define BENEATH 0x08

void calls_begin(struct reach *r, struct group *g, enum calls calls)
{
	size_t n = strlen(cgroup_root);

	/* the tools' calls are for v1: on v2 they take no time compared with the sleeps */
	*r = (struct reach){ .group = g, .calls = g->v2 ? CALLS_OWN : calls, .root = -1, .epoll = -1 };
	snprintf(r->path, sizeof(r->path), "%s/freezer.state", g->path);
	if (r->calls == CALLS_RUNC && !strncmp(r->path, cgroup_root, n) && r->path[n] == '/') {
		const struct how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC };

		r->root = (int)syscall(SYS_openat2, -1, cgroup_root, &how, sizeof(how));
		r->below = r->path + n + 1;
	}
	if (r->root < 0 && (r->calls == CALLS_RUNC || r->calls == CALLS_CONTAINERD))
		r->epoll = epoll_create1(EPOLL_CLOEXEC);
}

void calls_end(struct reach *r)
{
	if (r->root >= 0)
		close(r->root);
	if (r->epoll >= 0)
		close(r->epoll);
}

/* epoll accepts cgroup files, so Go makes them non-blocking and registers them. */
static int open_as_go(struct reach *r, int flags)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET };
	int fd = open(r->path, flags | O_CLOEXEC, 0644);

	if (fd < 0)
		return fd;
	event.data.fd = fd;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	r->watched = epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) == 0;
	if (!r->watched)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

/* Without openat2, runc opens as Go does, makes the file blocking again and checks its file system. */
static int open_as_runc(struct reach *r, int flags)
{
	const struct how how = { .flags = (uint64_t)flags | O_CLOEXEC, .resolve = BENEATH | NO_MAGICLINKS };
	struct statfs fs;

	if (r->root >= 0) {
		int fd = (int)syscall(SYS_openat2, r->root, r->below, &how, sizeof(how));

		if (fd >= 0)
			fcntl(fd, F_GETFL);
		return fd;
	}
	int fd = open_as_go(r, flags);

	if (fd >= 0) {
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
		fstatfs(fd, &fs);
	}
	return fd;
}

static void close_as_opened(struct reach *r, int fd)
{
	struct epoll_event event;
	int error = errno;

	if (r->watched)
		epoll_ctl(r->epoll, EPOLL_CTL_DEL, fd, &event);
	close(fd);
	r->watched = false;
	errno = error;
}

static int open_state(struct reach *r, bool writes)
{
	if (r->calls == CALLS_RUNC)
		return open_as_runc(r, writes ? O_WRONLY : O_RDONLY);
	return open_as_go(r, writes ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY);
}

/* Reads to the end of the file, as runc and Go do; only the first chunk is kept. */
static ssize_t read_whole(struct reach *r, char *text, size_t size)
{
	char more[512];
	struct stat st;
	int fd = open_state(r, false);

	if (fd < 0)
		return -1;
	if (r->calls == CALLS_CONTAINERD)
		fstat(fd, &st);
	ssize_t n = read(fd, text, size);

	while (n > 0 && read(fd, more, sizeof(more)) > 0)
		;
	close_as_opened(r, fd);
	return n;
}

bool calls_write(struct reach *r, bool frozen)
{
	char padded[32] = "";

	if (r->calls == CALLS_OWN)
		return group_write(r->group, frozen);
	r->group->asked = frozen;
	strcpy(padded, frozen ? "FROZEN" : "THAWED");
	if (r->calls == CALLS_CRIU) {
		lseek(r->group->state, 0, SEEK_SET);
		return write(r->group->state, padded, sizeof(padded)) == sizeof(padded);
	}
	int fd = open_state(r, true);

	if (fd < 0)
		return false;
	bool written = control_write(fd, padded);

	close_as_opened(r, fd);
	return written;
}

enum freezer_state calls_read(struct reach *r)
{
	char text[512];
	ssize_t n;

	errno = 0;
	if (r->calls == CALLS_OWN)
		return group_read(r->group);
	if (r->calls == CALLS_CRIU) {
		lseek(r->group->state, 0, SEEK_SET);
		n = read(r->group->state, text, 31);
	} else {
		n = read_whole(r, text, sizeof(text) - 1);
	}
	text[n > 0 ? n : 0] = '\0';
	return state_named(text);
}
