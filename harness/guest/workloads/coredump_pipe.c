#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A process of several threads that dumps core into a pipe nobody reads. The dumping thread sleeps in
 * pipe_write, where the freezer's fake signal ends the dump. Its siblings wait for it in their exit, where v1
 * counts them as frozen; under v2 all of them are gone before the group reads frozen.
 */

#define PATTERN "/proc/sys/kernel/core_pattern"
#define HELD ".held"
#define DUMPED (1 << 20) /* more than a pipe holds */
#define SIBLINGS 3

static int keeper = -1;

static const char *needs(void)
{
	static char problem[120];

	if (access(PATTERN, R_OK | W_OK) == 0)
		return NULL;
	snprintf(problem, sizeof(problem), PATTERN ": %s (CONFIG_COREDUMP)", strerror(errno));
	return problem;
}

/* The kernel starts it for the dump: it announces itself by renaming its pipe, and lives until a byte comes. */
void coredump_handler(const char *path)
{
	char held[300], byte;

	snprintf(held, sizeof(held), "%s" HELD, path);
	int fd = rename(path, held) < 0 ? -1 : open(held, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && read(fd, &byte, 1) < 0 && errno == EINTR)
		;
}

static void *doze(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void dump_core(unsigned slot)
{
	char *memory = mmap(NULL, DUMPED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	pthread_t thread;

	if (memory == MAP_FAILED)
		slot_fail(slot, "memory to dump");
	memset(memory, 1, DUMPED);
	for (unsigned i = 0; i < SIBLINGS; i++)
		if ((errno = pthread_create(&thread, NULL, doze, NULL)))
			slot_fail(slot, "pthread_create");
	atomic_store(&counters->slots[slot].ready, 1);
	/* a fault, not raise(2): the init of a pid namespace ignores signals that it sends itself */
	__builtin_trap();
}

static bool is_handled(void *arg)
{
	return access(arg, F_OK) == 0;
}

static bool start(struct trial *t)
{
	char mine[sizeof(shared->exe) + sizeof(shared->path) + 16], held[300];

	if (!place_path(shared->path, sizeof(shared->path), "core"))
		return trial_fail(t, "folder of the FIFO: %s", strerror(errno));
	snprintf(held, sizeof(held), "%s" HELD, shared->path);
	snprintf(mine, sizeof(mine), "|%s coredump %s", shared->exe, shared->path);
	/* CORENAME_MAX_SIZE: the kernel silently cuts a longer one */
	if (strlen(mine) > 127)
		return trial_fail(t, "core_pattern would be longer than 127 characters: %.80s...", mine);
	if (mkfifo(shared->path, 0600) < 0)
		return trial_fail(t, "mkfifo %s: %s", shared->path, strerror(errno));
	keeper = open(shared->path, O_RDWR | O_CLOEXEC);
	if (keeper < 0)
		return trial_fail(t, "open %s: %s", shared->path, strerror(errno));
	if (!setting_change(PATTERN, mine, NULL))
		return trial_fail(t, PATTERN ": %s", strerror(errno));
	if (!spawn(t, dump_core) || !wait_ready(t))
		return false;
	atomic_store(&shared->slots[0].doomed, 1);
	if (!wait_until(is_handled, held, 5000000))
		return trial_fail(t, "coredump-pipe: the kernel started no handler within 5 s");
	return wait_task_state(t, 'S');
}

/* The end of the handler breaks the pipe, and with it the dump. */
static void release(struct trial *t)
{
	char held[300];

	(void)t;
	setting_restore(PATTERN);
	if (keeper >= 0) {
		if (write(keeper, "", 1) < 0)
			perror(shared->path);
		close(keeper);
	}
	keeper = -1;
	snprintf(held, sizeof(held), "%s" HELD, shared->path);
	unlink(held);
	unlink(shared->path);
}

const struct workload workload_coredump_pipe = {
	.name = "coredump-pipe",
	.summary = "a process of 4 threads that dumps core into a pipe nobody reads",
	.needs = needs,
	.start = start,
	.release = release,
	.gap = GAP_BARE,
};
