#define _GNU_SOURCE
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

extern const struct workload workload_sleep, workload_spin, workload_pipe_read, workload_sigstop,
	workload_ptrace_stop, workload_vfork_parent, workload_dead_leader, workload_fork_storm, workload_thread_storm,
	workload_thread_bomb, workload_exec_storm, workload_fork_exec_storm, workload_vfork_exec_storm,
	workload_mt_exec_storm, workload_mt_exec_once, workload_attach_storm, workload_attach_to_frozen, workload_exec_into,
	workload_nested, workload_io_uring, workload_vhost_worker, workload_coredump_pipe, workload_fuse_unanswered,
	workload_fuse_unread,
	workload_fuse_flush, workload_fuse_exit_flush, workload_pidns_init_death, workload_fsfreeze_write,
	workload_blkio_throttle, workload_blkio_throttle_timed, workload_loop_on_fuse, workload_dm_suspend,
	workload_nfs_hung, workload_nfs_hung_behind,
	workload_nbd_dead, workload_memcg_oom_wait, workload_uffd_user, workload_uffd_kernel;

const struct workload *const workloads[] = {
	&workload_sleep,
	&workload_spin,
	&workload_pipe_read,
	&workload_sigstop,
	&workload_ptrace_stop,
	&workload_vfork_parent,
	&workload_dead_leader,
	&workload_fork_storm,
	&workload_thread_storm,
	&workload_thread_bomb,
	&workload_exec_storm,
	&workload_fork_exec_storm,
	&workload_vfork_exec_storm,
	&workload_mt_exec_storm,
	&workload_mt_exec_once,
	&workload_attach_storm,
	&workload_attach_to_frozen,
	&workload_exec_into,
	&workload_nested,
	&workload_io_uring,
	&workload_vhost_worker,
	&workload_coredump_pipe,
	&workload_fuse_unanswered,
	&workload_fuse_unread,
	&workload_fuse_flush,
	&workload_fuse_exit_flush,
	&workload_pidns_init_death,
	&workload_fsfreeze_write,
	&workload_blkio_throttle,
	&workload_blkio_throttle_timed,
	&workload_loop_on_fuse,
	&workload_dm_suspend,
	&workload_nbd_dead,
	&workload_nfs_hung,
	&workload_nfs_hung_behind,
	&workload_memcg_oom_wait,
	&workload_uffd_user,
	&workload_uffd_kernel,
	NULL,
};

/* Emulated guests are slow, and storms keep the CPUs from those who wait. */
#define IN_STATE_US 5000000

const struct workload *workload_find(const char *name)
{
	for (const struct workload *const *w = workloads; *w; w++)
		if (!strcmp((*w)->name, name))
			return *w;
	return NULL;
}

bool trial_fail(struct trial *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->why, sizeof(t->why), format, args);
	va_end(args);
	return false;
}

void quiet_child(void)
{
	int null = open("/dev/null", O_RDWR);

	/* in any case not the streams of the protocol */
	for (int fd = 0; fd < 3; fd++)
		if (null < 0 || dup2(null, fd) < 0)
			close(fd);
	if (null > 2)
		close(null);
	fsfreeze_close_guard();
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
}

/* Whether the freeze comes in whatever state the workload is. */
static bool starts_now(const struct trial *t)
{
	return t->request->gap_us >= 0;
}

struct awaited {
	const struct trial *trial;
	bool (*done)(void *);
	void *arg;
};

static bool is_over(void *arg)
{
	const struct awaited *a = arg;

	return a->done(a->arg) || container_has_ended(a->trial);
}

/* Waits for processes to be where the workload wants them; on a timeout the first slot's error explains it. */
static bool wait_for(struct trial *t, bool (*done)(void *), void *arg, const char *what)
{
	struct awaited awaited = { t, done, arg };
	int64_t start = now_us();
	bool is = wait_patiently(is_over, &awaited, IN_STATE_US);

	if (container_has_ended(t))
		return trial_fail(t, "%s: the first process of the container, %d, has ended", t->workload->name, t->init);
	if (is) {
		container_pids(t);
		return true;
	}
	for (unsigned i = 0; i < t->nslots; i++) {
		int error = atomic_load(&counters->slots[i].error);

		if (error)
			return trial_fail(t, "%s: %.31s: %s", t->workload->name, counters->slots[i].failed, strerror(error));
	}
	return trial_fail(t, "%s: %s within %lld s", t->workload->name, what, (long long)(now_us() - start) / 1000000);
}

static bool all_have_pids(void *arg)
{
	struct trial *t = arg;

	container_pids(t);
	for (unsigned i = 0; i < t->nslots; i++)
		if (atomic_load(&shared->slots[i].pid) == 0)
			return false;
	return true;
}

static bool spawn_slot(struct trial *t, void (*entry)(unsigned slot), bool inside)
{
	if (t->nslots == MAX_SLOTS)
		return trial_fail(t, "%s: more than %d processes", t->workload->name, MAX_SLOTS);
	unsigned slot = t->nslots++;

	if (inside && t->request->runtime) {
		container_order(slot, entry);
		return starts_now(t) || wait_for(t, all_have_pids, t, "its processes were not made");
	}
	pid_t pid = fork();

	if (pid < 0)
		return trial_fail(t, "fork: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		quiet_child();
		/* "0" means the writer itself, so nothing of the workload runs outside the group */
		if (inside && !control_write(t->group.procs, "0"))
			slot_fail(slot, "into its group");
		entry(slot);
		_exit(70);
	}
	atomic_store(&shared->slots[slot].pid, pid);
	return true;
}

bool spawn(struct trial *t, void (*entry)(unsigned slot))
{
	return spawn_slot(t, entry, true);
}

bool spawn_loops(struct trial *t, void (*entry)(unsigned slot))
{
	for (unsigned i = 0; i < t->request->parameters.loops; i++)
		if (!spawn(t, entry))
			return false;
	return wait_moving(t);
}

bool spawn_outside(struct trial *t, void (*entry)(unsigned slot))
{
	return spawn_slot(t, entry, false);
}

pid_t spawn_server(void (*entry)(void *arg), void *arg)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		quiet_child();
		entry(arg);
		_exit(70);
	}
	return pid;
}

void end_server(struct trial *t)
{
	if (t->server <= 0)
		return;
	if (!end_process(t->server))
		t->stuck = true;
	t->server = 0;
}

void slot_note(unsigned slot, const char *what)
{
	struct counter *s = &counters->slots[slot];
	int error = errno;

	snprintf(s->failed, sizeof(s->failed), "%s", what);
	atomic_store(&s->error, error);
}

void slot_fail(unsigned slot, const char *what)
{
	slot_note(slot, what);
	_exit(71);
}

void re_exec(const char *workload, unsigned slot)
{
	char number[8];

	snprintf(number, sizeof(number), "%u", slot);
	execl(shared->exe, "frostbite", "workload", workload, number, (char *)NULL);
	slot_note(slot, "exec of itself");
	_exit(72);
}

void tick(unsigned slot)
{
	for (;;) {
		bump(slot);
		sleep_us(1000);
	}
}

static bool kill_child(pid_t tid, void *arg)
{
	const struct trial *t = arg;
	pid_t parent = task_parent(tid);

	for (unsigned i = 0; i < t->nslots; i++)
		if (parent == atomic_load(&shared->slots[i].pid))
			signal_process(tid, SIGKILL);
	return true;
}

/* By the group's list: the pids that a process of another pid namespace knows are different numbers. */
void kill_children(struct trial *t)
{
	group_each_thread(&t->group, kill_child, t);
}

static bool all_ready(void *arg)
{
	struct trial *t = arg;

	for (unsigned i = 0; i < t->nslots; i++)
		if (!atomic_load(&counters->slots[i].ready))
			return false;
	return true;
}

bool wait_ready(struct trial *t)
{
	if (starts_now(t))
		return true;
	return wait_for(t, all_ready, t, "its processes did not start");
}

static bool is_served(void *arg)
{
	(void)arg;
	return atomic_load(&counters->served);
}

bool wait_served(struct trial *t, const char *what)
{
	return wait_for(t, is_served, NULL, what);
}

static bool all_moving(void *arg)
{
	struct trial *t = arg;

	for (unsigned i = 0; i < t->nslots; i++)
		if (atomic_load(&counters->slots[i].count) < 3)
			return false;
	return true;
}

bool wait_moving(struct trial *t)
{
	if (starts_now(t))
		return true;
	return wait_for(t, all_moving, t, "its processes did not run");
}

struct state_wait {
	struct trial *trial;
	char state;
};

static bool all_in_state(void *arg)
{
	struct state_wait *wait = arg;

	container_pids(wait->trial);
	for (unsigned i = 0; i < wait->trial->nslots; i++)
		/* before it is ready a process may be in D for another reason: moving into a cgroup sleeps too */
		if (!atomic_load(&counters->slots[i].ready) || task_state(atomic_load(&shared->slots[i].pid)) != wait->state)
			return false;
	return true;
}

/* Adds where they are instead: otherwise nobody would see why a set-up fails on one kernel of many. */
static bool fail_state(struct trial *t, char state)
{
	char said[sizeof(t->why)];

	snprintf(said, sizeof(said), "%s", t->why);
	for (unsigned i = 0; i < t->nslots; i++) {
		struct task task = { .tid = atomic_load(&shared->slots[i].pid) };

		if (!task.tid)
			return trial_fail(t, "%.120s: nothing tells its pid outside the container", said);
		if (!task_look(&task))
			return trial_fail(t, "%.120s: it has ended", said);
		if (!atomic_load(&counters->slots[i].ready) || task.state != state)
			return trial_fail(t, "%.120s: it is in %c, %s", said, task.state, task.wchan);
	}
	return false;
}

bool wait_task_state(struct trial *t, char state)
{
	struct state_wait wait = { t, state };
	char what[] = "its process did not get into state ?";

	if (starts_now(t))
		return true;

	what[sizeof(what) - 2] = state;
	return wait_for(t, all_in_state, &wait, what) || fail_state(t, state);
}

/* xorshift32 (Marsaglia 2003): any trial can be repeated from its seed. */
uint32_t random_below(uint32_t *seed, uint32_t bound)
{
	uint32_t x = *seed ? *seed : 0x9e3779b9;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	*seed = x;
	return x % bound;
}
