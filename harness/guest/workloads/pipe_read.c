#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A sleep that is interruptible but not freezable: the fake signal wakes it, and it freezes on its way out. */

static int writer = -1;

static void read_pipe(unsigned slot)
{
	int fd = open(shared->path, O_RDONLY | O_CLOEXEC);
	char c;

	if (fd < 0)
		slot_fail(slot, "open of the FIFO");
	atomic_store(&counters->slots[slot].ready, 1);
	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	tick(slot);
}

static bool start(struct trial *t)
{
	if (!place_path(shared->path, sizeof(shared->path), "pipe"))
		return trial_fail(t, "folder of the FIFO: %s", strerror(errno));
	unlink(shared->path);
	if (mkfifo(shared->path, 0600) < 0)
		return trial_fail(t, "mkfifo %s: %s", shared->path, strerror(errno));
	/* for reading too: an open only for writing waits for a reader */
	writer = open(shared->path, O_RDWR | O_CLOEXEC);
	if (writer < 0)
		return trial_fail(t, "open %s: %s", shared->path, strerror(errno));
	return spawn(t, read_pipe) && wait_task_state(t, 'S');
}

/* Writes a byte instead of closing the pipe: a reader forked from us also holds the write end. */
static void release(struct trial *t)
{
	(void)t;
	if (writer >= 0) {
		if (write(writer, "", 1) < 0)
			perror(shared->path);
		close(writer);
	}
	writer = -1;
	unlink(shared->path);
}

const struct workload workload_pipe_read = {
	.name = "pipe-read",
	.summary = "a read from an empty pipe",
	.start = start,
	.release = release,
	.meets = true,
};
