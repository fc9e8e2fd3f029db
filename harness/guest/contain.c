#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
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
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_DFL);
		pids_tell(slot);
		/* the same program as the one that gave the order, loaded elsewhere perhaps */
		((void (*)(unsigned))((uintptr_t)contain + (uintptr_t)distance))(slot);
		_exit(70);
	}
	if (pid < 0) {
		snprintf(counters->slots[slot].failed, sizeof(counters->slots[slot].failed), "fork in its container");
		atomic_store(&counters->slots[slot].error, errno);
	}
	else
		atomic_store(&counters->slots[slot].inner, pid);
}

static void wake_up(int sig)
{
	(void)sig;
}

/*
 * Told by a futex, not by a signal: one that is sent as the runtime starts this program can find its handler gone and
 * ours not there yet, and end it (seen once in some 1500 containers).
 */
void contain_tell(void)
{
	atomic_fetch_add(&shared->orders, 1);
	syscall(SYS_futex, &shared->orders, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

int contain(const char *folder)
{
	const struct timespec while_idle = { .tv_nsec = 50000000 };
	bool made[MAX_SLOTS] = { false };
	struct sigaction on_child = { .sa_handler = wake_up };

	shared_open(folder);
	quiet_child();
	sigaction(SIGCHLD, &on_child, NULL);
	for (;;) {
		unsigned seen = atomic_load(&shared->orders);

		for (unsigned slot = 0; slot < MAX_SLOTS; slot++) {
			long distance = atomic_load(&shared->slots[slot].entry);

			/* each once: what it was told it cannot take back */
			if (distance && !made[slot])
				make(slot, distance);
			made[slot] |= distance != 0;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		/* a child that ends just now is reaped at the next look */
		syscall(SYS_futex, &shared->orders, FUTEX_WAIT, seen, &while_idle, NULL, 0);
	}
}
