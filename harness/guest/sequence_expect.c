#define _GNU_SOURCE
#include "sequence.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* How long a process may take to run if the step names no time: emulated guests are slow. */
#define RUNS_US 2000000

/* What is checked, and what was seen last; `seen` is for messages. */
struct sight {
	struct play *play;
	const struct look *look;
	struct named_group *group;
	struct named_process *process;
	uint64_t count;
	int64_t held_us;
	char expected[120], seen[160];
};

#define want(w, ...) snprintf((w)->expected, sizeof((w)->expected), __VA_ARGS__)
#define saw(w, ...) snprintf((w)->seen, sizeof((w)->seen), __VA_ARGS__)

static bool is_within(const char *inner, const char *outer)
{
	size_t n = strlen(outer);

	return !strncmp(inner, outer, n) && (inner[n] == '\0' || inner[n] == '/');
}

/* While a group reads FROZEN none of its counters may change. */
static bool is_still(struct sight *w)
{
	struct play *p = w->play;
	uint64_t counts[MAX_SLOTS];

	for (unsigned i = 0; i < p->nprocesses; i++)
		counts[i] = atomic_load(&counters->slots[p->processes[i].slot].count);
	sleep_us(p->request->hold_us);
	for (unsigned i = 0; i < p->nprocesses; i++) {
		const struct named_process *q = &p->processes[i];

		if (!is_within(q->in, w->group->name) || atomic_load(&counters->slots[q->slot].count) == counts[i])
			continue;
		saw(w, "FROZEN, yet %s ran", q->name);
		return false;
	}
	return true;
}

static bool sees_state(void *arg)
{
	struct sight *w = arg;
	enum freezer_state state = group_read(&w->group->group);

	saw(w, "%s", state_names[state]);
	return (int)state == w->look->state;
}

/* Sleeps until the kernel reports a change in cgroup.events, as inotify would; counts the notifications. */
static bool notified_state(struct sight *w, int64_t us)
{
	int told = 0;

	for (int64_t end = now_us() + us;;) {
		if (sees_state(w))
			return true;
		int64_t left = end - now_us();
		struct timespec t = { left / 1000000, left % 1000000 * 1000 };
		struct pollfd fd = { .fd = w->group->group.events, .events = POLLPRI };

		if (left <= 0 || told == w->look->notifications || ppoll(&fd, 1, &t, NULL) <= 0)
			break;
		told++;
	}
	if (sees_state(w))
		return true;
	size_t n = strlen(w->seen);

	snprintf(w->seen + n, sizeof(w->seen) - n, " after %d notifications", told);
	return false;
}

static bool look_state(struct sight *w, int64_t us)
{
	const struct look *look = w->look;
	bool seen;

	want(w, "state %s", state_names[look->state]);
	if (look->notifications >= 0 && w->group->group.v2)
		seen = notified_state(w, us);
	else
		seen = wait_until(sees_state, w, us);
	return seen && (look->state != STATE_FROZEN || is_still(w));
}

static bool look_number(struct sight *w, const char *file, int wanted)
{
	int number = group_number(&w->group->group, file);

	want(w, "%s %d", file, wanted);
	if (number < 0)
		saw(w, "no such file");
	else
		saw(w, "%d", number);
	return number == wanted;
}

static bool has_processes(void *arg)
{
	struct sight *w = arg;
	int n = group_count(&w->group->group);

	want(w, "%d processes", w->look->processes);
	saw(w, "%d", n);
	return n == w->look->processes;
}

static bool look_time(struct sight *w)
{
	struct named_group *g = w->group;
	int64_t before = g->frozen_us, now;
	const char time = w->look->time;

	if (!frozen_time(w->play, g, &now))
		return false;
	g->frozen_us = now;
	want(w, "frozen_usec %s", time == 'z' ? "0" : time == 'g' ? "grown" : "the same");
	saw(w, "%lld after %lld", (long long)now, (long long)before);
	if (time && !(time == 'z' ? now == 0 : time == 'g' ? now > before : now == before))
		return false;
	if (w->look->at_least_us >= 0 && now < w->look->at_least_us) {
		want(w, "frozen_usec of %lld at least", (long long)w->look->at_least_us);
		return false;
	}
	if (!w->look->longer_than[0])
		return true;
	struct named_group *other = play_group(w->play, w->look->longer_than);

	if (!other || !other->there)
		return play_error(w->play, "no group %s", w->look->longer_than);
	if (!frozen_time(w->play, other, &before))
		return false;
	want(w, "frozen_usec more than that of %s", other->name);
	saw(w, "%lld, and %lld", (long long)now, (long long)before);
	return now > before;
}

static bool has_letters(void *arg)
{
	struct sight *w = arg;
	unsigned n = process_pids(w->process);

	want(w, "state letter %s", w->look->letters);
	for (unsigned i = 0; i < n; i++) {
		char letter = task_state(w->process->pids[i]);

		if (letter)
			saw(w, "%c", letter);
		else
			saw(w, "it is gone");
		if (!letter || !strchr(w->look->letters, letter))
			return false;
	}
	return true;
}

static bool is_gone(void *arg)
{
	struct sight *w = arg;
	unsigned n = process_pids(w->process);
	bool wanted = w->look->gone;

	want(w, "%s", wanted ? "gone" : "alive");
	for (unsigned i = 0; i < n; i++) {
		char letter = task_state(w->process->pids[i]);
		bool gone = !letter || letter == 'Z' || letter == 'X';

		if (gone)
			saw(w, "gone");
		else
			saw(w, "alive, in %c", letter);
		if (gone != wanted)
			return false;
	}
	return true;
}

static bool has_run(void *arg)
{
	struct sight *w = arg;

	return atomic_load(&counters->slots[w->process->slot].count) != w->count;
}

static bool look_runs(struct sight *w, int64_t us)
{
	bool wanted = w->look->runs;

	want(w, "%s", wanted ? "that it runs" : "that it does not run");
	saw(w, "%s", wanted ? "it does not" : "it runs");
	w->count = atomic_load(&counters->slots[w->process->slot].count);
	if (wanted)
		return wait_until(has_run, w, us ? us : RUNS_US);
	sleep_us(w->held_us);
	return !has_run(w);
}

static bool look_group(struct sight *w, int64_t us)
{
	const struct look *l = w->look;
	bool v2 = w->group->group.v2;

	return (l->processes < 0 || wait_until(has_processes, w, us)) && (l->state < 0 || look_state(w, us)) &&
	       (l->self < 0 || look_number(w, v2 ? "cgroup.freeze" : "freezer.self_freezing", l->self)) &&
	       (l->parent < 0 || look_number(w, "freezer.parent_freezing", l->parent)) &&
	       ((!l->time && l->at_least_us < 0 && !l->longer_than[0]) || look_time(w));
}

static bool look_process(struct sight *w, int64_t us)
{
	const struct look *l = w->look;

	return (l->gone < 0 || wait_until(is_gone, w, us)) && (!l->letters[0] || wait_until(has_letters, w, us)) &&
	       (l->runs < 0 || look_runs(w, us));
}

bool step_expect(struct play *p, const struct sequence_step *s)
{
	struct sight w = {
		.play = p,
		.look = &s->look,
		.group = play_group(p, s->name),
		.process = play_process(p, s->name),
		.held_us = p->request->hold_us,
	};

	if (w.group ? !w.group->there : !w.process)
		return play_error(p, "no group or process %s", s->name);
	if (w.group ? look_group(&w, s->within_us) : look_process(&w, s->within_us))
		return true;
	size_t n = strlen(w.expected);

	if (s->within_us && n < sizeof(w.expected))
		snprintf(w.expected + n, sizeof(w.expected) - n, " within %lld ms", (long long)s->within_us / 1000);
	return play_miss(p, w.expected, "%s", w.seen);
}
