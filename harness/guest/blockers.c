#define _GNU_SOURCE
#include "frostbite.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BLOCKERS 16
#define MAX_FUNCTIONS 12

struct task {
	pid_t tid;
	pid_t parent;
	char comm[64], state, wchan[64];
	long syscall; /* -2: unreadable */
	char stack[MAX_FUNCTIONS][48];
	unsigned depth;
	int rank; /* the lower the more likely it is what blocked */
};

struct found {
	bool v2;
	pid_t moved[MAX_SLOTS]; /* they ran while the group read FROZEN */
	unsigned nmoved;
	struct task tasks[MAX_BLOCKERS];
	unsigned count;
};

static ssize_t read_proc(pid_t tid, const char *name, char *text, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* "12 (comm with ) and spaces) S ...": the state follows the last bracket. */
static bool read_stat(struct task *t)
{
	char text[512];

	if (read_proc(t->tid, "stat", text, sizeof(text)) <= 0)
		return false;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || sscanf(close + 1, " %c %d", &t->state, &t->parent) != 2)
		return false;
	*close = '\0';
	snprintf(t->comm, sizeof(t->comm), "%s", open + 1);
	return true;
}

char task_state(pid_t pid)
{
	struct task t = { .tid = pid };

	return read_stat(&t) ? t.state : '\0';
}

pid_t task_parent(pid_t pid)
{
	struct task t = { .tid = pid };

	return read_stat(&t) ? t.parent : 0;
}

/* "[<0>] function.isra.0+0x12/0x34 [module]", from 3.10 to now; the address in the brackets varies. */
static void read_stack(struct task *t)
{
	char text[4096], *save = NULL;

	if (read_proc(t->tid, "stack", text, sizeof(text)) <= 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l && t->depth < MAX_FUNCTIONS; l = strtok_r(NULL, "\n", &save)) {
		char *name = strstr(l, "] ");

		if (!name || !strncmp(name + 2, "0x", 2))
			continue;
		name += 2;
		snprintf(t->stack[t->depth++], sizeof(t->stack[0]), "%.*s", (int)strcspn(name, "+. "), name);
	}
}

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
	return t->state == 'D' ? 1 : 2;
}

static void read_wchan(struct task *t)
{
	char text[256];

	if (read_proc(t->tid, "wchan", text, sizeof(text)) > 0)
		snprintf(t->wchan, sizeof(t->wchan), "%.*s", (int)strcspn(text, "."), text);
	else
		strcpy(t->wchan, "0");
}

static void read_syscall(struct task *t)
{
	char text[256];

	t->syscall = -2;
	if (read_proc(t->tid, "syscall", text, sizeof(text)) > 0)
		t->syscall = !strncmp(text, "running", 7) ? -1 : strtol(text, NULL, 10);
}

static bool keep(pid_t tid, void *arg)
{
	struct found *found = arg;
	struct task t = { .tid = tid };

	if (!read_stat(&t))
		return true;
	read_stack(&t);
	read_wchan(&t);
	t.rank = rank_of(&t, found);
	if (t.rank > 0 && is_parked(&t, found->v2))
		return true;
	read_syscall(&t);
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
	char *line = read_proc(pid, "cgroup", text, sizeof(text)) > 0 ? strstr(text, "0::") : NULL;
	char *at = line ? strstr(line, name) : NULL;

	return at && strchr("/\n", at[strlen(name)]);
}

/* A dying task is in no list of the group any more, but v2 may count it to its end (cgroup_task_dead, seen in 7.3). */
static void keep_dying(const struct group *g, struct found *found)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && was_member(pid, strrchr(g->path, '/')))
			keep(pid, found);
	}
	if (proc)
		closedir(proc);
}

static void emit_task(const struct task *t)
{
	emit("{\"pid\":%d,\"comm\":", t->tid);
	emit_string(t->comm);
	emit(",\"state\":\"%c\",\"wchan\":", t->state);
	emit_string(t->wchan);
	if (t->syscall == -2)
		emit(",\"syscall\":null,\"stack\":[");
	else
		emit(",\"syscall\":%ld,\"stack\":[", t->syscall);
	for (unsigned i = 0; i < t->depth; i++) {
		emit("%s", i ? "," : "");
		emit_string(t->stack[i]);
	}
	emit("]}");
}

static struct found found;

void find_blockers(struct trial *t, unsigned moved)
{
	found.count = found.nmoved = 0;
	found.v2 = t->group.v2;
	for (unsigned i = 0; i < t->nslots; i++)
		if (moved & 1u << i)
			found.moved[found.nmoved++] = atomic_load(&shared->slots[i].pid);
	group_each_thread(&t->group, keep, &found);
	if (found.count == 0 && found.v2)
		keep_dying(&t->group, &found);
}

void forget_blockers(void)
{
	found.count = 0;
}

void emit_blockers(void)
{
	emit("[");
	for (unsigned i = 0; i < found.count; i++) {
		emit("%s", i ? "," : "");
		emit_task(&found.tasks[i]);
	}
	emit("]");
}
