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
		counts[i] = atomic_load(&shared->slots[i].count);
}

/* The slots whose processes ran since, as a mask. */
static unsigned moved_since(const struct trial *t, const uint64_t *counts)
{
	unsigned moved = 0;

	for (unsigned i = 0; i < t->nslots; i++)
		if (atomic_load(&shared->slots[i].count) != counts[i])
			moved |= 1u << i;
	return moved;
}

/* The processes that have not run since, save those that were to die and did. */
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

/* While the group reads FROZEN nobody in it may run; a moving counter shows who does. */
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

struct thaw {
	const char *outcome;
	int64_t us; /* -1: not all ran again */
	unsigned casualties;
};

struct running {
	struct trial *trial;
	uint64_t counts[MAX_SLOTS];
};

static bool all_run_again(void *arg)
{
	struct running *r = arg;

	return count_lost(r->trial, r->counts) == 0;
}

static bool reads_thawed(void *arg)
{
	return group_read(arg) == STATE_THAWED;
}

/* THAWED first, then the release of the cause; then every process has to run again. */
static struct thaw thaw_group(struct trial *t)
{
	struct running running = { .trial = t };

	set_phase(PHASE_THAWING);
	snapshot(t, running.counts);
	int64_t start = now_us();

	group_write(&t->group, false);
	bool thawed = wait_until(reads_thawed, &t->group, THAW_STUCK_US);

	if (t->workload->release)
		t->workload->release(t);
	if (wait_until(all_run_again, &running, CASUALTY_US))
		return (struct thaw){ thawed ? "thawed" : "thaw-stuck", now_us() - start, 0 };
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

static void emit_tail(bool reusable, int64_t began)
{
	emit(",\"reusable\":%s,\"guestUs\":%lld}", reusable ? "true" : "false", (long long)(now_us() - began));
	if (!emit_end())
		atomic_store(&stop_asked, 1);
}

/* A trial that did not come to a freeze: nothing was measured. */
static void emit_unmeasured(const struct request *r, const char *outcome, const char *reason, bool reusable, int64_t began)
{
	emit_head(r, outcome, reason);
	emit(",\"frozenUs\":null,\"writes\":0,\"reads\":0,\"thaws\":0,\"states\":[],\"thaw\":null,\"blockers\":[]");
	emit_tail(reusable, began);
}

static const char *lacking(const struct trial *t, const struct hierarchies *h)
{
	if (!t->request->v2)
		return h->v1[0] ? NULL : "no cgroup v1 freezer is mounted: CONFIG_CGROUP_FREEZER, or the guest's set-up";
	if (!h->v2[0])
		return "no cgroup2 is mounted: Linux 4.5 or newer, or the guest's set-up";
	return NULL;
}

static void clear_slots(void)
{
	for (unsigned i = 0; i < MAX_SLOTS; i++) {
		atomic_store(&shared->slots[i].count, 0);
		atomic_store(&shared->slots[i].pid, 0);
		atomic_store(&shared->slots[i].ready, 0);
		atomic_store(&shared->slots[i].error, 0);
		atomic_store(&shared->slots[i].doomed, 0);
	}
	atomic_store(&shared->go, 0);
	atomic_store(&shared->served, 0);
	shared->path[0] = '\0';
}

/* Ends a trial that could not be measured. */
static void give_up(struct trial *t, int64_t began)
{
	set_phase(PHASE_CLEANUP);
	group_write(&t->group, false);
	if (t->workload->release)
		t->workload->release(t);
	end_server(t);
	emit_unmeasured(t->request, t->lacks ? "unsupported" : "error", t->why, group_destroy(&t->group, CLEANUP_US), began);
}

/* The experiment itself, on processes that are in their state. */
static void measure(struct trial *t, int64_t began)
{
	const struct request *r = t->request;
	static struct freeze_log log;
	uint32_t seed = r->seed;
	char moved[120] = "";

	log = (struct freeze_log){ 0 };
	atomic_store(&shared->go, 1);
	sleep_us(random_below(&seed, t->workload->within_us ? t->workload->within_us : 5000));
	set_phase(PHASE_FREEZING);
	freeze(&t->group, &r->strategy, &log);
	if (log.error) {
		trial_fail(t, "write to %s of %s: %s", r->v2 ? "cgroup.freeze" : "freezer.state", t->group.path,
			   strerror(log.error));
		give_up(t, began);
		return;
	}
	struct witness w = { 0 };

	if (log.frozen) {
		w = watch_frozen(t);
		if (w.moved)
			snprintf(moved, sizeof(moved), "%d of %u processes ran while the group read FROZEN (then %s)",
				 __builtin_popcount(w.moved), t->nslots, state_names[w.state]);
		else if (w.state != STATE_FROZEN)
			snprintf(moved, sizeof(moved), "read FROZEN, then %s without a thaw", state_names[w.state]);
	}
	emit_head(r, !log.frozen ? "not-frozen" : moved[0] ? "false-frozen" : "frozen", moved[0] ? moved : NULL);
	emit_log(&log);
	emit(",\"blockers\":");
	if (log.frozen && !moved[0])
		emit("[]");
	else
		emit_blockers(t, w.moved);
	struct thaw thaw = thaw_group(t);

	emit_thaw(&thaw);
	set_phase(PHASE_CLEANUP);
	end_server(t);
	emit_tail(group_destroy(&t->group, CLEANUP_US), began);
}

void trial_run(const struct request *r, const struct hierarchies *h)
{
	static struct trial trial;
	struct trial *t = &trial;
	int64_t began = now_us();
	const char *why;

	*t = (struct trial){ .request = r, .workload = workload_find(r->workload) };
	clear_slots();
	atomic_store(&shared->seed, r->seed);
	atomic_store(&shared->trial, r->trial);
	set_phase(PHASE_SETUP);
	why = lacking(t, h);
	if (!why && t->workload->needs)
		why = t->workload->needs();
	if (why) {
		emit_unmeasured(r, "unsupported", why, true, began);
	} else if ((why = group_create(&t->group, h, r->v2, r->trial))) {
		bool lacks = t->group.lacks_freezer;

		emit_unmeasured(r, lacks ? "unsupported" : "error", why, group_destroy(&t->group, CLEANUP_US), began);
	} else if (!t->workload->start(t)) {
		give_up(t, began);
	} else {
		measure(t, began);
	}
	atomic_store(&shared->trial, -1);
	set_phase(PHASE_IDLE);
}
