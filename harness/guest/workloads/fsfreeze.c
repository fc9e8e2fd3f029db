#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

/* A writer behind FIFREEZE sleeps uninterruptibly in sb_start_write, from the start. */

static char mount_point[64], shown[64], problem[160];
static int root = -1; /* the mounted root; -1: not mounted */
static int guard = -1;
static pid_t guardian;

static const char *image_path(void)
{
	const char *path = getenv("FROSTLINE_EXT4_IMAGE");

	return path ? path : "/usr/share/frostline/ext4.img";
}

static const char *fail(const char *what)
{
	snprintf(problem, sizeof(problem), "%s: %s", what, strerror(errno));
	return problem;
}

/* Copies the image, so that the original stays unchanged. */
static int copy_image(void)
{
	char path[64] = "/tmp/frostline-ext4-XXXXXX";
	int from = open(image_path(), O_RDONLY | O_CLOEXEC);
	int to = from < 0 ? -1 : mkostemp(path, O_CLOEXEC);

	if (to >= 0)
		unlink(path);
	while (to >= 0) {
		ssize_t n = sendfile(to, from, NULL, 1 << 20);

		if (n == 0)
			break;
		if (n < 0) {
			close(to);
			to = -1;
		}
	}
	if (from >= 0)
		close(from);
	return to;
}

/* Thaws when this program is gone, however it ended: its end of the pipe then closes. */
static void stand_guard(void *arg)
{
	int *fds = arg;
	char c;

	close(fds[1]);
	while (read(fds[0], &c, 1) < 0 && errno == EINTR)
		;
	ioctl(root, FITHAW, 0);
	umount2(mount_point, MNT_DETACH);
	rmdir(mount_point);
	_exit(0);
}

static const char *start_guard(void)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return fail("pipe of the guard");
	pid_t pid = fork();

	if (pid < 0) {
		const char *why = fail("fork of the guard");

		close(fds[0]);
		close(fds[1]);
		return why;
	}
	if (pid == 0) {
		/* not the protocol's streams: their reader waits for the last holder */
		for (int fd = 0; fd < 3; fd++)
			close(fd);
		setsid();
		stand_guard(fds);
	}
	close(fds[0]);
	guard = fds[1];
	guardian = pid;
	return NULL;
}

static const char *mount_image(const char *device)
{
	if (!place_path(mount_point, sizeof(mount_point), "ext4") || (mkdir(mount_point, 0700) < 0 && errno != EEXIST))
		return fail("folder to mount ext4 at");
	if (mount(device, mount_point, "ext4", 0, NULL) < 0)
		return fail("mount of ext4 (CONFIG_EXT4_FS, or its module is not loaded)");
	root = open(mount_point, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return NULL;
}

static void unmount_image(void)
{
	if (root >= 0)
		close(root);
	root = -1;
	umount2(mount_point, MNT_DETACH);
	rmdir(mount_point);
}

/* Mounts once per program run: a trial only freezes and thaws. */
static const char *needs(void)
{
	char device[32];

	if (root >= 0)
		return NULL;
	if (access(image_path(), R_OK) < 0) {
		snprintf(problem, sizeof(problem), "no ext4 image at %.80s: %s", image_path(), strerror(errno));
		return problem;
	}
	int image = copy_image();

	if (image < 0)
		return fail("copy of the ext4 image");
	module_load("ext4");
	int loop = loop_attach(image, device, sizeof(device));

	close(image);
	if (loop < 0)
		return fail("loop device (CONFIG_BLK_DEV_LOOP, or its module is not loaded)");
	const char *why = mount_image(device);

	close(loop);
	if (!why && root < 0)
		why = fail(mount_point);
	if (!why)
		why = start_guard();
	/* never freeze what no guard would thaw */
	if (why)
		unmount_image();
	return why;
}

/* A writer stuck in D must not hold open the pipe whose closing releases it. */
void fsfreeze_close_guard(void)
{
	if (guard >= 0)
		close(guard);
}

void fsfreeze_end(void)
{
	if (guard < 0)
		return;
	close(guard);
	guard = -1;
	waitpid(guardian, NULL, 0);
}

static void write_file(unsigned slot)
{
	char path[300];

	struct statfs fs;

	snprintf(path, sizeof(path), "%s/file", shared->path);
	/* without the mount, a folder of that name takes any write */
	if (statfs(shared->path, &fs) < 0 || fs.f_type != EXT4_SUPER_MAGIC)
		slot_fail(slot, "the frozen ext4 in its container");
	atomic_store(&counters->slots[slot].ready, 1);

	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0)
		slot_fail(slot, "open on the frozen ext4");
	close(fd);
	tick(slot);
}

/*
 * Makes the mount visible in the container. It is mounted once more when the container exists, since crun leaves out
 * mounts below the folders of a container with a user namespace; later mounts propagate.
 */
static bool show(struct trial *t)
{
	snprintf(shared->path, sizeof(shared->path), "%s", mount_point);
	if (!t->request->runtime)
		return true;
	if (!place_path(shown, sizeof(shown), "shown") || (mkdir(shown, 0700) < 0 && errno != EEXIST) || mount(mount_point, shown, NULL, MS_BIND, NULL) < 0)
		return trial_fail(t, "bind mount at %s: %s", shown, strerror(errno));
	strcpy(shared->path, shown);
	return true;
}

static void hide(void)
{
	if (!shown[0])
		return;
	umount2(shown, MNT_DETACH);
	rmdir(shown);
	shown[0] = '\0';
}

static bool start(struct trial *t)
{
	if (!show(t))
		return false;
	if (ioctl(root, FIFREEZE, 0) < 0) {
		/* 3.10's ext4 without a journal cannot be frozen (ext4_nojournal_sops) */
		t->lacks = errno == EOPNOTSUPP;
		return trial_fail(t, "FIFREEZE of ext4: %s", strerror(errno));
	}
	return spawn(t, write_file) && wait_task_state(t, 'D');
}

static void release(struct trial *t)
{
	(void)t;
	ioctl(root, FITHAW, 0);
	hide();
}

const struct workload workload_fsfreeze_write = {
	.name = "fsfreeze-write",
	.summary = "a writer in D behind a frozen ext4 (FIFREEZE)",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
};
