#define _GNU_SOURCE
#include "frostbite.h"

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

static void write_state(struct group *g, struct freeze_log *log, bool frozen)
{
	if (!group_write(g, frozen) && !log->error)
		log->error = errno;
	if (frozen)
		log->writes++;
	else
		log->thaws++;
}

/* Never past the deadline: CRIU's alarm interrupts its nanosleep, and the state is read once more. */
static void sleep_before(int64_t us, int64_t deadline)
{
	int64_t left = deadline - now_us();

	sleep_us(us < left ? us : left);
}

/* A notification on cgroup.events is POLLPRI (cgroup-v2.rst); one that came before is seen at once. */
static void wait_events(struct group *g, int64_t deadline)
{
	int64_t left = deadline - now_us();
	struct timespec t = { left / 1000000, left % 1000000 * 1000 };
	struct pollfd p = { .fd = g->events, .events = POLLPRI };

	if (left > 0)
		ppoll(&p, 1, &t, NULL);
}

/* Shorter polls are no wait. */
#define WAIT_US 1000
/* A group that has been FREEZING for so long after the last write waits for the next. */
#define SETTLED_US 300000

/* When the next write is due, as far as that can be said at step k. */
static int64_t next_write(const struct strategy *s, unsigned k, int64_t deadline)
{
	unsigned most = s->attempts - k;
	unsigned steps = 1;

	if (s->wait_events)
		return deadline;
	while (steps < most && !due(&s->thaw, k + steps) && !due(&s->rewrite, k + steps) && steps < 1000)
		steps++;
	int64_t at = now_us() + (int64_t)steps * s->poll_us;

	return at < deadline ? at : deadline;
}

/* For who shares the host: whoever reads this is another process. */
static void tell_quiet(const struct strategy *s, unsigned k, int64_t written, int64_t deadline)
{
	bool is_quiet = (s->wait_events || s->poll_us >= WAIT_US) && now_us() - written >= SETTLED_US;
	bool was_quiet = atomic_exchange(&shared->quiet_until, is_quiet ? next_write(s, k, deadline) : 0);

	if (is_quiet && !was_quiet)
		beat_now();
}

/* The loop of strategy.ts. Nothing is allocated or printed between the first write and the last read. */
void freeze(struct group *g, const struct strategy *s, struct freeze_log *log)
{
	log->start_us = now_us();
	int64_t deadline = log->start_us + s->deadline_us, written;

	note(log, group_read(g));
	log->states[0].us = 0;
	log->start_us = now_us();
	/* asked already: the state of a group that was FROZEN and was attached to is sought without a write */
	if (!g->asked)
		write_state(g, log, true);
	written = now_us();
	for (unsigned k = 0;; k++) {
		if (k && due(&s->thaw, k)) {
			write_state(g, log, false);
			note(log, STATE_THAWED);
			sleep_before(s->thaw_for_us, deadline);
			write_state(g, log, true);
			written = now_us();
		} else if (k && due(&s->rewrite, k)) {
			write_state(g, log, true);
			written = now_us();
		}
		tell_quiet(s, k, written, deadline);
		if (k && s->wait_events)
			wait_events(g, deadline);
		else if (k)
			sleep_before(s->poll_us, deadline);
		if (due(&s->settle, k))
			sleep_before(s->settle_us, deadline);
		/* taken before the read: the read at or after the deadline is the last */
		bool late = now_us() >= deadline || atomic_load(&stop_asked);
		enum freezer_state state = group_read(g);

		log->reads++;
		note(log, state);
		if (state == STATE_FROZEN) {
			log->frozen = true;
			log->frozen_us = now_us() - log->start_us;
			break;
		}
		if (late || log->error || log->reads >= s->attempts)
			break;
	}
	atomic_store(&shared->quiet_until, 0);
}
