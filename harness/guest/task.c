#define _GNU_SOURCE
#include "task.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *proc_root = "/proc";

ssize_t task_read(pid_t tid, const char *name, char *text, size_t size)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d/%s", proc_root, tid, name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = read(fd, text, size - 1);

	close(fd);
	text[n > 0 ? n : 0] = '\0';
	return n;
}

/* "12 (comm with ) and spaces) S ...": the state follows the last parenthesis. */
static bool read_stat(struct task *t)
{
	char text[512];

	if (task_read(t->tid, "stat", text, sizeof(text)) <= 0)
		return false;
	char *open = strchr(text, '('), *close = strrchr(text, ')');
	if (!open || !close || sscanf(close + 1, " %c %d", &t->state, &t->parent) != 2)
		return false;
	*close = '\0';
	snprintf(t->comm, sizeof(t->comm), "%s", open + 1);
	return true;
}

static void read_wchan(struct task *t)
{
	char text[256];

	if (task_read(t->tid, "wchan", text, sizeof(text)) > 0)
		snprintf(t->wchan, sizeof(t->wchan), "%.*s", (int)strcspn(text, "."), text);
	else
		strcpy(t->wchan, "0");
}

bool task_look(struct task *t)
{
	t->syscall = SYSCALL_UNREAD;
	if (!read_stat(t))
		return false;
	read_wchan(t);
	return true;
}

/* "[<0>] function.isra.0+0x12/0x34 [module]", the same from 3.10 to now; only the address in brackets varies. */
static void read_stack(struct task *t)
{
	char text[4096], *save = NULL;

	if (task_read(t->tid, "stack", text, sizeof(text)) <= 0)
		return;
	for (char *l = strtok_r(text, "\n", &save); l && t->depth < MAX_FUNCTIONS; l = strtok_r(NULL, "\n", &save)) {
		char *name = strstr(l, "] ");

		if (!name || !strncmp(name + 2, "0x", 2))
			continue;
		name += 2;
		snprintf(t->stack[t->depth++], sizeof(t->stack[0]), "%.*s", (int)strcspn(name, "+. "), name);
	}
}

static void read_syscall(struct task *t)
{
	char text[256];

	if (task_read(t->tid, "syscall", text, sizeof(text)) > 0)
		t->syscall = !strncmp(text, "running", 7) ? -1 : strtol(text, NULL, 10);
}

void task_look_inside(struct task *t)
{
	read_stack(t);
	read_syscall(t);
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

/* What follows "\nNAME:" in the task's status, a file that no lock of the task guards. */
static const char *status_of(pid_t tid, const char *name)
{
	static char text[4096];
	char *line = task_read(tid, "status", text, sizeof(text)) > 0 ? strstr(text, name) : NULL;

	return line ? line + strlen(name) : NULL;
}

pid_t task_process(pid_t tid)
{
	const char *number = status_of(tid, "\nTgid:");

	return number ? atoi(number) : 0;
}

bool task_is_killed(pid_t tid)
{
	const char *mask = status_of(tid, "\nSigPnd:");

	return mask && strtoull(mask, NULL, 16) & 1u << (SIGKILL - 1);
}

unsigned task_killed_others(pid_t process, pid_t tid)
{
	char path[256];
	unsigned n = 0;

	snprintf(path, sizeof(path), "%s/%d/task", proc_root, process);
	DIR *threads = opendir(path);

	for (struct dirent *entry; threads && (entry = readdir(threads));) {
		pid_t other = atoi(entry->d_name);

		n += other > 0 && other != tid && task_is_killed(other);
	}
	if (threads)
		closedir(threads);
	return n;
}
