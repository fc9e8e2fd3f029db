#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A FUSE server that reads a request and never answers it. The client's wait is interruptible at first;
 * the freezer's fake signal makes it send FUSE_INTERRUPT and then wait uninterruptibly
 * (fs/fuse/dev.c, request_wait_answer). The request has to be read: 3.10 withdraws one that was not.
 */

static char mount_point[64];

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

/* Answers FUSE_INIT in the size the kernel's minor version expects (FUSE_COMPAT_22_INIT_OUT_SIZE). */
static void answer_init(int fd, const struct fuse_in_header *in)
{
	const struct fuse_init_in *init = (const void *)(in + 1);
	struct {
		struct fuse_out_header header;
		struct fuse_init_out init;
	} out = { 0 };
	size_t size = init->minor < 23 ? FUSE_COMPAT_22_INIT_OUT_SIZE : sizeof(out.init);

	out.header.len = (uint32_t)(sizeof(out.header) + size);
	out.header.unique = in->unique;
	out.init.major = FUSE_KERNEL_VERSION;
	out.init.minor = init->minor < FUSE_KERNEL_MINOR_VERSION ? init->minor : FUSE_KERNEL_MINOR_VERSION;
	out.init.max_readahead = init->max_readahead;
	out.init.max_write = 4096;
	if (write(fd, &out, out.header.len) < 0)
		_exit(1);
}

static void swallow(void *arg)
{
	int fd = *(int *)arg;
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
		else
			atomic_store(&shared->served, 1);
	}
}

static void ask(unsigned slot)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/unanswered", mount_point);
	stat(path, &st);
	tick(slot);
}

static bool is_served(void *arg)
{
	(void)arg;
	return atomic_load(&shared->served);
}

static bool start(struct trial *t)
{
	char options[96];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return trial_fail(t, "/dev/fuse: %s", strerror(errno));
	snprintf(mount_point, sizeof(mount_point), MOUNT_PREFIX "fuse-%d", getpid());
	if (mkdir(mount_point, 0700) < 0 && errno != EEXIST) {
		close(fd);
		return trial_fail(t, "mkdir %s: %s", mount_point, strerror(errno));
	}
	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (mount("frostline", mount_point, "fuse", MS_NOSUID | MS_NODEV, options) < 0) {
		close(fd);
		return trial_fail(t, "mount of %s: %s", mount_point, strerror(errno));
	}
	t->server = spawn_server(swallow, &fd);
	/* the server holds the only descriptor: its end aborts the connection and frees the client */
	close(fd);
	if (t->server < 0)
		return trial_fail(t, "fork of the FUSE server: %s", strerror(errno));
	return spawn(t, ask) && (wait_until(is_served, NULL, 5000000) || trial_fail(t, "no FUSE request came"));
}

static void release(struct trial *t)
{
	end_server(t);
	umount2(mount_point, MNT_DETACH);
	rmdir(mount_point);
}

const struct workload workload_fuse_unanswered = {
	.name = "fuse-unanswered",
	.summary = "a client in D behind a FUSE request that is read and never answered",
	.needs = needs,
	.start = start,
	.release = release,
};
