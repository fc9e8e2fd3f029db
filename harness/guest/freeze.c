#define _GNU_SOURCE
#include "calls.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

static bool due(const struct schedule *s, unsigned k)
{
	if (!s->every)
		return false;
	for (unsigned i = 0; i < s->count; i++)
		if (k % s->every == s->at[i])
			return true;
	return false;
}

static void note(struct freeze_log *log, enum freezer_state state)
{
	unsigned n = log->nstates;

	if ((n && log->states[n - 1].state == state) || n == MAX_STATES)
		return;
	log->states[n].us = now_us() - log->start_us;
	log->states[n].state = state;
	log->nstates++;
}

/* The state of one freeze. */
struct search {
	const struct strategy *strategy;
	struct freeze_log *log;
	struct reach reach;
	int64_t deadline, written; /* latest end of the freeze; time of the last write */
};

static void write_state(struct search *f, bool frozen)
{
	struct freeze_log *log = f->log;

	if (!calls_write(&f->reach, frozen) && !log->error)
		log->error = errno;
	if (frozen)
		log->writes++;
	else
		log->thaws++;
	f->written = now_us();
}

/* A state that cannot be read or written ends the freeze, as in every tool. */
static enum freezer_state read_state(struct search *f)
{
	struct freeze_log *log = f->log;
	enum freezer_state state = calls_read(&f->reach);

	if (state == STATE_OTHER && !log->error)
		log->error = errno ? errno : EPROTO;
	log->reads++;
	note(log, state);
	return state;
}

/* Never sleeps past the deadline: CRIU's alarm interrupts its nanosleep, and the state is read once more. */
static void sleep_before(int64_t us, int64_t deadline)
{
	int64_t left = deadline - now_us();

	sleep_us(us < left ? us : left);
}

/* cgroup.events notifies by POLLPRI (cgroup-v2.rst); a notification from before the wait is seen at once. */
static void wait_events(struct group *g, int64_t deadline)
{
	int64_t left = deadline - now_us();
	struct timespec t = { left / 1000000, left % 1000000 * 1000 };
	struct pollfd p = { .fd = g->events, .events = POLLPRI };

	if (left > 0)
		ppoll(&p, 1, &t, NULL);
}

/* Shorter polls do not count as waits. */
#define WAIT_US 1000
/* A group still FREEZING this long after the last write is waiting for the next write. */
#define SETTLED_US 300000

/* When the next write is due, as far as that is known after the write of step k. */
static int64_t next_write(const struct search *f, unsigned k)
{
	const struct strategy *s = f->strategy;
	unsigned most = s->attempts - k;
	unsigned steps = 1;

	if (s->wait_events)
		return f->deadline;
	while (steps < most && !due(&s->thaw, k + steps) && !due(&s->rewrite, k + steps) && steps < 1000)
		steps++;
	int64_t at = now_us() + (int64_t)steps * s->poll_us;

	return at < f->deadline ? at : f->deadline;
}

/* Publishes how long the strategy only reads, for those who share the host; another process reads it. */
static void tell_quiet(const struct search *f, unsigned k)
{
	const struct strategy *s = f->strategy;
	bool is_quiet = (s->wait_events || s->poll_us >= WAIT_US) && now_us() - f->written >= SETTLED_US;
	bool was_quiet = atomic_exchange(&shared->quiet_until, is_quiet ? next_write(f, k) : 0);

	if (is_quiet && !was_quiet)
		beat_now();
}

/* Pauses after the write of step k. */
static void wait_step(struct search *f, unsigned k)
{
	tell_quiet(f, k);
	if (f->strategy->wait_events)
		wait_events(f->reach.group, f->deadline);
	else
		sleep_before(f->strategy->poll_us, f->deadline);
}

static void write_again(struct search *f, unsigned k)
{
	const struct strategy *s = f->strategy;

	if (due(&s->thaw, k)) {
		write_state(f, false);
		note(f->log, STATE_THAWED);
		sleep_before(s->thaw_for_us, f->deadline);
		write_state(f, true);
	} else if (due(&s->rewrite, k)) {
		write_state(f, true);
	}
}

/* One step of the loop in strategy.ts; true when the state is to be read again. */
static bool step(struct search *f, unsigned k)
{
	const struct strategy *s = f->strategy;
	struct freeze_log *log = f->log;

	if (k && s->poll_first)
		wait_step(f, k - 1);
	if (k)
		write_again(f, k);
	if (log->error)
		return false;
	if (k && !s->poll_first)
		wait_step(f, k);
	if (due(&s->settle, k))
		sleep_before(s->settle_us, f->deadline);
	/* checked before the read: a read at or after the deadline is the last */
	bool late = now_us() >= f->deadline || atomic_load(&stop_asked);

	log->frozen = read_state(f) == STATE_FROZEN;
	if (log->frozen)
		log->frozen_us = now_us() - log->start_us;
	return !log->frozen && !late && !log->error && log->reads < s->attempts;
}

/* Allocates and prints nothing between the first write and the last read. */
void freeze(struct group *g, const struct strategy *s, struct freeze_log *log)
{
	struct search f = { .strategy = s, .log = log };

	calls_begin(&f.reach, g, s->calls);
	log->start_us = now_us();
	note(log, group_read(g));
	log->states[0].us = 0;
	log->start_us = f.written = now_us();
	f.deadline = log->start_us + s->deadline_us;
	/* FROZEN was written already (attach-to-frozen): only wait for the state */
	if (!g->asked)
		write_state(&f, true);
	for (unsigned k = 0; step(&f, k); k++)
		;
	atomic_store(&shared->quiet_until, 0);
	calls_end(&f.reach);
}
