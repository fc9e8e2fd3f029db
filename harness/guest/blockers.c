#define _GNU_SOURCE
#include "task.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BLOCKERS 16
/* Upper bound on processes whose stacks cannot be read; each costs STUCK_US once. */
#define MAX_STUCK 8
#define STUCK_US 200000

/* How many groups below the trial's are searched, and how deep. */
#define MAX_GROUPS 256
#define MAX_DEPTH 16

/* A task and its group, as a path relative to the trial's group; "" is that group itself. */
struct blocker {
	struct task task;
	char group[128];
};

/* Shared with the helper that searches, so that what it found survives when it is killed. */
struct found {
	bool v2;
	char name[64]; /* the trial's group */
	pid_t moved[MAX_SLOTS]; /* processes that ran while the group read FROZEN */
	unsigned nmoved;
	struct blocker blockers[MAX_BLOCKERS];
	unsigned count;
	const struct group *group;
	char at[128];    /* the group being searched */
	unsigned groups; /* groups searched so far */
	_Atomic unsigned steps; /* bumped for each task and group */
	_Atomic int inside;     /* the task whose stack is being read; 0: none */
	pid_t stuck[MAX_STUCK]; /* processes whose stacks are not read again */
	unsigned nstuck;
};

/* 0: it ran while FROZEN; else the lower, the likelier. A vfork parent in D may be frozen or missed: nothing shows. */
static int rank_of(const struct task *t, const struct found *found)
{
	for (unsigned i = 0; i < found->nmoved; i++)
		if (found->moved[i] == t->tid)
			return 0;
	if (t->state == 'Z' || t->state == 'X')
		return 4;
	if (task_sleeps_in_place(t) || task_is_vforking(t))
		return 3;
	/* it dies as soon as it may run; the blocker is another task that waits for it */
	if (t->unread && task_is_killed(t->tid))
		return 3;
	return t->state == 'D' ? 1 : 2;
}

/* All threads of a waiting exec block on the same mutex: the only clue is which threads the exec has killed. */
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

static void keep(pid_t tid, struct found *found)
{
	struct task t = { .tid = tid };

	atomic_fetch_add(&found->steps, 1);
	if (!task_look(&t))
		return;
	t.rank = rank_of(&t, found);
	/* wchan alone identifies most parked tasks, so there is no need to wait for their stacks */
	if (t.rank > 0 && !found->v2 && !strcmp(t.wchan, "__refrigerator"))
		return;
	look_inside(&t, found);
	t.rank = rank_of(&t, found);
	if (t.rank > 0 && task_is_parked(&t, found->v2))
		return;
	/* sorted by rank; when there are too many, the least likely are dropped */
	unsigned at = found->count;

	while (at > 0 && found->blockers[at - 1].task.rank > t.rank)
		at--;
	if (at == MAX_BLOCKERS)
		return;
	unsigned last = found->count < MAX_BLOCKERS ? found->count++ : MAX_BLOCKERS - 1;

	memmove(&found->blockers[at + 1], &found->blockers[at], (last - at) * sizeof(found->blockers[0]));
	found->blockers[at].task = t;
	strcpy(found->blockers[at].group, found->at);
}

static void keep_threads(int dir, struct found *found)
{
	int fd = openat(dir, found->v2 ? "cgroup.threads" : "tasks", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int tid;

	while (f && fscanf(f, "%d", &tid) == 1)
		keep(tid, found);
	if (f)
		fclose(f);
	else if (fd >= 0)
		close(fd);
}

static void keep_below(int dir, unsigned depth, struct found *found);

/* Searches a child group; O_DIRECTORY rejects anything that is not one. */
static void keep_child(int dir, const char *name, unsigned depth, struct found *found)
{
	size_t n = strlen(found->at), free = sizeof(found->at) - n;
	int child = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (child < 0)
		return;
	found->groups++;
	atomic_fetch_add(&found->steps, 1);
	snprintf(found->at + n, free, "%s%.100s", n ? "/" : "", name);
	keep_below(child, depth + 1, found);
	found->at[n] = '\0';
}

/* Searches a group and all below it, whose tasks keep it FREEZING too: update_if_frozen() asks its descendants. */
static void keep_below(int dir, unsigned depth, struct found *found)
{
	DIR *folder = fdopendir(dir);

	if (!folder) {
		close(dir);
		return;
	}
	keep_threads(dir, found);
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.' && entry->d_type != DT_REG && depth < MAX_DEPTH && found->groups < MAX_GROUPS)
			keep_child(dir, entry->d_name, depth, found);
	closedir(folder);
}

/* Parses "0::/frostline-1-2", which zombies have too. Sets found->at to the group below. */
static bool was_member(pid_t pid, struct found *found)
{
	char text[1024];
	char *line = task_read(pid, "cgroup", text, sizeof(text)) > 0 ? strstr(text, "0::") : NULL;
	char *at = line ? strstr(line, found->name) : NULL;

	at = at ? at + strlen(found->name) : NULL;
	if (!at || !strchr("/\n", *at))
		return false;
	snprintf(found->at, sizeof(found->at), "%.*s", (int)strcspn(at, "\n"), *at == '/' ? at + 1 : "");
	found->at[strcspn(found->at, "\n")] = '\0';
	return true;
}

/* A dying task has left all lists of its group, but v2 may count it to its very end (cgroup_task_dead, seen in 7.3). */
static void keep_dying(struct found *found)
{
	DIR *proc = opendir(proc_root);

	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		pid_t pid = atoi(entry->d_name);

		atomic_fetch_add(&found->steps, 1);
		if (pid > 0 && was_member(pid, found))
			keep(pid, found);
	}
	found->at[0] = '\0';
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

	int own = group_dir(f->group), dir = own < 0 ? -1 : openat(own, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir >= 0)
		keep_below(dir, 0, f);
	if (f->count == 0 && f->v2)
		keep_dying(f);
}

/* Notes the process whose stack the helper hung on, for the next search to skip; false when there is none. */
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
	while (!helper_run(&helper) && note_stuck(found)) {
		found->count = found->groups = 0;
		found->at[0] = '\0';
	}
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
		const struct blocker *b = &found->blockers[i];

		emit("%s{", i ? "," : "");
		task_emit(&b->task);
		if (b->group[0]) {
			emit(",\"group\":");
			emit_string(b->group);
		}
		emit("}");
	}
	emit("]");
}
