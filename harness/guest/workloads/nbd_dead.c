#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nbd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A network block device whose server is silent: a direct read sleeps uninterruptibly for its bio. Without
 * a timeout of its own the driver goes on waiting (nbd_xmit_timeout).
 */

#define DEVICE "/dev/nbd0"
#define SYSFS "/sys/block/nbd0/"

static const char *needs(void)
{
	static char problem[120];

	module_load("nbd");
	if (access(SYSFS "pid", F_OK) == 0)
		return DEVICE " is in use";
	if (access(DEVICE, R_OK | W_OK) == 0)
		return NULL;
	snprintf(problem, sizeof(problem), DEVICE ": %s (CONFIG_BLK_DEV_NBD, or its module is not loaded)",
		 strerror(errno));
	return problem;
}

static void give_up(void)
{
	slot_fail(0, "NBD");
}

/* Holds both ends of the socket, so that its exit, for whatever reason, disconnects the device and fails the read. */
static void serve_nbd(void *arg)
{
	int ends[2], device = open(DEVICE, O_RDWR | O_CLOEXEC);

	(void)arg;
	if (device < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		give_up();
	if (ioctl(device, NBD_SET_BLKSIZE, 4096UL) < 0 || ioctl(device, NBD_SET_SIZE_BLOCKS, NODE_READ_SIZE / 4096UL) < 0 ||
	    ioctl(device, NBD_SET_SOCK, ends[0]) < 0)
		give_up();
	ioctl(device, NBD_DO_IT);
	give_up();
}

/* The attribute and the size appear during NBD_DO_IT, when reads are accepted. */
static bool is_connected(void *arg)
{
	FILE *f = access(SYSFS "pid", F_OK) == 0 ? fopen(SYSFS "size", "re") : NULL;
	unsigned long sectors = 0;

	(void)arg;
	if (f && fscanf(f, "%lu", &sectors) != 1)
		sectors = 0;
	if (f)
		fclose(f);
	return sectors > 0 || atomic_load(&counters->slots[0].error);
}

static bool start(struct trial *t)
{
	struct stat st;

	if (stat(DEVICE, &st) < 0)
		return trial_fail(t, "stat of " DEVICE ": %s", strerror(errno));
	t->server = spawn_server(serve_nbd, NULL);
	if (t->server < 0)
		return trial_fail(t, "fork of the NBD server: %s", strerror(errno));
	if (!wait_until(is_connected, NULL, 5000000) || atomic_load(&counters->slots[0].error))
		return trial_fail(t, DEVICE " was not connected: %s", strerror(atomic_load(&counters->slots[0].error)));
	atomic_store(&counters->served, 1);
	return node_make(t, &st, DEVICE) && spawn(t, node_read) && wait_task_state(t, 'D');
}

static void release(struct trial *t)
{
	end_server(t);
	node_remove();
}

const struct workload workload_nbd_dead = {
	.name = "nbd-dead",
	.summary = "a reader in D behind a network block device whose server is silent",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
};
