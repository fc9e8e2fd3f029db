#define _GNU_SOURCE
#include "../frostbite.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* In a child, one of vfork too: runs a program that ends at once. */
static void __attribute__((noreturn)) exec_exit(void)
{
	execl(shared->exe, "frostbite", "exit", (char *)NULL);
	_exit(72);
}

static void end_round(pid_t child, unsigned slot)
{
	if (child > 0)
		waitpid(child, NULL, 0);
	bump(slot);
}

/* Endless fork and exit: the freezer has to catch children that are just being made (freezer_fork). */
static void fork_storm(unsigned slot)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		end_round(child, slot);
	}
}

static void *nothing(void *arg)
{
	return arg;
}

static void thread_storm(unsigned slot)
{
	for (;;) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, nothing, NULL) == 0)
			pthread_join(thread, NULL);
		bump(slot);
	}
}

/* From 6.1 on a vfork parent that still runs when FROZEN is written can be missed for good. */
static void vfork_exec_storm(unsigned slot)
{
	for (;;) {
		pid_t child = vfork();

		if (child == 0)
			exec_exit();
		end_round(child, slot);
	}
}

static void fork_exec_storm(unsigned slot)
{
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			exec_exit();
		end_round(child, slot);
	}
}

/* The exec of a single thread has no siblings to wait for: the control of mt-exec-storm. */
static void exec_storm(unsigned slot)
{
	bump(slot);
	re_exec("exec-storm", slot);
}

static bool start_fork(struct trial *t)
{
	return spawn(t, fork_storm) && wait_moving(t);
}

static bool start_thread(struct trial *t)
{
	return spawn(t, thread_storm) && wait_moving(t);
}

static bool start_vfork_exec(struct trial *t)
{
	/* four of them, so that with two processors some are runnable at any instant */
	for (int i = 0; i < 4; i++)
		if (!spawn(t, vfork_exec_storm))
			return false;
	return wait_moving(t);
}

static bool start_fork_exec(struct trial *t)
{
	return spawn(t, fork_exec_storm) && wait_moving(t);
}

static bool start_exec(struct trial *t)
{
	return spawn(t, exec_storm) && wait_moving(t);
}

const struct workload workload_fork_storm = {
	.name = "fork-storm",
	.summary = "endless fork and exit",
	.start = start_fork,
};

const struct workload workload_thread_storm = {
	.name = "thread-storm",
	.summary = "endless pthread_create and join",
	.start = start_thread,
};

const struct workload workload_vfork_exec_storm = {
	.name = "vfork-exec-storm",
	.summary = "four processes in endless vfork, exec and wait",
	.start = start_vfork_exec,
};

const struct workload workload_fork_exec_storm = {
	.name = "fork-exec-storm",
	.summary = "endless fork, exec and wait",
	.start = start_fork_exec,
};

const struct workload workload_exec_storm = {
	.name = "exec-storm",
	.summary = "a process of one thread that re-execs itself for ever",
	.start = start_exec,
	.reentry = exec_storm,
};
