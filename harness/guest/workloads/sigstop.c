#define _GNU_SOURCE
#include "../frostbite.h"

#include <signal.h>

static void stop_self(unsigned slot)
{
	atomic_store(&counters->slots[slot].ready, 1);
	raise(SIGSTOP);
	tick(slot);
}

static bool start(struct trial *t)
{
	return spawn(t, stop_self) && wait_task_state(t, 'T');
}

static void release(struct trial *t)
{
	for (unsigned i = 0; i < t->nslots; i++)
		signal_process(atomic_load(&shared->slots[i].pid), SIGCONT);
}

const struct workload workload_sigstop = {
	.name = "sigstop",
	.summary = "a process stopped by SIGSTOP",
	.start = start,
	.release = release,
};
