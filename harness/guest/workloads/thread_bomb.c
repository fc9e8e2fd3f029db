#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

/*
 * Chains of threads: each makes its successor and ends, and the successor joins it. At any instant some are
 * being made and some are ending, in clone, exit and the futex of the join. CRIU has a test of that name
 * with 1024 chains; 64 are at most 128 threads, which an emulated guest with two CPUs still moves.
 */

#define CHAINS 64

static unsigned bomb_slot;
static pthread_attr_t small;

static void *link_of_chain(void *predecessor)
{
	pthread_t next;

	if (predecessor)
		pthread_join((pthread_t)predecessor, NULL);
	bump(bomb_slot);
	/* EAGAIN: at a limit on threads or memory the chain waits for the others */
	while (pthread_create(&next, &small, link_of_chain, (void *)pthread_self()))
		sleep_us(1000);
	return NULL;
}

static void bomb(unsigned slot)
{
	pthread_t first;

	bomb_slot = slot;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 * 1024);
	for (unsigned i = 0; i < CHAINS; i++) {
		errno = pthread_create(&first, &small, link_of_chain, NULL);
		if (errno)
			slot_fail(slot, "pthread_create");
	}
	for (;;)
		pause();
}

static bool start(struct trial *t)
{
	return spawn(t, bomb) && wait_moving(t);
}

const struct workload workload_thread_bomb = {
	.name = "thread-bomb",
	.summary = "64 chains of threads, each making its successor and joined by it",
	.start = start,
};
