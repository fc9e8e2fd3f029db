#define _GNU_SOURCE
#include "../frostbite.h"

#include <dirent.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * An io_uring worker in the group. From 5.12 on, and in 5.10 from 5.10.162, it is a thread of the process,
 * PF_IO_WORKER, which freezes as others do, by a signal; before, it was a kernel thread outside. The operation
 * is a splice from an empty pipe: it sleeps in the worker, whereas a read from the pipe would wait by poll and
 * leave the worker idle.
 */

#define ENTRIES 4
#define ELSEWHERE 255 /* the probe's exit code: no worker among the threads of the process */

static int submit(int ring, const struct io_uring_params *params, const struct io_uring_sqe *entry)
{
	char *queue = mmap(NULL, params->sq_off.array + params->sq_entries * sizeof(uint32_t), PROT_READ | PROT_WRITE,
			   MAP_SHARED, ring, IORING_OFF_SQ_RING);
	struct io_uring_sqe *entries = mmap(NULL, params->sq_entries * sizeof(*entries), PROT_READ | PROT_WRITE,
					    MAP_SHARED, ring, IORING_OFF_SQES);

	if (queue == MAP_FAILED || (void *)entries == MAP_FAILED)
		return errno;
	*entries = *entry;
	*(uint32_t *)(queue + params->sq_off.array) = 0;
	atomic_store((_Atomic uint32_t *)(queue + params->sq_off.tail), 1);
	return syscall(SYS_io_uring_enter, ring, 1, 0, 0, NULL, 0) == 1 ? 0 : errno;
}

/* 0, or an errno. The ring stays open, so that nothing ends the operation. */
static int splice_from_empty(void)
{
	struct io_uring_params params = { 0 };
	int from[2], to[2], ring = (int)syscall(SYS_io_uring_setup, ENTRIES, &params);

	if (ring < 0 || pipe(from) < 0 || pipe(to) < 0)
		return errno;
	const struct io_uring_sqe entry = {
		.opcode = IORING_OP_SPLICE, .flags = IOSQE_ASYNC, .len = 1,
		.splice_fd_in = from[0], .splice_off_in = UINT64_MAX, .fd = to[1], .off = UINT64_MAX,
	};

	return submit(ring, &params, &entry);
}

static bool has_worker(void *arg)
{
	DIR *threads = opendir("/proc/self/task");
	unsigned n = 0;

	(void)arg;
	while (threads && readdir(threads))
		n++;
	if (threads)
		closedir(threads);
	/* ".", "..", this thread */
	return n > 3;
}

static const char *needs(void)
{
	static char problem[120];
	int status;
	pid_t probe = fork();

	if (probe == 0) {
		int error = splice_from_empty();

		_exit(error ? error : wait_until(has_worker, NULL, 1000000) ? 0 : ELSEWHERE);
	}
	if (probe < 0 || waitpid(probe, &status, 0) < 0 || !WIFEXITED(status))
		return "io_uring: its probe did not end well";
	if (WEXITSTATUS(status) == 0)
		return NULL;
	if (WEXITSTATUS(status) == ELSEWHERE)
		return "io_uring: no worker among the threads of the process; before Linux 5.12 (5.10.162) they are kernel threads outside the group";
	snprintf(problem, sizeof(problem), "io_uring: %s (CONFIG_IO_URING, or kernel.io_uring_disabled)",
		 strerror(WEXITSTATUS(status)));
	return problem;
}

static void splice_and_tick(unsigned slot)
{
	int error = splice_from_empty();

	if (!error && !wait_until(has_worker, NULL, 5000000))
		error = ETIMEDOUT;
	errno = error;
	if (error)
		slot_fail(slot, "its io_uring");
	atomic_store(&counters->slots[slot].ready, 1);
	tick(slot);
}

static bool start(struct trial *t)
{
	return spawn(t, splice_and_tick) && wait_ready(t) && wait_moving(t);
}

const struct workload workload_io_uring = {
	.name = "io-uring",
	.summary = "a process with a worker of io_uring that waits at an empty pipe",
	.needs = needs,
	.start = start,
};
