#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/*
 * `runc exec` while the container is frozen: the reproducer from runc's own history (fuf.sh of its pull
 * request 2785). `runc init` enters the group, multi-threaded, and execs there.
 */

static void exec_into(void *arg)
{
	struct trial *t = arg;
	const char *const argv[] = {
		runtime_names[t->request->runtime], "exec", t->id, shared->exe, "exit", NULL,
	};
	const struct program program = { .argv = argv, .layout = t->request->layout, .deadline_us = 60000000 };

	for (;;) {
		/* refused while the container is paused */
		if (program_run(&program) == 0)
			atomic_store(&counters->served, 1);
		else
			sleep_us(5000);
	}
}

static bool start(struct trial *t)
{
	if (!spawn(t, tick) || !wait_moving(t))
		return false;
	t->server = spawn_server(exec_into, t);
	if (t->server < 0)
		return trial_fail(t, "fork of the one that execs: %s", strerror(errno));
	return wait_served(t, "no process was executed in the container");
}

const struct workload workload_exec_into = {
	.name = "exec-into",
	.summary = "a sleeper, while others are executed in its container without end",
	.boxed_only = "exec-into needs a container: runtime runc, crun or podman",
	.start = start,
	.release = end_server,
	.gap = GAP_NEVER,
};
