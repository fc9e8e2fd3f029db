#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A FUSE server that never answers. The client's wait is interruptible at first; the freezer's fake signal
 * makes it send FUSE_INTERRUPT, where the request was read, and then wait uninterruptibly; for a request
 * that was not read yet it waits killably (fs/fuse/dev.c, request_wait_answer; 3.10 withdraws such a one).
 */

struct server {
	int fd;
	bool reads;        /* goes on reading after INIT */
	bool answers_open; /* answers what an open needs, so that a close comes to its FLUSH */
};

static const char *needs(void)
{
	static char problem[120];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		snprintf(problem, sizeof(problem), "/dev/fuse: %s (CONFIG_FUSE_FS, or its module is not loaded)",
			 strerror(errno));
		return problem;
	}
	close(fd);
	return NULL;
}

static void answer(int fd, const struct fuse_in_header *in, int error, const void *body, size_t size)
{
	struct {
		struct fuse_out_header header;
		char body[sizeof(struct fuse_entry_out)];
	} out = { { (uint32_t)(sizeof(out.header) + size), -error, in->unique }, { 0 } };

	memcpy(out.body, body, size);
	/* ENOENT: the client was killed and its request withdrawn */
	if (write(fd, &out, out.header.len) < 0 && errno != ENOENT)
		_exit(1);
}

/* In the size that the kernel's minor version expects (FUSE_COMPAT_22_INIT_OUT_SIZE). */
static void answer_init(int fd, const struct fuse_in_header *in)
{
	const struct fuse_init_in *init = (const void *)(in + 1);
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = init->minor < FUSE_KERNEL_MINOR_VERSION ? init->minor : FUSE_KERNEL_MINOR_VERSION,
		.max_readahead = init->max_readahead,
		.max_write = 4096,
	};

	answer(fd, in, 0, &out, init->minor < 23 ? FUSE_COMPAT_22_INIT_OUT_SIZE : sizeof(out));
}

#define FILE_NODE 2

static struct fuse_attr attributes(uint64_t node)
{
	return (struct fuse_attr){
		.ino = node, .nlink = 1, .mode = node == FILE_NODE ? S_IFREG | 0644 : S_IFDIR | 0755,
	};
}

static void answer_opening(int fd, const struct fuse_in_header *in)
{
	const struct fuse_entry_out entry = {
		.nodeid = FILE_NODE, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes(FILE_NODE),
	};
	const struct fuse_attr_out attr = { .attr_valid = 3600, .attr = attributes(in->nodeid) };
	const struct fuse_open_out open = { .fh = 1 };

	switch (in->opcode) {
	case FUSE_LOOKUP:
		answer(fd, in, 0, &entry, sizeof(entry));
		break;
	case FUSE_GETATTR:
		answer(fd, in, 0, &attr, sizeof(attr));
		break;
	case FUSE_OPEN:
		answer(fd, in, 0, &open, sizeof(open));
		break;
	case FUSE_FLUSH:
		atomic_store(&shared->served, 1);
		break;
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in, ENOSYS, "", 0);
	}
}

static void serve_fuse(void *arg)
{
	const struct server *server = arg;
	int fd = server->fd;
	_Alignas(8) char buffer[FUSE_MIN_READ_BUFFER * 2];
	const struct fuse_in_header *in = (const void *)buffer;

	for (;;) {
		if (read(fd, buffer, sizeof(buffer)) < 0) {
			if (errno == EINTR || errno == ENOENT)
				continue;
			_exit(1);
		}
		if (in->opcode == FUSE_INIT)
			answer_init(fd, in);
		else if (server->answers_open)
			answer_opening(fd, in);
		else
			atomic_store(&shared->served, 1);
		while (!server->reads) {
			atomic_store(&shared->served, 1);
			pause();
		}
	}
}

static bool mount_fuse(struct trial *t, struct server *server)
{
	char options[96];
	int fd = server->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return trial_fail(t, "/dev/fuse: %s", strerror(errno));
	snprintf(shared->path, sizeof(shared->path), MOUNT_PREFIX "fuse-%d", getpid());
	if (mkdir(shared->path, 0700) < 0 && errno != EEXIST) {
		close(fd);
		return trial_fail(t, "mkdir %s: %s", shared->path, strerror(errno));
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("frostline", shared->path, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		close(fd);
		return trial_fail(t, "mount of %s: %s", shared->path, strerror(errno));
	}
	t->server = spawn_server(serve_fuse, server);
	/* the server holds the only descriptor: its end aborts the connection and frees the client */
	close(fd);
	return t->server > 0 || trial_fail(t, "fork of the FUSE server: %s", strerror(errno));
}

static void ask(unsigned slot)
{
	char path[300];
	struct stat st;

	snprintf(path, sizeof(path), "%s/unanswered", shared->path);
	atomic_store(&shared->slots[slot].ready, 1);
	stat(path, &st);
	tick(slot);
}

static bool start_unanswered(struct trial *t)
{
	struct server server = { .reads = true };

	return mount_fuse(t, &server) && spawn(t, ask) && wait_served(t, "no FUSE request came");
}

static bool start_unread(struct trial *t)
{
	struct server server = { .reads = false };

	/* before INIT is answered a request waits for that, in D (fuse_get_req) */
	return mount_fuse(t, &server) && wait_served(t, "no FUSE_INIT came") && spawn(t, ask) &&
	       wait_task_state(t, 'S');
}

static void hold_file(unsigned slot)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", shared->path);
	if (open(path, O_RDONLY | O_CLOEXEC) < 0)
		_exit(74);
	atomic_store(&shared->slots[slot].ready, 1);
	for (;;)
		pause();
}

/* The FLUSH of an exit is forced: nothing ends its wait but an answer (fuse_flush, FR_FORCE). */
static bool start_exit_flush(struct trial *t)
{
	struct server server = { .reads = true, .answers_open = true };

	if (!mount_fuse(t, &server) || !spawn(t, hold_file) || !wait_ready(t))
		return false;
	atomic_store(&shared->slots[0].doomed, 1);
	kill(atomic_load(&shared->slots[0].pid), SIGKILL);
	return wait_served(t, "no FUSE_FLUSH came") && wait_task_state(t, 'D');
}

static void release(struct trial *t)
{
	end_server(t);
	umount2(shared->path, MNT_DETACH);
	rmdir(shared->path);
}

const struct workload workload_fuse_unanswered = {
	.name = "fuse-unanswered",
	.summary = "a client in D behind a FUSE request that is read and never answered",
	.needs = needs,
	.start = start_unanswered,
	.release = release,
};

const struct workload workload_fuse_unread = {
	.name = "fuse-unread",
	.summary = "a client behind a FUSE request that nobody reads",
	.needs = needs,
	.start = start_unread,
	.release = release,
};

const struct workload workload_fuse_exit_flush = {
	.name = "fuse-exit-flush",
	.summary = "a killed process in D behind the FUSE_FLUSH of its exit",
	.needs = needs,
	.start = start_exit_flush,
	.release = release,
};
