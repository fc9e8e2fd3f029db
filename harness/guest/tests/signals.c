/* What is no process is never signalled: neither 0, the whole process group, nor -1, everybody. */
#define _GNU_SOURCE
#include "check.h"
#include "refuse.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static bool is_refused(bool (*function)(pid_t pid, int signal), pid_t pid)
{
	errno = 0;
	return !function(pid, SIGKILL) && errno == EPERM;
}

int main(void)
{
	static const pid_t none[] = { 0, -1, -2, 1 };
	int status = 0;

	pid_t leader = fork();

	if (leader == 0) {
		setpgid(0, 0);
		raise(SIGSTOP);
		_exit(0);
	}
	waitpid(leader, NULL, WUNTRACED);
	check(signal_family(leader, SIGKILL), "a family is signalled by its leader");
	waitpid(leader, &status, 0);
	check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "and has ended");
	if (!refuse_many()) {
		perror("seccomp");
		return 4;
	}
	for (size_t i = 0; i < ARRAY_SIZE(none); i++) {
		check(is_refused(signal_process, none[i]), "what is no process is refused");
		check(is_refused(signal_family, none[i]), "and as a family");
	}
	check(is_refused(signal_process, getpid()), "so is this process itself");
	check(is_refused(signal_family, getpgrp()), "and its own family");
	check(end_process(-1) && end_process(0), "nor is the end of what was never forked waited for");

	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	check(signal_process(child, SIGKILL), "a child is signalled");
	check(waitpid(child, &status, 0) == child && WIFSIGNALED(status), "and has ended");
	return checks_end();
}
