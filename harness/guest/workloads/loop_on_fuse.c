#define _GNU_SOURCE
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A disk whose backing file's FUSE server is silent. The request waits in a worker of the loop device, outside
 * the group; the reader sleeps uninterruptibly for its bio, like a reader of a dead disk.
 */

static char device[32];
static int loop = -1;

static const char *needs(void)
{
	static char problem[120];
	const char *lacking = fuse_needs();

	if (!lacking)
		module_load("loop");
	if (lacking || access("/dev/loop-control", R_OK | W_OK) == 0)
		return lacking;
	snprintf(problem, sizeof(problem), "/dev/loop-control: %s (CONFIG_BLK_DEV_LOOP, or its module is not loaded)",
		 strerror(errno));
	return problem;
}

static bool attach(struct trial *t)
{
	char path[300];
	int image;

	snprintf(path, sizeof(path), "%s/disk", shared->path);
	image = open(path, O_RDWR | O_CLOEXEC);
	loop = image < 0 ? -1 : loop_attach(image, device, sizeof(device));
	if (loop < 0)
		trial_fail(t, "loop device on %s: %s", path, strerror(errno));
	if (image >= 0)
		close(image);
	return loop >= 0;
}

static bool start(struct trial *t)
{
	struct fuse_server server = { .reads = true, .opens = true, .silent = FUSE_READ };
	struct stat st;

	if (!fuse_mount(t, &server) || !attach(t))
		return false;
	if (fstat(loop, &st) < 0)
		return trial_fail(t, "stat of %s: %s", device, strerror(errno));
	atomic_store(&counters->served, 1);
	return node_make(t, &st, device) && spawn(t, node_read) && wait_task_state(t, 'D');
}

/* Ends the server first: the device cannot be released until its requests have failed. */
static void release(struct trial *t)
{
	fuse_release(t);
	if (loop >= 0)
		close(loop);
	loop = -1;
	node_remove();
}

const struct workload workload_loop_on_fuse = {
	.name = "loop-on-fuse",
	.summary = "a reader in D behind a loop device on a FUSE file that is never read",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
};
