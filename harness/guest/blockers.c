#define _GNU_SOURCE
#include "frostbite.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BLOCKERS 16
#define MAX_FUNCTIONS 12

struct task {
	pid_t tid;
	char comm[64], state, wchan[64];
	long syscall; /* -2: unreadable */
	char stack[MAX_FUNCTIONS][48];
	unsigned depth;
	int rank; /* the lower the more likely it is what blocked */
};

struct found {
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
	if (!open || !close || close[1] == '\0')
		return false;
	t->state = close[2];
	*close = '\0';
	snprintf(t->comm, sizeof(t->comm), "%s", open + 1);
	return true;
}

char task_state(pid_t pid)
{
	struct task t = { .tid = pid };

	return read_stat(&t) ? t.state : '\0';
}

/* "[<0>] function+0x12/0x34 [module]", from 3.10 to now; the address in the brackets varies. */
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
		snprintf(t->stack[t->depth++], sizeof(t->stack[0]), "%.*s", (int)strcspn(name, "+ "), name);
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

/* Where a task is surely parked: v1's refrigerator, v2's trap. */
static const char *const parked[] = { "__refrigerator", "do_freezer_trap", "cgroup_enter_frozen" };
/* Sleeps that the freezers count as frozen where they stand (freezable_schedule, TASK_FREEZABLE). */
static const char *const freezable[] = {
	"do_signal_stop", "ptrace_stop", "wait_for_vfork_done", "hrtimer_nanosleep", "futex_wait_queue",
	"futex_wait_queue_me", "do_sigtimedwait", "unix_stream_data_wait",
};

static bool keep(pid_t tid, void *arg)
{
	struct found *found = arg;
	struct task t = { .tid = tid, .syscall = -2 };
	char text[256];

	if (!read_stat(&t))
		return true;
	if (t.state == 'Z' || t.state == 'X')
		t.rank = 3;
	read_stack(&t);
	if (on_stack(&t, parked, ARRAY_SIZE(parked)))
		return true;
	if (read_proc(tid, "wchan", text, sizeof(text)) > 0)
		snprintf(t.wchan, sizeof(t.wchan), "%.63s", text);
	else
		strcpy(t.wchan, "0");
	if (read_proc(tid, "syscall", text, sizeof(text)) > 0)
		t.syscall = !strncmp(text, "running", 7) ? -1 : strtol(text, NULL, 10);
	if (on_stack(&t, freezable, ARRAY_SIZE(freezable)))
		t.rank = 2;
	else if (t.rank == 0 && t.state != 'D')
		t.rank = 1;
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

/* Tasks that are not surely in the refrigerator, the most suspicious first, as a JSON array. */
void emit_blockers(struct group *g)
{
	static struct found found;

	found.count = 0;
	group_each_thread(g, keep, &found);
	emit("[");
	for (unsigned i = 0; i < found.count; i++) {
		struct task *t = &found.tasks[i];

		emit("%s{\"pid\":%d,\"comm\":", i ? "," : "", t->tid);
		emit_string(t->comm);
		emit(",\"state\":\"%c\",\"wchan\":", t->state);
		emit_string(t->wchan);
		if (t->syscall == -2)
			emit(",\"syscall\":null,\"stack\":[");
		else
			emit(",\"syscall\":%ld,\"stack\":[", t->syscall);
		for (unsigned j = 0; j < t->depth; j++) {
			emit("%s", j ? "," : "");
			emit_string(t->stack[j]);
		}
		emit("]}");
	}
	emit("]");
}
