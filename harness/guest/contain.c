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
 * The first process of a container: forks the workload's processes as ordered through the shared memory, so
 * that they belong to the container, and reaps them. It is not part of the workload: it only sleeps.
 */

static void make(unsigned slot, long distance)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		signal(SIGCHLD, SIG_DFL);
		pids_tell(slot);
		/* the same program as the one that gave the order, perhaps loaded at another address */
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
 * Uses a futex, not a signal: a signal sent while the runtime starts this program can arrive when the runtime's
 * handler is gone and ours is not yet installed, and kill it (seen once in some 1500 containers).
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

			/* each slot once: an order cannot be taken back */
			if (distance && !made[slot])
				make(slot, distance);
			made[slot] |= distance != 0;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		/* a child that ends right now is reaped in the next round */
		syscall(SYS_futex, &shared->orders, FUTEX_WAIT, seen, &while_idle, NULL, 0);
	}
}
