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

/* A bio that blk-throttle holds back: its reader sleeps in io_schedule, uninterruptibly, until it is let go. */

#define LIMIT CONTROLLER_GROUP "/blkio.throttle.read_bps_device"
#define READ_SIZE (64 * 1024)

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

/* 0: no limit */
static bool limit_to(unsigned bytes_per_second)
{
	char text[64];
	struct stat st;

	if (fstat(loop, &st) < 0)
		return false;
	snprintf(text, sizeof(text), "%u:%u %u", major(st.st_rdev), minor(st.st_rdev), bytes_per_second);
	return controller_write("blkio", LIMIT, text);
}

static void read_disk(unsigned slot)
{
	void *buffer;

	if (!controller_write("blkio", CONTROLLER_GROUP "/cgroup.procs", "0")) {
		atomic_store(&shared->slots[slot].error, errno);
		_exit(71);
	}
	int fd = open(device, O_RDONLY | O_DIRECT | O_CLOEXEC);

	if (fd < 0 || posix_memalign(&buffer, 4096, READ_SIZE))
		_exit(75);
	atomic_store(&shared->slots[slot].ready, 1);
	if (read(fd, buffer, READ_SIZE) < 0)
		_exit(76);
	tick(slot);
}

static bool start_with(struct trial *t, unsigned bytes_per_second)
{
	if (!limit_to(bytes_per_second))
		return trial_fail(t, "blkio.throttle.read_bps_device of %s: %s", device, strerror(errno));
	return spawn(t, read_disk) && wait_task_state(t, 'D');
}

static bool start(struct trial *t)
{
	return start_with(t, 1);
}

static bool start_timed(struct trial *t)
{
	return start_with(t, READ_SIZE / 2);
}

static void release(struct trial *t)
{
	(void)t;
	limit_to(0);
}

const struct workload workload_blkio_throttle = {
	.name = "blkio-throttle",
	.summary = "a reader in D behind a throttled disk",
	.needs = needs,
	.start = start,
	.release = release,
};

const struct workload workload_blkio_throttle_timed = {
	.name = "blkio-throttle-timed",
	.summary = "a reader in D behind a throttled disk for two seconds",
	.needs = needs,
	.start = start_timed,
	.release = release,
};
