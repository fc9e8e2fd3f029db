#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* An interruptible sleep that is no freezable one: the fake signal wakes it, and it freezes on its way out. */

static int fds[2];

static void read_pipe(unsigned slot)
{
	char c;

	close(fds[1]);
	atomic_store(&shared->slots[slot].ready, 1);
	while (read(fds[0], &c, 1) < 0 && errno == EINTR)
		;
	tick(slot);
}

static bool start(struct trial *t)
{
	fds[0] = fds[1] = -1;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return trial_fail(t, "pipe: %s", strerror(errno));
	return spawn(t, read_pipe) && wait_task_state(t, 'S');
}

/* The end of the pipe ends the read. */
static void release(struct trial *t)
{
	(void)t;
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (fds[i] >= 0)
			close(fds[i]);
		fds[i] = -1;
	}
}

const struct workload workload_pipe_read = {
	.name = "pipe-read",
	.summary = "a read from an empty pipe",
	.start = start,
	.release = release,
};
