/* Without NStgid (4.1), processes of another pid namespace are known by their pids in this one. */
#define _GNU_SOURCE
#include "check.h"
#include "../task.h"

#include <sched.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void)
{
	unsigned slot = 99;
	pid_t pid = -1;

	shared_create();
	proc_root = "proc";
	mkdir("proc", 0755);
	mkdir("proc/self", 0755);
	put("proc/self/status", "Name:\tx\nTgid:\t7\n");
	put("newer", "Name:\tx\nNStgid:\t7\t1\n");
	check(!pids_in_status("proc/self/status"), "3.10's status has no NStgid");
	check(pids_in_status("newer"), "4.1's has");
	check(pids_listen() == NULL && shared->ear[0], "without it a socket is opened");
	check(!pids_hear(&slot, &pid), "on which nobody has spoken yet");
	if (unshare(geteuid() ? CLONE_NEWUSER | CLONE_NEWPID : CLONE_NEWPID) < 0) {
		perror("unshare");
		return 4;
	}
	pid_t child = fork();

	if (child == 0) {
		bool first = getpid() == 1;

		pids_tell(3);
		_exit(first ? 0 : 1);
	}
	int status = 0;

	waitpid(child, &status, 0);
	check(status == 0, "a child of another pid namespace, where it is 1, has spoken");
	check(pids_hear(&slot, &pid) && slot == 3, "its slot is heard");
	check(pid == child, "by the number that it has here");
	shared_end();
	return checks_end();
}
