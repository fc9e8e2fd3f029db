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
#include <sys/un.h>
#include <unistd.h>

/*
 * A missing page waits for whoever serves its userfaultfd. If it was touched from user mode, a signal, and
 * so the freezer, interrupts the wait. In a write(2) a signal that does not kill ends the wait only for the
 * fault to be retried at once, forever.
 */

static int door = -1; /* the socket on which the process hands over its userfaultfd */
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

static struct sockaddr_un door_address(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%.100s", shared->path);
	return address;
}

static bool hand_over(int fd)
{
	struct sockaddr_un address = door_address();
	int visitor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool sent = visitor >= 0 && connect(visitor, (struct sockaddr *)&address, sizeof(address)) == 0 &&
		    send_fd(visitor, fd);
	int error = errno;

	if (visitor >= 0)
		close(visitor);
	errno = error;
	return sent;
}

/* A page that only the holder of the other descriptor can fill. */
static volatile char *missing_page(unsigned slot)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register range = {
		.range = { (uintptr_t)page, size }, .mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int fd = open_uffd();

	if (page == MAP_FAILED || fd < 0 || ioctl(fd, UFFDIO_API, &api) < 0 ||
	    ioctl(fd, UFFDIO_REGISTER, &range) < 0 || !hand_over(fd))
		slot_fail(slot, "its userfaultfd");
	close(fd);
	return page;
}

/* The page must be missing when the kernel reads it, and the pipe takes the byte without a sleep. */
static void write_missing(unsigned slot)
{
	volatile char *page = missing_page(slot);
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		slot_fail(slot, "pipe");
	atomic_store(&counters->slots[slot].ready, 1);
	if (write(fds[1], (const void *)page, 1) < 0)
		slot_fail(slot, "write of the page");
	tick(slot);
}

static void touch_missing(unsigned slot)
{
	volatile char *page = missing_page(slot);

	atomic_store(&counters->slots[slot].ready, 1);
	*page = 1;
	tick(slot);
}

static bool open_door(struct trial *t)
{
	if (!place_path(shared->path, sizeof(shared->path), "uffd"))
		return trial_fail(t, "folder of the socket: %s", strerror(errno));
	unlink(shared->path);
	struct sockaddr_un address = door_address();

	door = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door < 0 || bind(door, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(door, 1) < 0)
		return trial_fail(t, "socket %s: %s", shared->path, strerror(errno));
	return true;
}

static bool start_with(struct trial *t, void (*entry)(unsigned slot))
{
	if (!open_door(t) || !spawn(t, entry) || !wait_ready(t)) {
		/* root of a user namespace lacks the CAP_SYS_PTRACE that the kernel asks for (5.11; 5.2 by a sysctl) */
		t->lacks = t->request->userns && atomic_load(&counters->slots[0].error) == EPERM;
		return false;
	}
	int visitor = accept4(door, NULL, NULL, SOCK_CLOEXEC);

	uffd = visitor < 0 ? -1 : receive_fd(visitor);
	if (visitor >= 0)
		close(visitor);
	if (uffd < 0)
		return trial_fail(t, "userfaultfd of the process: %s", strerror(errno));
	/* the fault is announced when its task sleeps, or is about to */
	struct pollfd announced = { .fd = uffd, .events = POLLIN };
	struct uffd_msg fault;

	if (poll(&announced, 1, 5000) <= 0)
		return trial_fail(t, "%s: no fault came within 5 s", t->workload->name);
	if (read(uffd, &fault, sizeof(fault)) != sizeof(fault) || fault.event != UFFD_EVENT_PAGEFAULT)
		return trial_fail(t, "read of the userfaultfd: %s", strerror(errno));
	return true;
}

static bool start_kernel(struct trial *t)
{
	return start_with(t, write_missing);
}

static bool start_user(struct trial *t)
{
	return start_with(t, touch_missing);
}

/* Closing the userfaultfd ends its waits: the page becomes a plain one of zeros. */
static void release(struct trial *t)
{
	int *const fds[] = { &uffd, &door };

	(void)t;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
	unlink(shared->path);
}

const struct workload workload_uffd_user = {
	.name = "uffd-user",
	.summary = "a touch of a page that its userfaultfd never fills",
	.needs = needs,
	.start = start_user,
	.release = release,
	.meets = true,
	.gap = GAP_NEVER,
};

const struct workload workload_uffd_kernel = {
	.name = "uffd-kernel",
	.summary = "a write(2) of a page that its userfaultfd never fills",
	.needs = needs,
	.start = start_kernel,
	.release = release,
	.meets = true,
	.gap = GAP_NEVER,
};
