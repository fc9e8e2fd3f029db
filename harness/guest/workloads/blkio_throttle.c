#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* A bio that blk-throttle holds back: its reader sleeps uninterruptibly in io_schedule until it is released. */

#define LIMIT CONTROLLER_GROUP "/blkio.throttle.read_bps_device"

static char device[32];
static int loop = -1;

static int make_disk(void)
{
	char path[64] = MOUNT_PREFIX "disk-XXXXXX";
	int image = mkostemp(path, O_CLOEXEC);

	if (image < 0)
		return -1;
	unlink(path);
	int fd = ftruncate(image, 1 << 20) < 0 ? -1 : loop_attach(image, device, sizeof(device));
	int error = errno;

	close(image);
	errno = error;
	return fd;
}

static const char *needs(void)
{
	static char problem[120];
	const char *lacking = controller_mount("blkio", LIMIT);

	if (lacking)
		return lacking;
	if (loop < 0)
		loop = make_disk();
	if (loop >= 0)
		return NULL;
	snprintf(problem, sizeof(problem), "loop device (CONFIG_BLK_DEV_LOOP, or its module is not loaded): %s",
		 strerror(errno));
	return problem;
}

static bool limit_to(unsigned bytes_per_second)
{
	char text[64], none[64];
	struct stat st;

	if (fstat(loop, &st) < 0)
		return false;
	snprintf(text, sizeof(text), "%u:%u %u", major(st.st_rdev), minor(st.st_rdev), bytes_per_second);
	snprintf(none, sizeof(none), "%u:%u 0", major(st.st_rdev), minor(st.st_rdev));
	return controller_change("blkio", LIMIT, &(struct limit){ text, none });
}

static bool start_with(struct trial *t, unsigned bytes_per_second)
{
	struct stat st;

	if (!limit_to(bytes_per_second))
		return trial_fail(t, "blkio.throttle.read_bps_device of %s: %s", device, strerror(errno));
	if (fstat(loop, &st) < 0)
		return trial_fail(t, "stat of %s: %s", device, strerror(errno));
	return node_make(t, &st, device) && spawn(t, node_read) && controller_enter(t, "blkio") &&
	       wait_task_state(t, 'D');
}

static bool start(struct trial *t)
{
	return start_with(t, 1);
}

static bool start_timed(struct trial *t)
{
	return start_with(t, NODE_READ_SIZE / 2);
}

static void release(struct trial *t)
{
	(void)t;
	controller_restore("blkio", LIMIT);
	node_remove();
}

const struct workload workload_blkio_throttle = {
	.name = "blkio-throttle",
	.summary = "a reader in D behind a throttled disk",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
	.gap = GAP_BARE,
};

const struct workload workload_blkio_throttle_timed = {
	.name = "blkio-throttle-timed",
	.summary = "a reader in D behind a throttled disk for two seconds",
	.needs = needs,
	.start = start_timed,
	.release = release,
	.meets = true,
	.gap = GAP_BARE,
};
