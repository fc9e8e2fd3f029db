#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

/*
 * de_thread() in the exec of a multi-threaded process waits, unfreezable, for its siblings. They have a
 * SIGKILL pending but enter the v1 refrigerator before they see it: FREEZING until a thaw. `runc init` is
 * such a process: Go's threads, then the exec of the payload.
 */

static void *doze(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void make_threads(unsigned slot, unsigned count)
{
	pthread_attr_t small;
	pthread_t thread;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	while (count--) {
		errno = pthread_create(&thread, &small, doze, NULL);
		if (errno)
			slot_fail(slot, "pthread_create");
	}
}

/* Makes the threads, the leader being one of them, and execs itself. */
static void storm(unsigned slot)
{
	bump(slot);
	make_threads(slot, shared->parameters.threads - 1);
	re_exec("mt-exec-storm", slot);
}

static bool start_storm(struct trial *t)
{
	return spawn_loops(t, storm);
}

/*
 * Freeze and exec each come at a random moment within this time, which also covers the exec of a
 * container's start. The exec takes some milliseconds (de_thread, then a new image), so they meet in some
 * trials of a hundred, whichever comes first. A freeze at the very start of that time would always win.
 */
#define ONCE_US 60000

static void exec_once(unsigned slot)
{
	/* not the random numbers that the freeze's own delay is made from */
	uint32_t seed = atomic_load(&shared->seed) * 2654435761u + 1;
	int64_t delay = random_below(&seed, ONCE_US);

	make_threads(slot, shared->parameters.threads - 1);
	atomic_store(&counters->slots[slot].ready, 1);
	while (!atomic_load(&shared->go))
		sleep_us(50);
	sleep_us(delay);
	re_exec("mt-exec-once", slot);
}

static bool start_once(struct trial *t)
{
	return spawn(t, exec_once) && wait_ready(t);
}

static const struct parameter storm_parameters[] = {
	PARAMETER_LOOPS(1), PARAMETER_THREADS(8), { 0 }
};
static const struct parameter once_parameters[] = { PARAMETER_THREADS(6), { 0 } };

const struct workload workload_mt_exec_storm = {
	.name = "mt-exec-storm",
	.parameters = storm_parameters,
	.summary = "a process of 8 threads that re-execs itself for ever",
	.start = start_storm,
	.reentry = storm,
};

const struct workload workload_mt_exec_once = {
	.name = "mt-exec-once",
	.parameters = once_parameters,
	.summary = "threads and one exec at a random moment, as runc init does",
	.start = start_once,
	.reentry = tick,
	.within_us = ONCE_US,
};
