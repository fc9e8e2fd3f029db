#define _GNU_SOURCE
#include "frostbite.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* How long a killed child may take to end: SIGKILL interrupts whatever it waits for, kernel bugs aside. */
#define END_US 3000000

void *helper_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

struct end {
	pid_t pid;
	int status;
};

static bool has_ended(void *arg)
{
	struct end *end = arg;

	return waitpid(end->pid, &end->status, WNOHANG) != 0;
}

bool end_process(pid_t pid)
{
	struct end end = { .pid = pid };

	if (pid <= 0)
		return true;
	signal_process(pid, SIGKILL);
	/* one that ends later is reaped with the trial's processes */
	return wait_patiently(has_ended, &end, END_US);
}

bool helper_run(const struct helper *h)
{
	struct end end = { .pid = fork() };
	unsigned steps;

	if (end.pid < 0)
		return false;
	if (end.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		fsfreeze_close_guard();
		h->work(h->arg);
		_exit(0);
	}
	do {
		steps = atomic_load(h->steps);
		if (wait_until(has_ended, &end, h->stuck_us))
			return WIFEXITED(end.status);
	} while (atomic_load(h->steps) != steps);
	end_process(end.pid);
	return false;
}
