#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * A page that is missing, given to write(2): the fault in the kernel waits for whoever serves the
 * userfaultfd. A signal that does not kill ends the wait only for the fault to be retried at once, for ever.
 */

static int pair[2] = { -1, -1 };
static int uffd = -1;

static int open_uffd(void)
{
	return (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
}

static const char *needs(void)
{
	static char problem[80];
	int fd = open_uffd();

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	snprintf(problem, sizeof(problem), "userfaultfd: %s (CONFIG_USERFAULTFD)", strerror(errno));
	return problem;
}

union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static bool send_fd(int socket, int fd)
{
	union control control = { 0 };
	char byte = 0;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	*header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	return sendmsg(socket, &message, 0) == 1;
}

static int receive_fd(int socket)
{
	union control control = { 0 };
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space),
	};
	int fd;

	if (recvmsg(socket, &message, MSG_CMSG_CLOEXEC) != 1 || !CMSG_FIRSTHDR(&message))
		return -1;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
	return fd;
}

static void close_all(void)
{
	int *const fds[] = { &uffd, &pair[0], &pair[1] };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

/* The page has to be missing for the kernel's read of it, and the pipe takes it without a sleep. */
static void write_missing(unsigned slot)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)page, size }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fds[2], fd = open_uffd();

	if (page == MAP_FAILED || fd < 0 || pipe2(fds, O_CLOEXEC) < 0 || ioctl(fd, UFFDIO_API, &api) < 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &range) < 0 || !send_fd(pair[1], fd)) {
		atomic_store(&shared->slots[slot].error, errno);
		_exit(75);
	}
	close(fd);
	atomic_store(&shared->slots[slot].ready, 1);
	if (write(fds[1], page, 1) < 0)
		_exit(76);
	tick(slot);
}

static bool start(struct trial *t)
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return trial_fail(t, "socketpair: %s", strerror(errno));
	if (!spawn(t, write_missing) || !wait_ready(t))
		return false;
	uffd = receive_fd(pair[0]);
	if (uffd < 0)
		return trial_fail(t, "userfaultfd of the writer: %s", strerror(errno));
	/* the fault is announced when its task has gone to sleep, or is about to */
	struct pollfd announced = { .fd = uffd, .events = POLLIN };
	struct uffd_msg fault;

	if (poll(&announced, 1, 5000) == 0)
		return trial_fail(t, "uffd-kernel: no fault came within 5 s");
	if (read(uffd, &fault, sizeof(fault)) != sizeof(fault) || fault.event != UFFD_EVENT_PAGEFAULT)
		return trial_fail(t, "read of the userfaultfd: %s", strerror(errno));
	return true;
}

/* Closing the userfaultfd ends its waits: the page is then a plain one of zeros. */
static void release(struct trial *t)
{
	(void)t;
	close_all();
}

const struct workload workload_uffd_kernel = {
	.name = "uffd-kernel",
	.summary = "a write(2) of a page that its userfaultfd never fills",
	.needs = needs,
	.start = start,
	.release = release,
};
