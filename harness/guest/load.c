#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void __attribute__((noreturn)) be_busy(void)
{
	for (volatile unsigned long n = 0;; n++)
		;
}

bool load_start(struct trial *t)
{
	for (unsigned i = 0; i < t->request->parameters.load; i++) {
		pid_t pid = fork();

		if (pid < 0)
			return trial_fail(t, "fork of a busy process: %s", strerror(errno));
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			quiet_child();
			be_busy();
		}
		t->load[t->nload++] = pid;
	}
	return true;
}

void load_end(struct trial *t)
{
	while (t->nload)
		if (!end_process(t->load[--t->nload]))
			t->stuck = true;
}
