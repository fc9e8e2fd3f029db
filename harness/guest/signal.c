#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/*
 * The only callers of kill(2). There a pid of 0 means the whole process group, -1 everybody, and -N a group: the result
 * of a failed fork, or a slot that has no process yet, must never be taken for those. PID 1 is the machine's.
 */

static bool refuse(void)
{
	errno = EPERM;
	return false;
}

static bool is_one_of_others(pid_t pid)
{
	return pid > 1 && pid != getpid();
}

bool signal_process(pid_t pid, int signal)
{
	return is_one_of_others(pid) ? kill(pid, signal) == 0 : refuse();
}

bool signal_family(pid_t leader, int signal)
{
	return is_one_of_others(leader) && leader != getpgrp() ? kill(-leader, signal) == 0 : refuse();
}
