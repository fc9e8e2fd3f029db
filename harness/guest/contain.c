#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The first process of a container: makes the workload's processes as it is told in the shared memory, so
 * that they are the container's own, and reaps them. It is no part of the workload: it only sleeps.
 */

static void make(unsigned slot, long distance)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		/* the same program as the one that gave the order, loaded elsewhere perhaps */
		((void (*)(unsigned))((uintptr_t)contain + (uintptr_t)distance))(slot);
		_exit(70);
	}
	if (pid < 0)
		atomic_store(&shared->slots[slot].error, errno);
	else
		atomic_store(&shared->slots[slot].inner, pid);
}

int contain(const char *path)
{
	const struct timespec while_idle = { .tv_nsec = 50000000 };
	sigset_t told;

	/* SIGUSR1: there is something to do; one that came too early is made up for by the next look */
	sigemptyset(&told);
	sigaddset(&told, SIGUSR1);
	sigaddset(&told, SIGCHLD);
	sigprocmask(SIG_BLOCK, &told, NULL);
	shared_open(path);
	quiet_child();
	for (;;) {
		for (unsigned slot = 0; slot < MAX_SLOTS; slot++) {
			long distance = atomic_exchange(&shared->slots[slot].entry, 0);

			if (distance)
				make(slot, distance);
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		sigtimedwait(&told, NULL, &while_idle);
	}
}
