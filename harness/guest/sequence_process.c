#define _GNU_SOURCE
#include "sequence.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define START_US 10000000
#define TRACE_US 10000000

/* What the processes of a `start` need; set before they are forked. */
static struct { int64_t nap_us; int state; bool v2; } given;

static void nap(unsigned slot)
{
	bump(slot);
	sleep_us(given.nap_us);
	_exit(0);
}

static void spin(unsigned slot)
{
	for (;;)
		bump(slot);
}

/* A binary tree of forks whose leaves exit at once. */
static void fork_tree(unsigned slot, unsigned depth)
{
	pid_t child[2];

	bump(slot);
	sleep_us(1000);
	if (depth == 0)
		return;
	for (unsigned i = 0; i < ARRAY_SIZE(child); i++) {
		child[i] = fork();
		if (child[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			fork_tree(slot, depth - 1);
			_exit(0);
		}
	}
	for (unsigned i = 0; i < ARRAY_SIZE(child); i++)
		if (child[i] > 0)
			waitpid(child[i], NULL, 0);
}

static void forkbomb(unsigned slot)
{
	for (;;)
		fork_tree(slot, 4);
}

static void vfork_parent(unsigned slot)
{
	pid_t child = vfork();

	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		atomic_store(&counters->slots[slot].child, getpid());
		for (;;)
			pause();
	}
	if (child < 0)
		slot_fail(slot, "vfork");
	tick(slot);
}

static void freeze_self(unsigned slot)
{
	const char *text = given.v2 ? "1" : "FROZEN";

	if (!control_write(given.state, text))
		atomic_store(&counters->slots[slot].error, errno);
	tick(slot);
}

static void (*const entries[])(unsigned slot) = { tick, spin, nap, forkbomb, vfork_parent, freeze_self };

struct named_process *play_process(struct play *p, const char *name)
{
	for (unsigned i = 0; i < p->nprocesses; i++)
		if (!strcmp(p->processes[i].name, name))
			return &p->processes[i];
	return NULL;
}

unsigned process_pids(struct named_process *q)
{
	pid_t child = atomic_load(&counters->slots[q->slot].child);

	/* the kernel confirms that it is a child; the process's own claim is not trusted */
	if (!q->pids[q->count] && child > 0 && task_parent(child) == q->pids[0])
		q->pids[q->count] = child;
	return q->count + (q->pids[q->count] > 0);
}

static pid_t fork_member(unsigned slot, enum kind kind, const struct named_group *g)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	quiet_child();
	if (g && !control_write(g->group.procs, "0"))
		slot_fail(slot, "into its group");
	atomic_fetch_add(&counters->slots[slot].ready, 1);
	entries[kind](slot);
	_exit(70);
}

static bool all_there(void *arg)
{
	struct named_process *q = arg;
	struct counter *slot = &counters->slots[q->slot];

	if (atomic_load(&slot->error))
		return true;
	if (q->kind == KIND_VFORK)
		return atomic_load(&slot->child) > 0;
	return atomic_load(&slot->ready) == (int)q->count;
}

bool step_start(struct play *p, const struct sequence_step *s)
{
	struct named_group *g = s->at[0] ? play_group(p, s->at) : NULL;

	if (s->at[0] && (!g || !g->there))
		return play_error(p, "no group %s", s->at);
	if (p->nprocesses == MAX_SLOTS)
		return play_error(p, "more than %d processes", MAX_SLOTS);
	/* in a frozen group they only get as far as entering it */
	bool waits = !g || group_read(&g->group) == STATE_THAWED;
	struct named_process *q = &p->processes[p->nprocesses];

	*q = (struct named_process){ .slot = p->nprocesses++, .kind = s->kind };
	strcpy(q->name, s->name);
	strcpy(q->in, s->at);
	given.nap_us = s->for_us;
	given.state = g ? g->group.state : -1;
	given.v2 = p->request->v2;
	for (; q->count < s->count; q->count++) {
		q->pids[q->count] = fork_member(q->slot, s->kind, g);
		if (q->pids[q->count] < 0)
			return play_error(p, "fork: %s", strerror(errno));
	}
	if (waits && !wait_until(all_there, q, START_US))
		return play_error(p, "%s did not start within %d s", s->name, START_US / 1000000);
	int error = atomic_load(&counters->slots[q->slot].error);

	process_pids(q);
	return error ? play_error(p, "%s, into %s: %s", s->name, s->at, strerror(error)) : true;
}

bool step_move(struct play *p, const struct sequence_step *s)
{
	struct named_process *q = play_process(p, s->name);
	struct named_group *g = play_group(p, s->at);
	int error = 0;

	if (!q || !g || !g->there)
		return play_error(p, "no %s %s", q ? "group" : "process", q ? s->at : s->name);
	unsigned n = process_pids(q);

	for (unsigned i = 0; i < n; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%d", q->pids[i]);
		if (!control_write(g->group.procs, text) && !error)
			error = errno;
	}
	if (!error)
		strcpy(q->in, s->at);
	return play_outcome(p, s, error);
}

struct shot {
	int signal, error;
};

static bool shoot(pid_t tid, void *arg)
{
	struct shot *shot = arg;

	if (!signal_process(tid, shot->signal))
		shot->error = errno;
	return true;
}

/* Signals a process, or every task of a group. */
bool step_signal(struct play *p, const struct sequence_step *s)
{
	struct named_process *q = play_process(p, s->name);
	struct named_group *g = play_group(p, s->name);
	struct shot shot = {
		.signal = s->verb == VERB_STOP ? SIGSTOP :
			  s->verb == VERB_CONT ? SIGCONT :
			  s->verb == VERB_TERM ? SIGTERM :
						 SIGKILL,
	};

	if (q)
		for (unsigned i = 0; i < process_pids(q); i++)
			shoot(q->pids[i], &shot);
	else if (g && g->there)
		group_each_thread(&g->group, shoot, &shot);
	else
		return play_error(p, "no process or group %s", s->name);
	/* one that ended in the meantime is gone all the same */
	return play_outcome(p, s, shot.error == ESRCH ? 0 : shot.error);
}

struct stop_wait {
	pid_t pid;
	int status;
};

static bool is_stopped(void *arg)
{
	struct stop_wait *wait = arg;

	return waitpid(wait->pid, &wait->status, WNOHANG | __WALL) == wait->pid;
}

bool step_trace(struct play *p, const struct sequence_step *s)
{
	struct named_process *q = play_process(p, s->name);
	siginfo_t info;
	long done;

	if (!q)
		return play_error(p, "no process %s", s->name);
	if (s->verb == VERB_SEIZE) {
		done = ptrace(PTRACE_SEIZE, q->pids[0], 0, 0);
		q->traced = done == 0;
	} else if (s->verb == VERB_INTERRUPT) {
		struct stop_wait wait = { .pid = q->pids[0] };

		done = ptrace(PTRACE_INTERRUPT, q->pids[0], 0, 0);
		if (done == 0 && !wait_until(is_stopped, &wait, s->within_us ? s->within_us : TRACE_US))
			return play_miss(p, "a ptrace stop", "none came; the process is in %c", task_state(q->pids[0]));
		if (done == 0 && !WIFSTOPPED(wait.status))
			return play_miss(p, "a ptrace stop", "the process ended");
	} else if (s->verb == VERB_SIGINFO) {
		done = ptrace(PTRACE_GETSIGINFO, q->pids[0], 0, &info);
	} else {
		done = ptrace(PTRACE_DETACH, q->pids[0], 0, 0);
		q->traced = q->traced && done < 0;
	}
	return play_outcome(p, s, done < 0 ? errno : 0);
}

/* Runs before the groups are thawed: not all kernels could kill traced or stopped processes. */
void processes_release(struct play *p)
{
	for (unsigned i = 0; i < p->nprocesses; i++) {
		struct named_process *q = &p->processes[i];

		if (q->traced)
			ptrace(PTRACE_DETACH, q->pids[0], 0, 0);
		for (unsigned k = 0; k < process_pids(q); k++)
			if (signal_process(q->pids[k], SIGCONT))
				signal_process(q->pids[k], SIGKILL);
	}
}
