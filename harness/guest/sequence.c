#define _GNU_SOURCE
#include "sequence.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

/*
 * Plays the steps of a request one after another. A failed step is reported and the next is tried all the
 * same, since a table needs each step's own answer. Our own errors (a missing group, a failed fork) and
 * what the kernel lacks end the sequence.
 */

struct told {
	bool ok;
	int64_t us;
	char what[80]; /* verb and name */
	char expected[120], found[160];
};

bool play_miss(struct play *p, const char *expected, const char *format, ...)
{
	va_list args;

	snprintf(p->expected, sizeof(p->expected), "%s", expected);
	va_start(args, format);
	vsnprintf(p->found, sizeof(p->found), format, args);
	va_end(args);
	return false;
}

bool play_error(struct play *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(p->error, sizeof(p->error), format, args);
	va_end(args);
	return false;
}

bool play_outcome(struct play *p, const struct sequence_step *s, int error)
{
	if (error == s->fails)
		return true;
	return play_miss(p, s->fails ? error_name(s->fails) : "success", "%s", error ? error_name(error) : "success");
}

static bool step_sleep(struct play *p, const struct sequence_step *s)
{
	(void)p;
	sleep_us(s->for_us);
	return true;
}

static bool (*const actions[])(struct play *p, const struct sequence_step *s) = {
	[VERB_GROUP] = step_group,     [VERB_REMOVE] = step_remove, [VERB_START] = step_start,
	[VERB_MOVE] = step_move,       [VERB_FREEZE] = step_write,  [VERB_THAW] = step_write,
	[VERB_WRITE] = step_write,     [VERB_STOP] = step_signal,   [VERB_CONT] = step_signal,
	[VERB_KILL] = step_signal,     [VERB_TERM] = step_signal,   [VERB_SEIZE] = step_trace,
	[VERB_INTERRUPT] = step_trace, [VERB_SIGINFO] = step_trace, [VERB_DETACH] = step_trace,
	[VERB_SLEEP] = step_sleep,     [VERB_EXPECT] = step_expect,
};

/* Plays until the end or until it cannot go on; returns how many steps were played. */
static unsigned play(struct play *p, struct told *told)
{
	const struct request *r = p->request;

	for (unsigned i = 0; i < r->nsteps; i++) {
		struct told *t = &told[i];
		int64_t start = now_us();

		p->expected[0] = p->found[0] = '\0';
		t->ok = actions[r->steps[i].verb](p, &r->steps[i]);
		t->us = now_us() - start;
		snprintf(t->what, sizeof(t->what), "%s %s", verb_name(r->steps[i].verb), r->steps[i].name);
		if (p->error[0] || p->unsupported[0])
			return i;
		memcpy(t->expected, p->expected, sizeof(t->expected));
		memcpy(t->found, p->found, sizeof(t->found));
		if (atomic_load(&stop_asked))
			return i + 1;
	}
	return r->nsteps;
}

static void emit_steps(const struct told *told, unsigned n)
{
	emit(",\"steps\":[");
	for (unsigned i = 0; i < n; i++) {
		const struct told *t = &told[i];

		emit("%s{\"step\":%u,\"ok\":%s,\"us\":%lld", i ? "," : "", i, t->ok ? "true" : "false", (long long)t->us);
		if (!t->ok) {
			emit(",\"what\":");
			emit_string(t->what);
			emit(",\"expected\":");
			emit_string(t->expected);
			emit(",\"found\":");
			emit_string(t->found);
		}
		emit("}");
	}
	emit("]");
}

static void emit_play(const struct play *p, const struct told *told, unsigned n)
{
	const char *outcome = p->error[0] ? "error" : p->unsupported[0] ? "unsupported" : "passed";
	char why[400] = "";

	if (p->error[0])
		snprintf(why, sizeof(why), "step %u: %s", n, p->error);
	else if (p->unsupported[0])
		snprintf(why, sizeof(why), "%s", p->unsupported);
	for (unsigned i = 0; i < n && !why[0]; i++) {
		if (told[i].ok)
			continue;
		outcome = "failed";
		snprintf(why, sizeof(why), "step %u, %s: expected %s, found %s", i, told[i].what, told[i].expected,
			 told[i].found);
	}
	emit_begin();
	emit("{\"ev\":\"result\",\"trial\":%d,\"outcome\":\"%s\",\"reason\":", p->request->trial, outcome);
	emit_string(why[0] ? why : NULL);
	emit(",\"frozenUs\":null,\"writes\":0,\"reads\":0,\"thaws\":0,\"states\":[],\"thaw\":null,\"blockers\":[],"
	     "\"tool\":null,\"runtime\":null");
	emit_steps(told, n);
}

/* Releases, thaws, kills and removes what the steps left; false when something remains. */
static bool clean_up(struct play *p)
{
	atomic_store(&shared->phase, PHASE_CLEANUP);
	processes_release(p);
	bool gone = groups_end(p);

	/* reap processes outside any group */
	for (unsigned i = 0; i < p->nprocesses; i++)
		for (unsigned k = 0; k < p->processes[i].count; k++)
			waitpid(p->processes[i].pids[k], NULL, WNOHANG | __WALL);
	return gone;
}

void sequence_run(const struct request *r, const struct hierarchies *h)
{
	static struct play player;
	static struct told told[MAX_STEPS];
	struct play *p = &player;
	int64_t began = now_us();
	const char *why = hierarchy_lacking(h, r->v2);
	unsigned n = 0;

	*p = (struct play){ .request = r, .hierarchies = h };
	slots_clear();
	atomic_store(&shared->trial, r->trial);
	atomic_store(&shared->phase, PHASE_FREEZING);
	if (why)
		snprintf(p->unsupported, sizeof(p->unsupported), "%s", why);
	else
		n = play(p, told);
	emit_play(p, told, n);
	bool gone = clean_up(p);

	emit_kmsg();
	emit(",\"reusable\":%s,\"guestUs\":%lld}", gone ? "true" : "false", (long long)(now_us() - began));
	if (!emit_end())
		atomic_store(&stop_asked, 1);
	atomic_store(&shared->trial, -1);
	atomic_store(&shared->phase, PHASE_IDLE);
}
