#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool read_number(const char *text, int64_t min, int64_t max, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0 && *value >= min && *value <= max;
}

static bool read_list(const char *text, struct schedule *s)
{
	char copy[128], *save = NULL;
	int64_t value;

	if (strlen(text) >= sizeof(copy))
		return false;
	strcpy(copy, text);
	s->count = 0;
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		if (s->count == ARRAY_SIZE(s->at) || !read_number(word, 0, 1000000, &value))
			return false;
		s->at[s->count++] = (unsigned)value;
	}
	return s->count > 0;
}

static const char *const layout_names[] = { "v1", "v2", "hybrid" };

bool read_name(const char *text, const char *const *names, size_t count, int64_t *value)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(text, names[i]))
			return *value = (int64_t)i, true;
	return false;
}

static bool read_word(struct request *r, const char *key, const char *value)
{
	struct strategy *s = &r->strategy;
	struct schedule *const schedules[] = { &s->rewrite, &s->thaw, &s->settle };
	static const char *const names[] = { "rewrite", "thaw", "settle" };
	const struct { const char *key; int64_t *to; } times[] = {
		{ "deadline_us", &s->deadline_us }, { "poll_us", &s->poll_us },	{ "thaw_for_us", &s->thaw_for_us },
		{ "settle_us", &s->settle_us },	    { "hold_us", &r->hold_us },
	};
	int64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(times); i++)
		if (!strcmp(key, times[i].key))
			return read_number(value, 0, 3600LL * 1000000, times[i].to);
	for (size_t i = 0; i < ARRAY_SIZE(schedules); i++) {
		size_t len = strlen(names[i]);

		if (strncmp(key, names[i], len) || key[len] != '_')
			continue;
		if (!strcmp(key + len, "_at"))
			return read_list(value, schedules[i]);
		if (strcmp(key + len, "_every") || !read_number(value, 1, 1000000, &n))
			return false;
		schedules[i]->every = (unsigned)n;
		return true;
	}
	if (!strcmp(key, "trial") && read_number(value, 0, INT32_MAX, &n))
		return r->trial = (int)n, true;
	if (!strcmp(key, "seed") && read_number(value, 0, UINT32_MAX, &n))
		return r->seed = (uint32_t)n, true;
	if (!strcmp(key, "attempts") && read_number(value, 1, UINT32_MAX, &n))
		return s->attempts = (unsigned)n, true;
	if (!strcmp(key, "cgroup") && read_name(value, layout_names, ARRAY_SIZE(layout_names), &n))
		return r->layout = (enum layout)n, r->v2 = n == LAYOUT_V2, true;
	if (!strcmp(key, "runtime") && read_name(value, runtime_names, RUNTIME_PODMAN + 1, &n))
		return r->runtime = (enum runtime)n, true;
	if (!strcmp(key, "tool") && read_name(value, tool_names, TOOL_RUNC_CHECKPOINT + 1, &n))
		return r->tool = (enum tool)n, true;
	if (!strcmp(key, "keep") && read_number(value, 0, 1, &n))
		return r->keep = n, true;
	if (!strcmp(key, "userns") && read_number(value, 0, 1, &n))
		return r->userns = n, true;
	if (!strcmp(key, "pre_dump") && read_number(value, 0, 1, &n))
		return r->pre_dump = n, true;
	if (!strcmp(key, "gap_from_us") && read_number(value, 0, 10000000, &n))
		return r->gap_from_us = n, true;
	if (!strcmp(key, "gap_us") && read_number(value, 0, 10000000, &n))
		return r->gap_us = n, true;
	if (!strcmp(key, "poll_before") && (!strcmp(value, "write") || !strcmp(value, "read")))
		return s->poll_first = value[0] == 'w', true;
	if (!strcmp(key, "wait") && (!strcmp(value, "poll") || !strcmp(value, "events")))
		return s->wait_events = value[0] == 'e', true;
	if (!strcmp(key, "calls") && read_name(value, calls_names, CALLS_CRIU + 1, &n))
		return s->calls = (enum calls)n, true;
	if (!strcmp(key, "step") && r->nsteps < MAX_STEPS)
		return step_read(value, &r->steps[r->nsteps++]);
	if (!strcmp(key, "workload") && workload_find(value))
		return strcpy(r->workload, value), parameters_default(workload_find(value), &r->parameters), true;
	return r->workload[0] && parameter_set(workload_find(r->workload), &r->parameters, key, value);
}

void request_begin(struct request *r)
{
	*r = (struct request){ .trial = -1, .hold_us = 20000, .gap_us = -1 };
	r->strategy.attempts = 1;
	r->strategy.deadline_us = 10000000;
}

void request_line(struct request *r, char *line)
{
	char *equals = strchr(line, '=');

	if (r->error[0])
		return;
	if (equals)
		*equals = '\0';
	if (!equals || !read_word(r, line, equals + 1))
		snprintf(r->error, sizeof(r->error), "not understood: %.60s=%.60s", line, equals ? equals + 1 : "");
}

void request_end(struct request *r)
{
	if (!r->error[0] && (r->trial < 0 || (!r->workload[0] && !r->nsteps)))
		snprintf(r->error, sizeof(r->error), "trial and workload are needed");
	if (!r->error[0] && r->workload[0] && r->nsteps)
		snprintf(r->error, sizeof(r->error), "a workload and steps exclude each other");
	if (!r->error[0] && r->tool && !r->runtime)
		snprintf(r->error, sizeof(r->error), "tool=%s needs a container", tool_names[r->tool]);
	if (!r->error[0] && r->gap_us >= 0 && r->gap_from_us > r->gap_us)
		snprintf(r->error, sizeof(r->error), "gap_from_us is more than gap_us");
	if (!r->error[0] && r->strategy.wait_events && !r->v2)
		snprintf(r->error, sizeof(r->error), "wait=events needs cgroup=v2");
}
