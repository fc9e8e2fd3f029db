/* A call to a control file that does not return is reported with the file, but not once it has returned. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char said[4096];

/* What a heartbeat says about it. */
static void beat(void)
{
	int out = dup(1);

	fflush(stdout);
	if (!freopen("said", "we", stdout))
		abort();
	emit_begin();
	emit_stuck(0, PHASE_FREEZING);
	emit_end();
	fflush(stdout);
	dup2(out, 1);
	close(out);
	get("said", said, sizeof(said));
}

static bool says(void *word)
{
	beat();
	return strstr(said, word) != NULL;
}

static bool says_nothing(void *arg)
{
	(void)arg;
	beat();
	return !strcmp(said, "\n");
}

int main(void)
{
	static char full[65536];
	struct group g = { .procs = -1, .events = -1 };

	shared_create();
	stuck_after_us = 100000;
	alarm(30);
	/* a full FIFO holds its writer, as a lock of the kernel's does */
	mkfifo("freezer.state", 0600);
	g.state = open("freezer.state", O_RDWR | O_NONBLOCK);
	while (write(g.state, full, sizeof(full)) > 0)
		;
	check(errno == EAGAIN, "the file is full");
	fcntl(g.state, F_SETFL, 0);

	pid_t server = fork();
	if (server == 0) {
		group_write(&g, true);
		for (;;)
			pause();
	}
	stuck_begin(server);
	check(wait_until(says, "\"stuck\":", 20000000), "it is told that it is held");
	check(wait_until(says, "\"syscall\":1", 20000000), "in a write");
	check(strstr(said, "/freezer.state\"") != NULL, "to freezer.state");
	check(strstr(said, "\"comm\":\"stuck\"") != NULL, "by whom");
	long us = strtol(strstr(said, "\"us\":") + 5, NULL, 10);
	check(us >= stuck_after_us, "and for how long");

	while (fcntl(g.state, F_SETFL, O_NONBLOCK), read(g.state, full, sizeof(full)) > 0)
		;
	check(wait_until(says_nothing, NULL, 20000000), "one that sleeps of its own will is not held");
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	stuck_end();
	shared_end();
	return checks_end();
}
