#define _GNU_SOURCE
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static char mount_point[64];

const char *fuse_needs(void)
{
	static char problem[120];

	module_load("fuse");
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

/* Answers in the size that the kernel's minor version expects (FUSE_COMPAT_22_INIT_OUT_SIZE). */
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
		.size = node == FILE_NODE ? FUSE_FILE_SIZE : 0,
	};
}

static void answer_opening(int fd, const struct fuse_in_header *in, uint32_t silent)
{
	const struct fuse_entry_out entry = {
		.nodeid = FILE_NODE, .entry_valid = 3600, .attr_valid = 3600, .attr = attributes(FILE_NODE),
	};
	const struct fuse_attr_out attr = { .attr_valid = 3600, .attr = attributes(in->nodeid) };
	const struct fuse_open_out open = { .fh = 1 };

	if (in->opcode == silent) {
		atomic_store(&counters->served, 1);
		return;
	}
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
	case FUSE_FORGET:
	case FUSE_INTERRUPT:
		break;
	default:
		answer(fd, in, ENOSYS, "", 0);
	}
}

static void serve_fuse(void *arg)
{
	const struct fuse_server *server = arg;
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
		else if (server->opens)
			answer_opening(fd, in, server->silent);
		else
			atomic_store(&counters->served, 1);
		while (!server->reads) {
			atomic_store(&counters->served, 1);
			pause();
		}
	}
}

bool fuse_mount(struct trial *t, struct fuse_server *server)
{
	char options[96];
	int fd = server->fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return trial_fail(t, "/dev/fuse: %s", strerror(errno));
	bool has_place = place_path(mount_point, sizeof(mount_point), "fuse");

	strcpy(shared->path, mount_point);
	if (!has_place || (mkdir(mount_point, 0700) < 0 && errno != EEXIST)) {
		close(fd);
		return trial_fail(t, "mkdir %s: %s", mount_point, strerror(errno));
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("frostline", mount_point, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		close(fd);
		return trial_fail(t, "mount of %s: %s", mount_point, strerror(errno));
	}
	t->server = spawn_server(serve_fuse, server);
	/* the server now holds the only descriptor: its end aborts the connection and frees the client */
	close(fd);
	return t->server > 0 || trial_fail(t, "fork of the FUSE server: %s", strerror(errno));
}

void fuse_release(struct trial *t)
{
	end_server(t);
	umount2(mount_point, MNT_DETACH);
	rmdir(mount_point);
}
