#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *live_on(void *arg)
{
	tick((unsigned)(uintptr_t)arg);
}

/* exit(2) ends only this thread; pthread_exit would need libgcc_s, which a static program cannot load. */
static void leave(unsigned slot)
{
	pthread_t thread;

	if ((errno = pthread_create(&thread, NULL, live_on, (void *)(uintptr_t)slot)))
		slot_fail(slot, "pthread_create");
	atomic_store(&counters->slots[slot].ready, 1);
	syscall(SYS_exit, 0);
}

static bool start(struct trial *t)
{
	return spawn(t, leave) && wait_task_state(t, 'Z') && wait_moving(t);
}

const struct workload workload_dead_leader = {
	.name = "dead-leader",
	.summary = "a process whose main thread has ended and another lives on",
	.start = start,
};
