#define _GNU_SOURCE
#include "../frostbite.h"

#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The parent is D in wait_for_vfork_done, which both freezers count as frozen. */
static void parent(unsigned slot)
{
	pid_t child = vfork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		atomic_store(&counters->slots[slot].ready, 1);
		for (;;)
			pause();
	}
	if (child < 0)
		slot_fail(slot, "vfork");
	tick(slot);
}

static bool start(struct trial *t)
{
	return spawn(t, parent) && wait_task_state(t, 'D');
}

const struct workload workload_vfork_parent = {
	.name = "vfork-parent",
	.summary = "a vfork parent in D, waiting for a child that sleeps",
	.start = start,
	.release = kill_children,
};
