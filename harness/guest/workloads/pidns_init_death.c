#define _GNU_SOURCE
#include "fuse.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A killed init of a pid namespace waits in its exit until all others of the namespace are gone
 * (zap_pid_ns_processes). One of them, behind a FUSE request that was read, ignores even SIGKILL. It is moved
 * out of the group: inside, it would itself block the freeze and hide init's own wait. By then init has left
 * the lists of its group (cgroup_exit); v2 of 7.3 still counts it, to its very end.
 */

#define INIT_NAME "frostline-init"
#define HELD_NAME "frostline-held"

static void __attribute__((noreturn)) be_held(void)
{
	char path[300];
	struct stat st;

	prctl(PR_SET_NAME, HELD_NAME);
	snprintf(path, sizeof(path), "%s/unanswered", shared->path);
	stat(path, &st);
	for (;;)
		pause();
}

static void __attribute__((noreturn)) be_init(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, INIT_NAME);
	pid_t held = fork();

	if (held == 0)
		be_held();
	if (held < 0)
		_exit(74);
	for (;;)
		pause();
}

static void make_namespace(unsigned slot)
{
	/* init must not stay as a zombie */
	signal(SIGCHLD, SIG_IGN);
	pid_t pid = unshare(CLONE_NEWPID) < 0 ? -1 : fork();

	if (pid < 0)
		slot_fail(slot, "a pid namespace of its own");
	if (pid == 0)
		be_init();
	atomic_store(&counters->slots[slot].ready, 1);
	tick(slot);
}

struct search {
	const char *name;
	pid_t pid;
};

static bool has_name(pid_t tid, void *arg)
{
	struct search *search = arg;
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", tid);
	f = fopen(path, "re");
	if (f && !fgets(name, sizeof(name), f))
		name[0] = '\0';
	if (f)
		fclose(f);
	name[strcspn(name, "\n")] = '\0';
	if (!strcmp(name, search->name))
		search->pid = tid;
	return !search->pid;
}

/* By the group's list, which has the pids of our own namespace. */
static pid_t find(struct trial *t, const char *name)
{
	struct search search = { name, 0 };

	group_each_thread(&t->group, has_name, &search);
	return search.pid;
}

/* A process without memory, and so without a command line, is far into its exit. */
static bool has_left_memory(void *arg)
{
	char path[64], byte;
	pid_t pid = *(pid_t *)arg;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, &byte, 1);

	if (fd >= 0)
		close(fd);
	return n <= 0;
}

static bool start(struct trial *t)
{
	struct fuse_server server = { .reads = true };

	if (!fuse_mount(t, &server) || !spawn(t, make_namespace) || !wait_ready(t) ||
	    !wait_served(t, "no FUSE request came"))
		return false;
	pid_t init = find(t, INIT_NAME), held = find(t, HELD_NAME);

	if (!init || !held)
		return trial_fail(t, "init of the pid namespace or its child is not in %s", t->group.path);
	if (!group_evict(&t->group, held))
		return trial_fail(t, "moving process %d out of %s: %s", held, t->group.path, strerror(errno));
	if (!signal_process(init, SIGKILL))
		return trial_fail(t, "SIGKILL of the init of the pid namespace: %s", strerror(errno));
	if (!wait_until(has_left_memory, &init, 5000000))
		return trial_fail(t, "init of the pid namespace did not die within 5 s");
	return wait_moving(t);
}

const struct workload workload_pidns_init_death = {
	.name = "pidns-init-death",
	.summary = "a killed init of a pid namespace that waits for a process in D outside the group",
	.needs = fuse_needs,
	.start = start,
	.release = fuse_release,
	.meets = true,
	.gap = GAP_NEVER,
};
