#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <string.h>

static void be_busy(void *arg)
{
	(void)arg;
	for (volatile unsigned long n = 0;; n++)
		;
}

bool load_start(struct trial *t)
{
	for (unsigned i = 0; i < t->request->parameters.load; i++) {
		pid_t pid = spawn_server(be_busy, NULL);

		if (pid < 0)
			return trial_fail(t, "fork of a busy process: %s", strerror(errno));
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
