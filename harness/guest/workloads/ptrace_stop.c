#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* PTRACE_SEIZE (3.4) without EXITKILL: the tracee runs on when its tracer is gone. */
static void trace(void *arg)
{
	pid_t pid = *(pid_t *)arg;

	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0 || ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0)
		slot_fail(0, "its tracer");
	if (waitpid(pid, NULL, __WALL) < 0)
		slot_fail(0, "its tracer's wait");
	atomic_store(&counters->slots[0].ready, 1);
	for (;;)
		pause();
}

static bool start(struct trial *t)
{
	if (!spawn(t, tick) || !wait_moving(t))
		return false;
	pid_t pid = atomic_load(&shared->slots[0].pid);

	if (pid <= 0)
		return trial_fail(t, "ptrace-stop: its process is not there yet");
	t->server = spawn_server(trace, &pid);
	if (t->server < 0)
		return trial_fail(t, "fork of the tracer: %s", strerror(errno));
	return wait_task_state(t, 't');
}

const struct workload workload_ptrace_stop = {
	.name = "ptrace-stop",
	.summary = "a process held in a ptrace stop by a tracer outside the group",
	.start = start,
	.release = end_server,
	.gap = GAP_BARE,
};
