#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

/* What the children execute; -1: frostbite itself. */
static int program = -1;

static void find_program(unsigned slot)
{
	if (shared->parameters.exec == EXEC_TINY && (program = tiny_open()) < 0)
		slot_fail(slot, "making a tiny program");
}

#define NOT_EXECUTED 72

/* In a child, also of vfork: runs a program that exits at once. */
static void __attribute__((noreturn)) exec_exit(void)
{
	char *const words[] = { "frostbite", "exit", NULL };

	if (program < 0)
		execv(shared->exe, words);
	else
		fexecve(program, words, environ);
	_exit(NOT_EXECUTED);
}

static void end_round(pid_t child, unsigned slot)
{
	int status;

	/* a failed round does not count; the next may succeed */
	if (child < 0) {
		slot_note(slot, "fork");
		sleep_us(1000);
		return;
	}
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == NOT_EXECUTED) {
		errno = ENOEXEC;
		slot_fail(slot, "an exec");
	}
	bump(slot);
}

/* Endless fork and exit: the freezer has to catch children while they are being made (freezer_fork). */
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

		errno = pthread_create(&thread, NULL, nothing, NULL);
		if (errno) {
			slot_note(slot, "pthread_create");
			sleep_us(1000);
			continue;
		}
		pthread_join(thread, NULL);
		bump(slot);
	}
}

/* From 6.1 on a vfork parent that still runs when FROZEN is written can be missed for good. */
static void vfork_exec_storm(unsigned slot)
{
	find_program(slot);
	for (;;) {
		pid_t child = vfork();

		if (child == 0)
			exec_exit();
		end_round(child, slot);
	}
}

static void fork_exec_storm(unsigned slot)
{
	find_program(slot);
	for (;;) {
		pid_t child = fork();

		if (child == 0)
			exec_exit();
		end_round(child, slot);
	}
}

/* The exec of a single-threaded process has no siblings to wait for: the control for mt-exec-storm. */
static void exec_storm(unsigned slot)
{
	bump(slot);
	re_exec("exec-storm", slot);
}

static const struct parameter one_loop[] = { PARAMETER_LOOPS(1), { 0 } };
static const struct parameter one_loop_of_execs[] = { PARAMETER_LOOPS(1), PARAMETER_EXEC, { 0 } };
/* four, so that with two CPUs some are runnable at any instant */
static const struct parameter four_loops_of_execs[] = { PARAMETER_LOOPS(4), PARAMETER_EXEC, { 0 } };

static bool start_fork(struct trial *t)
{
	return spawn_loops(t, fork_storm);
}

static bool start_thread(struct trial *t)
{
	return spawn_loops(t, thread_storm);
}

static bool start_vfork_exec(struct trial *t)
{
	return spawn_loops(t, vfork_exec_storm);
}

static bool start_fork_exec(struct trial *t)
{
	return spawn_loops(t, fork_exec_storm);
}

static bool start_exec(struct trial *t)
{
	return spawn_loops(t, exec_storm);
}

const struct workload workload_fork_storm = {
	.name = "fork-storm",
	.summary = "endless fork and exit",
	.start = start_fork,
	.parameters = one_loop,
};

const struct workload workload_thread_storm = {
	.name = "thread-storm",
	.summary = "endless pthread_create and join",
	.start = start_thread,
	.parameters = one_loop,
};

const struct workload workload_vfork_exec_storm = {
	.name = "vfork-exec-storm",
	.summary = "four processes in endless vfork, exec and wait",
	.start = start_vfork_exec,
	.parameters = four_loops_of_execs,
};

const struct workload workload_fork_exec_storm = {
	.name = "fork-exec-storm",
	.summary = "endless fork, exec and wait",
	.start = start_fork_exec,
	.parameters = one_loop_of_execs,
};

const struct workload workload_exec_storm = {
	.name = "exec-storm",
	.summary = "a process of one thread that re-execs itself for ever",
	.start = start_exec,
	.parameters = one_loop,
	.reentry = exec_storm,
};
