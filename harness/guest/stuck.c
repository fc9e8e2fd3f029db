#define _GNU_SOURCE
#include "task.h"

#include <limits.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Finds where the kernel holds the process that runs the trials. A process of its own looks, made while nothing was
 * wrong: a look can block on its target, and a kernel that is stuck may let nobody fork. The heartbeat asks it, and
 * never waits for its answer.
 */
int64_t stuck_after_us = 5000000;

struct held {
	int64_t us; /* how long, at the last look; 0: it is not held */
	struct task task;
	char file[256]; /* of its system call; "": none, or unknown */
};

struct looks {
	_Atomic unsigned asked;
	_Atomic unsigned number; /* odd: `held` is being written */
	struct held held;
};

static struct looks *looks;
static pid_t looker;

/* How often it gave up its CPU: a process that polls does, one that is held does not; -1: unknown. */
static long switches_of(pid_t pid)
{
	static const char name[] = "\nvoluntary_ctxt_switches:";
	char text[4096];
	char *line = task_read(pid, "status", text, sizeof(text)) > 0 ? strstr(text, name) : NULL;

	return line ? strtol(line + strlen(name), NULL, 10) : -1;
}

/* Calls that end by themselves, unless the kernel holds the caller. */
static bool ends_by_itself(long call)
{
	static const long calls[] = {
		SYS_write, SYS_pread64, SYS_open, SYS_openat, SYS_close, SYS_mkdir, SYS_rmdir, SYS_unlinkat,
	};

	for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i] == call)
			return true;
	return false;
}

/* Parses "1 0x5 0x7ffe...": the number of the call, and its first argument. */
static long call_of(pid_t pid, unsigned long *first)
{
	char text[256];
	long call;

	if (task_read(pid, "syscall", text, sizeof(text)) <= 0 || sscanf(text, "%ld 0x%lx", &call, first) != 2)
		return SYSCALL_UNREAD;
	return call;
}

static void name_file(struct held *held, pid_t pid, unsigned long fd)
{
	char path[64];

	if (held->task.syscall != SYS_write && held->task.syscall != SYS_pread64 && held->task.syscall != SYS_close)
		return;
	snprintf(path, sizeof(path), "%s/%d/fd/%lu", proc_root, pid, fd);
	if (readlink(path, held->file, sizeof(held->file) - 1) < 0)
		held->file[0] = '\0';
}

static void publish(const struct held *held)
{
	atomic_fetch_add(&looks->number, 1);
	looks->held = *held;
	atomic_fetch_add(&looks->number, 1);
}

static void look_once(pid_t server)
{
	static int64_t since;
	static long switches = -1;
	struct held held = { .task = { .tid = server } };
	unsigned long first = 0;
	long now = switches_of(server);
	bool is_there = task_look(&held.task);

	if (now < 0 || now != switches)
		since = now_us();
	switches = now;
	bool is_asleep = is_there && held.task.state != 'R' && now_us() - since >= stuck_after_us;

	if (is_asleep && (held.task.state == 'D' || ends_by_itself(call_of(server, &first))))
		held.us = now_us() - since;
	/* published twice, so that whoever asked does not wait for what may be unreadable */
	publish(&held);
	if (!held.us)
		return;
	task_look_inside(&held.task);
	name_file(&held, server, call_of(server, &first) == SYSCALL_UNREAD ? 0 : first);
	publish(&held);
}

static void look_for_ever(pid_t server)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "frostbite-look");
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	for (unsigned seen = 0;; seen = atomic_load(&looks->asked)) {
		syscall(SYS_futex, &looks->asked, FUTEX_WAIT, seen, NULL, NULL, 0);
		look_once(server);
	}
}

void stuck_begin(pid_t server)
{
	looks = helper_memory(sizeof(*looks));
	looker = looks ? fork() : -1;
	if (looker == 0)
		look_for_ever(server);
}

void stuck_end(void)
{
	if (looker > 0 && signal_process(looker, SIGKILL))
		waitpid(looker, NULL, 0);
	looker = 0;
}

static void emit_held(const struct held *held)
{
	emit(",\"stuck\":{\"us\":%lld,", (long long)held->us);
	task_emit(&held->task);
	if (held->file[0]) {
		emit(",\"file\":");
		emit_string(held->file);
	}
	emit("}");
}

void emit_stuck(int trial, int phase)
{
	static int64_t since;
	static int last_trial = -2, last_phase = -1;

	if (trial != last_trial || phase != last_phase)
		since = now_us();
	last_trial = trial;
	last_phase = phase;
	if (looker <= 0 || trial < 0 || now_us() - since < stuck_after_us)
		return;
	unsigned number = atomic_load(&looks->number);
	struct held held = looks->held;

	atomic_fetch_add(&looks->asked, 1);
	syscall(SYS_futex, &looks->asked, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
	if (number % 2 == 0 && number == atomic_load(&looks->number) && held.us)
		emit_held(&held);
}
