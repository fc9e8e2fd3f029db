/* A workload gets the parameters that it accepts, and the tiny program runs on old kernels too. */
#define _GNU_SOURCE
#include "check.h"
#include "old_kernel.h"
#include "../request.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The request read from `workload=vfork-exec-storm` and this line. */
static struct request told(const char *text)
{
	struct request r;
	char line[80];

	request_begin(&r);
	snprintf(line, sizeof(line), "trial=1");
	request_line(&r, line);
	snprintf(line, sizeof(line), "workload=vfork-exec-storm");
	request_line(&r, line);
	snprintf(line, sizeof(line), "%s", text);
	request_line(&r, line);
	request_end(&r);
	return r;
}

static bool refuses(const char *text)
{
	return told(text).error[0] != '\0';
}

static int run_tiny(void)
{
	char *const words[] = { "tiny", NULL };
	int status = -1, fd = tiny_open();

	if (fd < 0)
		return -1;
	pid_t pid = vfork();

	if (pid == 0) {
		fexecve(fd, words, environ);
		_exit(72);
	}
	waitpid(pid, &status, 0);
	close(fd);
	return status;
}

int main(void)
{
	struct request r = told("loops=2");

	check(!r.error[0] && r.parameters.loops == 2, "a number is taken");
	check(r.parameters.exec == EXEC_SELF && r.parameters.load == 0, "the others are the workload's own");
	check(told("exec=tiny").parameters.exec == EXEC_TINY, "a word is taken");
	check(told("load=16").parameters.load == 16, "each workload has a load");
	check(refuses("loops=0") && refuses("loops=17") && refuses("loops=many"), "no number out of bounds is");
	check(refuses("exec=big"), "nor another word");
	check(refuses("threads=4"), "nor a parameter of another workload");
	check(run_tiny() == 0, "the tiny program ends with 0");
	if (!old_kernel()) {
		perror("seccomp");
		return 4;
	}
	check(run_tiny() == 0, "and where there are no files without a name");
	return checks_end();
}
