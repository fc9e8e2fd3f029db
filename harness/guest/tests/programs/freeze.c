/*
 * Runs the real freeze() on a made-up state in made-up time: what each of its steps does, and when. Reads a request as
 * `frostbite serve` does and prints one line of JSON. Arguments: after=N (the N-th read says FROZEN), unreadable=N (the
 * N-th read fails), gone=N (with the N-th write the group is gone), old (a kernel without openat2).
 */
#define _GNU_SOURCE
#include "../../calls.h"
#include "../../request.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum { STATE = 10, EVENTS, ROOT, EPOLL, OPENED };

static struct kernel {
	int64_t us;
	unsigned after, unreadable, gone;
	bool old, is_gone, v2;
	unsigned reads, writes; /* from the first write on */
	bool at_end;            /* of the open file */
	bool is_open;
} kernel;

/* What was done, as "W12 R12 T40", and all system calls for that. */
static char acts[1 << 20], made[1 << 22];
static char *act_end = acts, *made_end = made;

static int made_call(const char *name)
{
	if (made_end < made + sizeof(made) - 64)
		made_end = stpcpy(stpcpy(made_end, name), " ");
	return 0;
}

static void act(char letter)
{
	if (act_end < acts + sizeof(acts) - 64)
		act_end += sprintf(act_end, "%c%lld ", letter, (long long)kernel.us);
	if (made_end < made + sizeof(made) - 64)
		made_end += sprintf(made_end, "%c ", letter);
}

static int fail(int error)
{
	errno = error;
	return -1;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	(void)clock;
	*t = (struct timespec){ kernel.us / 1000000, kernel.us % 1000000 * 1000 };
	return 0;
}

int nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	kernel.us += t->tv_sec * 1000000 + t->tv_nsec / 1000;
	return made_call("nanosleep");
}

int ppoll(struct pollfd *fds, nfds_t n, const struct timespec *t, const sigset_t *mask)
{
	(void)fds, (void)n, (void)mask;
	kernel.us += t->tv_sec * 1000000 + t->tv_nsec / 1000;
	return made_call("ppoll");
}

static int opened(void)
{
	if (kernel.is_gone)
		return fail(ENOENT);
	if (kernel.is_open)
		abort();
	kernel.is_open = true;
	kernel.at_end = false;
	return OPENED;
}

int open(const char *path, int flags, ...)
{
	(void)flags;
	made_call("open");
	if (strcmp(path, "/sys/fs/cgroup/freezer/group/freezer.state"))
		abort();
	return opened();
}

long syscall(long number, ...)
{
	va_list args;

	if (number != SYS_openat2)
		return 0;
	va_start(args, number);
	int at = va_arg(args, int);
	const char *path = va_arg(args, const char *);

	va_end(args);
	if (kernel.old)
		return fail(ENOSYS);
	if (at == -1)
		return ROOT;
	made_call("openat2");
	if (at != ROOT || strcmp(path, "freezer/group/freezer.state"))
		abort();
	return opened();
}

int close(int fd)
{
	if (fd != OPENED)
		return 0;
	kernel.is_open = false;
	return made_call("close");
}

int fcntl(int fd, int command, ...)
{
	(void)fd, (void)command;
	return made_call("fcntl");
}

int fstatfs(int fd, struct statfs *fs)
{
	(void)fd, (void)fs;
	return made_call("fstatfs");
}

int fstat(int fd, struct stat *st)
{
	(void)fd, (void)st;
	return made_call("fstat");
}

int epoll_create1(int flags)
{
	(void)flags;
	return EPOLL;
}

int epoll_ctl(int epoll, int what, int fd, struct epoll_event *event)
{
	(void)epoll, (void)what, (void)fd, (void)event;
	return made_call("epoll_ctl");
}

off_t lseek(int fd, off_t at, int whence)
{
	(void)fd, (void)at, (void)whence;
	kernel.at_end = false;
	return made_call("lseek");
}

static ssize_t state(char *text)
{
	const char *word = "THAWED\n";

	if (kernel.writes) {
		act('R');
		word = ++kernel.reads == kernel.after ? "FROZEN\n" : "FREEZING\n";
		if (kernel.reads == kernel.unreadable)
			return fail(EIO);
	}
	if (kernel.v2)
		word = kernel.reads == kernel.after ? "populated 1\nfrozen 1\n" : "populated 1\nfrozen 0\n";
	return stpcpy(text, word) - text;
}

ssize_t pread(int fd, void *text, size_t size, off_t at)
{
	(void)fd, (void)size, (void)at;
	made_call("pread");
	return kernel.is_gone ? fail(ENODEV) : state(text);
}

ssize_t read(int fd, void *text, size_t size)
{
	(void)fd, (void)size;
	made_call("read");
	if (kernel.is_gone)
		return fail(ENODEV);
	if (kernel.at_end)
		return 0;
	kernel.at_end = true;
	return state(text);
}

ssize_t write(int fd, const void *text, size_t size)
{
	(void)fd;
	bool frozen = !strncmp(text, kernel.v2 ? "1" : "FROZEN", size);

	if (!frozen && strncmp(text, kernel.v2 ? "0" : "THAWED", size))
		abort();
	made_call("write");
	act(frozen ? 'W' : 'T');
	kernel.writes++;
	kernel.is_gone |= kernel.writes == kernel.gone;
	return kernel.is_gone ? fail(ENODEV) : (ssize_t)size;
}

static void listen_to(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		sscanf(argv[i], "after=%u", &kernel.after);
		sscanf(argv[i], "unreadable=%u", &kernel.unreadable);
		sscanf(argv[i], "gone=%u", &kernel.gone);
		kernel.old |= !strcmp(argv[i], "old");
	}
}

int main(int argc, char **argv)
{
	static struct shared memory;
	static struct request request;
	static struct freeze_log log;
	char line[400];

	shared = &memory;
	listen_to(argc, argv);
	request_begin(&request);
	while (fgets(line, sizeof(line), stdin) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		request_line(&request, line);
	}
	request_end(&request);
	if (request.error[0]) {
		fprintf(stderr, "%s\n", request.error);
		return 1;
	}
	struct group group = { .v2 = request.v2, .procs = -1, .state = STATE, .events = EVENTS };

	strcpy(group.path, "/sys/fs/cgroup/freezer/group");
	kernel.v2 = request.v2;
	freeze(&group, &request.strategy, &log);
	printf("{\"frozen\":%s,\"error\":%d,\"us\":%lld,\"writes\":%u,\"reads\":%u,\"thaws\":%u,\"open\":%s,", log.frozen ? "true" : "false",
	       log.error, (long long)kernel.us, log.writes, log.reads, log.thaws, kernel.is_open ? "true" : "false");
	printf("\"acts\":\"%s\",\"calls\":\"%s\"}\n", acts, made);
	return 0;
}
