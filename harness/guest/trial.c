#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define THAW_STUCK_US 2000000
#define CASUALTY_US 2000000
#define CLEANUP_US 3000000

static void set_phase(enum phase phase)
{
	atomic_store(&shared->phase, phase);
}

static void snapshot(const struct trial *t, uint64_t *counts)
{
	for (unsigned i = 0; i < t->nslots; i++)
		counts[i] = atomic_load(&counters->slots[i].count);
}

/* The mask of slots whose processes have run since. */
static unsigned moved_since(const struct trial *t, const uint64_t *counts)
{
	unsigned moved = 0;

	for (unsigned i = 0; i < t->nslots; i++)
		if (atomic_load(&counters->slots[i].count) != counts[i])
			moved |= 1u << i;
	return moved;
}

/* How many processes have not run since, except those that were meant to die and did. */
static unsigned count_lost(const struct trial *t, const uint64_t *counts)
{
	unsigned moved = moved_since(t, counts), lost = 0;

	for (unsigned i = 0; i < t->nslots; i++) {
		if (moved & 1u << i)
			continue;
		char state = atomic_load(&shared->slots[i].doomed) ? task_state(atomic_load(&shared->slots[i].pid)) : 'S';

		lost += state != '\0' && state != 'Z' && state != 'X';
	}
	return lost;
}

struct witness {
	unsigned moved; /* mask of slots */
	enum freezer_state state;
};

/* While the group reads FROZEN none of its processes may run; a moving counter shows which one does. */
static struct witness watch_frozen(struct trial *t)
{
	uint64_t counts[MAX_SLOTS];
	struct witness w;

	set_phase(PHASE_WITNESS);
	snapshot(t, counts);
	sleep_us(t->request->hold_us);
	w.moved = moved_since(t, counts);
	w.state = group_read(&t->group);
	return w;
}

struct running {
	struct trial *trial;
	uint64_t counts[MAX_SLOTS];
};

static bool all_run_again(void *arg)
{
	struct running *r = arg;

	return count_lost(r->trial, r->counts) == 0 || container_has_ended(r->trial);
}

static bool reads_thawed(void *arg)
{
	return group_read(arg) == STATE_THAWED;
}

struct thaw trial_thaw(struct trial *t, struct tool_result *tool)
{
	struct running running = { .trial = t };

	set_phase(PHASE_THAWING);
	snapshot(t, running.counts);
	int64_t since = 0;

	if (!tool->name || !tool_thaw(t, tool, &since)) {
		since = now_us();
		group_write(&t->group, false);
	}
	bool thawed = wait_patiently(reads_thawed, &t->group, THAW_STUCK_US);

	/* after a gap nothing has looked up their pids yet */
	container_pids(t);
	if (t->workload->release) {
		t->workload->release(t);
		since = now_us();
	}
	if (wait_patiently(all_run_again, &running, CASUALTY_US) && !container_has_ended(t))
		return (struct thaw){ thawed ? "thawed" : "thaw-stuck", now_us() - since, 0 };
	unsigned lost = count_lost(t, running.counts);

	return (struct thaw){ thawed ? "casualties" : "thaw-stuck", -1, lost };
}

static void emit_head(const struct request *r, const char *outcome, const char *reason)
{
	emit_begin();
	emit("{\"ev\":\"result\",\"trial\":%d,\"outcome\":\"%s\",\"reason\":", r->trial, outcome);
	emit_string(reason);
}

static void emit_log(const struct freeze_log *log)
{
	if (log->frozen)
		emit(",\"frozenUs\":%lld", (long long)log->frozen_us);
	else
		emit(",\"frozenUs\":null");
	emit(",\"writes\":%u,\"reads\":%u,\"thaws\":%u,\"states\":[", log->writes, log->reads, log->thaws);
	for (unsigned i = 0; i < log->nstates; i++)
		emit("%s[%lld,\"%s\"]", i ? "," : "", (long long)(log->states[i].us < 0 ? 0 : log->states[i].us),
		     state_names[log->states[i].state]);
	emit("]");
}

static void emit_thaw(const struct thaw *thaw)
{
	emit(",\"thaw\":{\"outcome\":\"%s\",\"us\":", thaw->outcome);
	if (thaw->us < 0)
		emit("null");
	else
		emit("%lld", (long long)thaw->us);
	emit(",\"casualties\":%u}", thaw->casualties);
}

static void emit_tool(const struct tool_result *tool)
{
	if (!tool->name) {
		emit(",\"tool\":null");
		return;
	}
	emit(",\"tool\":{\"name\":\"%s\",\"version\":", tool->name);
	emit_string(tool->version);
	if (tool->code < 0)
		emit(",\"code\":null");
	else
		emit(",\"code\":%d", tool->code);
	emit(",\"ok\":%s,\"us\":%lld,\"error\":", tool->ok ? "true" : "false", (long long)tool->us);
	emit_string(tool->error[0] ? tool->error : NULL);
	emit("}");
}

static void emit_runtime(const struct request *r)
{
	emit(",\"runtime\":");
	emit_string(r->runtime ? program_version(runtime_names[r->runtime]) : NULL);
	emit_parameters(workload_find(r->workload), &r->parameters);
}

static void emit_tail(bool reusable, int64_t began)
{
	emit_kmsg();
	emit(",\"reusable\":%s,\"guestUs\":%lld}", reusable ? "true" : "false", (long long)(now_us() - began));
	if (!emit_end())
		atomic_store(&stop_asked, 1);
}

/* For a trial that never got to the freeze: nothing was measured. */
static void emit_unmeasured(const struct request *r, const char *outcome, const char *reason, bool reusable, int64_t began)
{
	emit_head(r, outcome, reason);
	emit(",\"frozenUs\":null,\"writes\":0,\"reads\":0,\"thaws\":0,\"states\":[],\"thaw\":null,\"blockers\":[],"
	     "\"tool\":null,\"runtime\":null");
	emit_tail(reusable, began);
}

void slots_clear(void)
{
	for (unsigned i = 0; i < MAX_SLOTS; i++) {
		atomic_store(&counters->slots[i].count, 0);
		atomic_store(&shared->slots[i].pid, 0);
		atomic_store(&counters->slots[i].ready, 0);
		atomic_store(&counters->slots[i].error, 0);
		memset(counters->slots[i].failed, 0, sizeof(counters->slots[i].failed));
		atomic_store(&shared->slots[i].doomed, 0);
		atomic_store(&counters->slots[i].inner, 0);
		atomic_store(&shared->slots[i].entry, 0);
		atomic_store(&counters->slots[i].child, 0);
	}
	atomic_store(&shared->go, 0);
	atomic_store(&counters->served, 0);
	shared->path[0] = '\0';
}

/* Kills what is left, including the container. False when something could not be removed. */
static bool destroy(struct trial *t)
{
	if (t->request->runtime)
		group_empty(&t->group, CLEANUP_US);
	load_end(t);
	if (t->request->runtime)
		container_end(t);
	return group_destroy(&t->group, CLEANUP_US) && !t->stuck;
}

/* Ends a trial that could not be measured. */
static void give_up(struct trial *t, int64_t began)
{
	set_phase(PHASE_CLEANUP);
	group_write(&t->group, false);
	if (t->workload->release)
		t->workload->release(t);
	end_server(t);
	emit_unmeasured(t->request, t->lacks ? "unsupported" : "error", t->why, destroy(t), began);
}

struct answer {
	struct freeze_log log;
	struct tool_result tool;
	struct witness witness;
	char moved[240]; /* why FROZEN was not true; "": it was */
};

/* Freezes with the strategy's own loop, then runs the witness. */
static void freeze_ourselves(struct trial *t, struct answer *a)
{
	freeze(&t->group, &t->request->strategy, &a->log);
	if (!a->log.frozen)
		return;
	a->witness = watch_frozen(t);
	if (a->witness.moved)
		snprintf(a->moved, sizeof(a->moved), "%d of %u processes ran while the group read FROZEN (then %s)",
			 __builtin_popcount(a->witness.moved), t->nslots, state_names[a->witness.state]);
	else if (a->witness.state != STATE_FROZEN)
		snprintf(a->moved, sizeof(a->moved), "read FROZEN, then %s without a thaw", state_names[a->witness.state]);
}

/* Freezes with a real program, which the witness watches; a pause also has to hold afterwards. */
static void freeze_by_tool(struct trial *t, struct answer *a)
{
	unsigned moved = 0;

	tool_freeze(t, &a->log, &a->tool, &moved);
	if (a->log.frozen && a->tool.ok && t->request->tool < TOOL_CRIU_DUMP)
		a->witness = watch_frozen(t);
	a->witness.moved |= moved;
	if (a->log.frozen && a->witness.moved)
		snprintf(a->moved, sizeof(a->moved), "%d of %u processes ran while the group read FROZEN",
			 __builtin_popcount(a->witness.moved), t->nslots);
}

/* Whether the blockers can be shown: a tool that gave up has thawed the group. */
static bool shows_blockers(struct trial *t, const struct answer *a)
{
	return !a->tool.name || a->moved[0] || group_read(&t->group) != STATE_THAWED;
}

static void emit_answer(struct trial *t, const struct answer *a)
{
	const struct freeze_log *log = &a->log;
	const char *why = a->moved[0] ? a->moved : !log->frozen && a->tool.error[0] ? a->tool.error : NULL;

	emit_head(t->request, !log->frozen ? "not-frozen" : a->moved[0] ? "false-frozen" : "frozen", why);
	emit_log(log);
	emit(",\"blockers\":");
	if (log->frozen && !a->moved[0])
		forget_blockers();
	/* else report those that were seen while a tool tried */
	else if (shows_blockers(t, a))
		find_blockers(t, a->witness.moved);
	emit_blockers();
}

/* Waits for the moment of the freeze: random within the time that the workload names, or the gap after its start. */
static void wait_moment(struct trial *t)
{
	const struct request *r = t->request;
	uint32_t seed = r->seed;
	unsigned within_us = t->workload->within_us ? t->workload->within_us : 5000;

	atomic_store(&shared->go, 1);
	if (r->gap_us >= 0)
		sleep_us(r->gap_from_us + random_below(&seed, (uint32_t)(r->gap_us - r->gap_from_us) + 1));
	else
		sleep_us(random_below(&seed, within_us));
}

/*
 * A container whose first process is gone has no processes left, and an empty group is FROZEN at once: nothing was
 * measured. `runc checkpoint` ends the container on purpose.
 */
static bool has_lost_container(struct trial *t, const char *when)
{
	if (t->request->tool == TOOL_RUNC_CHECKPOINT || !container_has_ended(t))
		return false;
	trial_fail(t, "the first process of the container, %d, ended %s, and all others with it", t->init, when);
	return true;
}

/* The experiment itself, on processes that are in their state. */
static void measure(struct trial *t, int64_t began)
{
	const struct request *r = t->request;
	static struct answer a;

	a = (struct answer){ 0 };
	grace_expedite(false);
	wait_moment(t);
	set_phase(PHASE_FREEZING);
	if (r->tool)
		freeze_by_tool(t, &a);
	else
		freeze_ourselves(t, &a);
	/* a tool that never got to the freeze has said nothing about it */
	if (a.tool.name && !a.tool.ok && a.log.nstates == 1 && !a.log.frozen) {
		tool_emit_logs(t);
		trial_fail(t, "%s never asked for FROZEN: %.150s", a.tool.name, a.tool.error);
		give_up(t, began);
		return;
	}
	if (a.log.error) {
		trial_fail(t, "%s of %s: %s", r->v2 ? "cgroup.freeze" : "freezer.state", t->group.path,
			   strerror(a.log.error));
		give_up(t, began);
		return;
	}
	if (a.tool.name && (!a.log.frozen || !a.tool.ok))
		tool_emit_logs(t);
	if (has_lost_container(t, "during the freeze")) {
		give_up(t, began);
		return;
	}
	if (r->keep)
		keep_group(t, a.log.frozen);
	if (!a.log.frozen && shows_blockers(t, &a))
		look_on(t);
	/* put together before the thaw, which changes what it reports */
	emit_answer(t, &a);
	struct thaw thaw = trial_thaw(t, &a.tool);

	if (has_lost_container(t, "before all of them ran again")) {
		give_up(t, began);
		return;
	}
	emit_thaw(&thaw);
	emit_tool(&a.tool);
	emit_runtime(r);
	set_phase(PHASE_CLEANUP);
	grace_expedite(true);
	end_server(t);
	emit_tail(destroy(t), began);
}

/* Makes the group, bare or a container's, and starts the workload in it. */
static bool set_up(struct trial *t)
{
	const struct request *r = t->request;

	if (!load_start(t))
		return false;
	if (!r->runtime)
		return t->workload->start(t);
	if (!container_create(t))
		return false;
	/* ordered first, so that the workload's processes are made as soon as the container runs */
	if (r->gap_us >= 0)
		return t->workload->start(t) && container_start(t);
	return container_start(t) && t->workload->start(t);
}

static const char *gap_lacking(const struct workload *w, const struct request *r)
{
	if (w->gap == GAP_NEVER)
		return "no startGap with this workload: its start acts on the state of its processes";
	if (w->gap == GAP_BARE && r->runtime)
		return "no startGap with this workload in a container: its start acts on processes that are not there yet";
	return NULL;
}

void trial_run(const struct request *r, const struct hierarchies *h)
{
	static struct trial trial;
	struct trial *t = &trial;
	int64_t began = now_us();
	const char *why;

	*t = (struct trial){
		.request = r,
		.workload = workload_find(r->workload),
		.group = { .v2 = r->v2, .procs = -1, .state = -1, .events = -1 },
	};
	snprintf(t->id, sizeof(t->id), "frostline-%d-%d", getpid(), r->trial);
	slots_clear();
	atomic_store(&shared->seed, r->seed);
	shared->parameters = r->parameters;
	atomic_store(&shared->trial, r->trial);
	set_phase(PHASE_SETUP);
	/* a container's start is part of the race with a freeze that comes after a gap */
	grace_expedite(r->gap_us < 0);
	why = hierarchy_lacking(h, r->v2);
	if (!why && t->workload->needs)
		why = t->workload->needs();
	if (!why && r->parameters.exec == EXEC_TINY && !tiny_is_known())
		why = "exec: tiny is a program for x86-64 and arm64";
	if (!why)
		why = r->runtime ? t->workload->bare_only : t->workload->boxed_only;
	if (!why && r->gap_us >= 0)
		why = gap_lacking(t->workload, r);
	if (!why && t->workload->meets && (r->tool == TOOL_CRIU_DUMP || r->tool == TOOL_RUNC_CHECKPOINT))
		why = "a container that CRIU dumps shares no /tmp, where this workload's processes find what they wait for";
	if (!why)
		why = container_lacking(r);
	if (why) {
		emit_unmeasured(r, "unsupported", why, true, began);
	} else if (!r->runtime && (why = group_create(&t->group, h, r->v2, r->trial))) {
		bool lacks = t->group.lacks_freezer;

		emit_unmeasured(r, lacks ? "unsupported" : "error", why, group_destroy(&t->group, CLEANUP_US), began);
	} else if (!set_up(t)) {
		give_up(t, began);
	} else {
		measure(t, began);
	}
	grace_expedite(false);
	atomic_store(&shared->trial, -1);
	set_phase(PHASE_IDLE);
}
