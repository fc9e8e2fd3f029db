/* No byte that another user can write changes what this program executes, opens or signals. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static bool is_private(const char *path, mode_t mode)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & 07777) == mode && st.st_uid == geteuid();
}

/* Whether another user can do nothing with this file. */
static bool is_closed_to_others(const char *path)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0) {
		if (setgid(61234) || setuid(61234))
			_exit(2);
		_exit(open(path, O_RDWR) < 0 && open(path, O_RDONLY) < 0 && errno == EACCES ? 0 : 1);
	}
	waitpid(pid, &status, 0);
	return status == 0;
}

static void entry(unsigned slot)
{
	/* a process in a container can no longer write its orders through the descriptor */
	put(slot == 2 && write(SHARED_FD, "x", 1) < 0 && errno == EBADF ? "ran" : "ran-wrongly", "");
}

static bool has_run(void *arg)
{
	(void)arg;
	return access("ran", F_OK) == 0 || access("ran-wrongly", F_OK) == 0;
}

int main(void)
{
	char folder[64], path[128], exe[256];

	shared_create();
	strcpy(folder, shared_folder());
	check(is_private(folder, 0700), "the folder of the shared memory is open to its owner alone");
	static const char *const files[] = { "control", "counters" };
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, files[i]);
		check(is_private(path, 0600), "and so is each file in it");
		if (geteuid() == 0)
			check(is_closed_to_others(path), "which another user cannot open");
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", getpid(), i ? COUNTERS_FD : SHARED_FD);
		if (geteuid() == 0)
			check(is_closed_to_others(path), "nor by the descriptor of this process");
	}

	strcpy(exe, shared->exe);
	atomic_store(&shared->slots[2].pid, 77);
	memset(counters, 0xff, sizeof(*counters));
	check(!strcmp(shared->exe, exe) && !shared->path[0] && !shared->ear[0], "the counters hold no path that is opened or executed");
	check(atomic_load(&shared->slots[2].pid) == 77, "and no pid that is signalled");
	pid_t container = fork();

	if (container == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		contain(folder);
		_exit(70);
	}
	container_order(2, entry);
	check(wait_patiently(has_run, NULL, 5000000) && access("ran", F_OK) == 0,
	      "a container runs what it was told, and cannot say otherwise, whatever the counters hold");
	check(access("ran-wrongly", F_OK) < 0, "and nothing else");
	end_process(container);
	shared_end();
	check(access(folder, F_OK) < 0, "nothing of it stays");
	return checks_end();
}
