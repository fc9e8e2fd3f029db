#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/vhost.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The worker of a virtual machine's network card. Before 6.4 it is a kernel thread that vhost moves into its owner's
 * groups (cgroup_attach_task_all): v1 ignores it (PF_NOFREEZE), v2 counts it and cannot freeze it (and 5.10 does not
 * move it there). From 6.4 on it is a thread of the owner (vhost_task), which freezes as others do.
 */

#define DEVICE "/dev/vhost-net"

static const char *needs(void)
{
	static char problem[120];

	module_load("vhost_net");
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC);

	if (fd >= 0) {
		close(fd);
		return NULL;
	}
	snprintf(problem, sizeof(problem), DEVICE ": %s (CONFIG_VHOST_NET, or its module is not loaded)", strerror(errno));
	return problem;
}

/* The worker ends with the descriptor. */
static void own_and_tick(unsigned slot)
{
	int fd = open(shared->path, O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, VHOST_SET_OWNER) < 0)
		slot_fail(slot, "VHOST_SET_OWNER");
	atomic_store(&counters->slots[slot].ready, 1);
	tick(slot);
}

static bool start(struct trial *t)
{
	struct stat st;

	if (stat(DEVICE, &st) < 0)
		return trial_fail(t, "stat of " DEVICE ": %s", strerror(errno));
	if (!node_make(t, &st, DEVICE) || !spawn(t, own_and_tick) || !wait_ready(t))
		return false;
	/* VHOST_SET_OWNER returns when the worker is in its place */
	if (group_count(&t->group) > 1)
		return wait_moving(t);
	t->lacks = true;
	return trial_fail(t, "no worker of vhost in the group: cgroup_attach_task_all of 5.10 leaves v2 out");
}

static void release(struct trial *t)
{
	(void)t;
	node_remove();
}

const struct workload workload_vhost_worker = {
	.name = "vhost-worker",
	.summary = "a process with a worker of vhost: before Linux 6.4 a kernel thread in its group",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
	.gap = GAP_NEVER,
};
