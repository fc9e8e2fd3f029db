#define _GNU_SOURCE
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/*
 * A FUSE server that never answers. The client's wait is interruptible at first. The freezer's fake signal
 * makes it send FUSE_INTERRUPT, if the request was read, and then wait uninterruptibly; for a request that
 * was not read yet it waits killably (fs/fuse/dev.c, request_wait_answer; 3.10 withdraws such a request).
 */

static bool start_unanswered(struct trial *t)
{
	struct fuse_server server = { .reads = true };

	return fuse_mount(t, &server) && spawn(t, ask_server) && wait_served(t, "no FUSE request came");
}

static bool start_unread(struct trial *t)
{
	struct fuse_server server = { .reads = false };

	/* until INIT is answered, a request waits for that in D (fuse_get_req) */
	return fuse_mount(t, &server) && wait_served(t, "no FUSE_INIT came") && spawn(t, ask_server) &&
	       wait_task_state(t, 'S');
}

static int open_file(unsigned slot)
{
	char path[300];

	snprintf(path, sizeof(path), "%s/file", shared->path);
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		slot_fail(slot, "open below the FUSE mount");
	atomic_store(&counters->slots[slot].ready, 1);
	return fd;
}

static void close_file(unsigned slot)
{
	close(open_file(slot));
	tick(slot);
}

static void hold_file(unsigned slot)
{
	open_file(slot);
	for (;;)
		pause();
}

static bool start_flush(struct trial *t)
{
	struct fuse_server server = { .reads = true, .opens = true, .silent = FUSE_FLUSH };

	return fuse_mount(t, &server) && spawn(t, close_file) && wait_served(t, "no FUSE_FLUSH came");
}

/* The FLUSH of an exit is forced: only an answer ends its wait (fuse_flush, FR_FORCE). */
static bool start_exit_flush(struct trial *t)
{
	struct fuse_server server = { .reads = true, .opens = true, .silent = FUSE_FLUSH };

	if (!fuse_mount(t, &server) || !spawn(t, hold_file) || !wait_ready(t))
		return false;
	atomic_store(&shared->slots[0].doomed, 1);
	if (!signal_process(atomic_load(&shared->slots[0].pid), SIGKILL))
		return trial_fail(t, "SIGKILL of the client: %s", strerror(errno));
	return wait_served(t, "no FUSE_FLUSH came") && wait_task_state(t, 'D');
}

const struct workload workload_fuse_unanswered = {
	.name = "fuse-unanswered",
	.summary = "a client in D behind a FUSE request that is read and never answered",
	.needs = fuse_needs,
	.start = start_unanswered,
	.release = fuse_release,
	.meets = true,
	.gap = GAP_BARE,
};

const struct workload workload_fuse_unread = {
	.name = "fuse-unread",
	.summary = "a client behind a FUSE request that nobody reads",
	.needs = fuse_needs,
	.start = start_unread,
	.release = fuse_release,
	.meets = true,
};

const struct workload workload_fuse_flush = {
	.name = "fuse-flush",
	.summary = "a client in D behind the unanswered FUSE_FLUSH of its close",
	.needs = fuse_needs,
	.start = start_flush,
	.release = fuse_release,
	.meets = true,
	.gap = GAP_BARE,
};

const struct workload workload_fuse_exit_flush = {
	.name = "fuse-exit-flush",
	.summary = "a killed process in D behind the FUSE_FLUSH of its exit",
	.needs = fuse_needs,
	.start = start_exit_flush,
	.release = fuse_release,
	.meets = true,
	.gap = GAP_NEVER,
};
