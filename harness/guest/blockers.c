#define _GNU_SOURCE
#include "task.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_BLOCKERS 16
/* Processes whose stacks cannot be read; each costs STUCK_US once. */
#define MAX_STUCK 8
#define STUCK_US 200000

/* Shared with the helper that looks: what it has found when it is killed is not lost. */
struct found {
	bool v2;
	char name[64]; /* of the group */
	pid_t moved[MAX_SLOTS]; /* they ran while the group read FROZEN */
	unsigned nmoved;
	struct task tasks[MAX_BLOCKERS];
	unsigned count;
	struct group *group;
	_Atomic unsigned steps; /* bumped with each task */
	_Atomic int inside;     /* the task whose stack is being read; 0: none */
	pid_t stuck[MAX_STUCK]; /* processes whose stacks are not read again */
	unsigned nstuck;
};

static bool on_stack(const struct task *t, const char *const *names, size_t count)
{
	for (unsigned i = 0; i < t->depth; i++)
		for (size_t j = 0; j < count; j++)
			if (!strcmp(t->stack[i], names[j]))
				return true;
	return false;
}

/* The one that sleeps: wchan where stacks are hidden. */
static bool innermost(const struct task *t, const char *name)
{
	return !strcmp(t->depth ? t->stack[0] : t->wchan, name);
}

/* Interruptible sleeps that v1 counts as frozen where they stand (freezable_schedule, later TASK_FREEZABLE). */
static const char *const in_place[] = {
	"do_signal_stop", "ptrace_stop", "hrtimer_nanosleep", "futex_wait_queue", "futex_wait_queue_me",
	"futex_do_wait", "do_sigtimedwait", "unix_stream_read_generic", "unix_stream_data_wait", "do_wait",
	"schedule_hrtimeout_range", "schedule_hrtimeout_range_clock",
};
static bool sleeps_in_place(const struct task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(in_place); i++)
		if (innermost(t, in_place[i]))
			return true;
	return false;
}

/* wait_for_vfork_done is inlined into kernel_clone, _do_fork or do_fork. */
static const char *const vforking[] = {
	"wait_for_vfork_done", "__do_sys_vfork", "__se_sys_vfork", "__x64_sys_vfork", "sys_vfork",
};

/*
 * Whether the task is surely frozen. v1 parks in __refrigerator; from 6.1 a task that is frozen where it
 * sleeps leaves S, T or t and shows R (before 6.1.123 and 6.12.8) or D, see TASK_FROZEN in
 * task_index_to_char's history. v2 parks in do_freezer_trap, inlined into get_signal, which sleeps
 * nowhere else, and counts stopped tasks (cgroup_enter_frozen in do_signal_stop and ptrace_stop).
 */
static bool is_parked(const struct task *t, bool v2)
{
	if (v2)
		return innermost(t, "do_freezer_trap") || innermost(t, "get_signal") || t->state == 'T' || t->state == 't';
	if (innermost(t, "__refrigerator"))
		return true;
	return (t->state == 'D' || t->state == 'R') && sleeps_in_place(t);
}

/* Of the others, the most likely blocker first. A vfork parent in D may be frozen or missed: nothing tells. */
static int rank_of(const struct task *t, const struct found *found)
{
	for (unsigned i = 0; i < found->nmoved; i++)
		if (found->moved[i] == t->tid)
			return 0;
	if (t->state == 'Z' || t->state == 'X')
		return 4;
	if (sleeps_in_place(t) || on_stack(t, vforking, ARRAY_SIZE(vforking)))
		return 3;
	/* it dies once it may run: another waits for that */
	if (t->unread && task_is_killed(t->tid))
		return 3;
	return t->state == 'D' ? 1 : 2;
}

/* Every thread of an exec that waits is behind the same mutex: what tells then is whom the exec has killed. */
static bool is_unread(struct task *t, const struct found *found)
{
	pid_t process = found->nstuck ? task_process(t->tid) : 0;

	for (unsigned i = 0; i < found->nstuck && !t->unread; i++)
		t->unread = found->stuck[i] == process;
	if (t->unread)
		t->killed = task_killed_others(process, t->tid);
	return t->unread;
}

static void look_inside(struct task *t, struct found *found)
{
	if (is_unread(t, found))
		return;
	atomic_store(&found->inside, t->tid);
	task_look_inside(t);
	atomic_store(&found->inside, 0);
}

static bool keep(pid_t tid, void *arg)
{
	struct found *found = arg;
	struct task t = { .tid = tid };

	atomic_fetch_add(&found->steps, 1);
	if (!task_look(&t))
		return true;
	t.rank = rank_of(&t, found);
	/* wchan alone tells of most that are parked: their stacks need not be waited for */
	if (t.rank > 0 && !found->v2 && !strcmp(t.wchan, "__refrigerator"))
		return true;
	look_inside(&t, found);
	t.rank = rank_of(&t, found);
	if (t.rank > 0 && is_parked(&t, found->v2))
		return true;
	/* kept in order of rank; of too many the least likely go */
	unsigned at = found->count;

	while (at > 0 && found->tasks[at - 1].rank > t.rank)
		at--;
	if (at == MAX_BLOCKERS)
		return true;
	unsigned last = found->count < MAX_BLOCKERS ? found->count++ : MAX_BLOCKERS - 1;

	memmove(&found->tasks[at + 1], &found->tasks[at], (last - at) * sizeof(t));
	found->tasks[at] = t;
	return true;
}

/* "0::/frostline-1-2": of a zombie too. */
static bool was_member(pid_t pid, const char *name)
{
	char text[1024];
	char *line = task_read(pid, "cgroup", text, sizeof(text)) > 0 ? strstr(text, "0::") : NULL;
	char *at = line ? strstr(line, name) : NULL;

	return at && strchr("/\n", at[strlen(name)]);
}

/* A dying task is in no list of the group any more, but v2 may count it to its end (cgroup_task_dead, seen in 7.3). */
static void keep_dying(struct found *found)
{
	DIR *proc = opendir(proc_root);

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		pid_t pid = atoi(entry->d_name);

		atomic_fetch_add(&found->steps, 1);
		if (pid > 0 && was_member(pid, found->name))
			keep(pid, found);
	}
	if (proc)
		closedir(proc);
}

void task_emit(const struct task *t)
{
	emit("\"pid\":%d,\"comm\":", t->tid);
	emit_string(t->comm);
	emit(",\"state\":\"%c\",\"wchan\":", t->state);
	emit_string(t->wchan);
	if (t->syscall == SYSCALL_UNREAD)
		emit(",\"syscall\":null,\"stack\":[");
	else
		emit(",\"syscall\":%ld,\"stack\":[", t->syscall);
	for (unsigned i = 0; i < t->depth; i++) {
		emit("%s", i ? "," : "");
		emit_string(t->stack[i]);
	}
	emit("]");
	if (t->unread)
		emit(",\"unread\":true,\"killedThreads\":%u", t->killed);
}

static struct found *found;

static void look_around(void *arg)
{
	struct found *f = arg;

	group_each_thread(f->group, keep, f);
	if (f->count == 0 && f->v2)
		keep_dying(f);
}

/* Looks again without the stacks of the process that the helper hung at; false when there was none. */
static bool note_stuck(struct found *f)
{
	pid_t tid = atomic_exchange(&f->inside, 0);
	pid_t process = tid ? task_process(tid) : 0;

	if (!process || f->nstuck == MAX_STUCK)
		return false;
	f->stuck[f->nstuck++] = process;
	return true;
}

void find_blockers(struct trial *t, unsigned moved)
{
	if (!found)
		found = helper_memory(sizeof(*found));
	if (!found)
		return;
	const struct helper helper = { look_around, found, &found->steps, STUCK_US };
	const char *name = strrchr(t->group.path, '/');

	*found = (struct found){ .v2 = t->group.v2, .group = &t->group };
	snprintf(found->name, sizeof(found->name), "%s", name ? name : "");
	for (unsigned i = 0; i < t->nslots; i++)
		if (moved & 1u << i)
			found->moved[found->nmoved++] = atomic_load(&shared->slots[i].pid);
	while (!helper_run(&helper) && note_stuck(found))
		found->count = 0;
}

void forget_blockers(void)
{
	if (found)
		found->count = 0;
}

void emit_blockers(void)
{
	emit("[");
	for (unsigned i = 0; found && i < found->count; i++) {
		emit("%s{", i ? "," : "");
		task_emit(&found->tasks[i]);
		emit("}");
	}
	emit("]");
}
