#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const verbs[] = {
	"group", "remove", "start", "move", "freeze", "thaw", "write", "stop", "cont",
	"kill", "term", "seize", "interrupt", "siginfo", "detach", "sleep", "expect",
};
static const char *const kinds[] = { "tick", "spin", "nap", "forkbomb", "vfork", "self-freeze" };
static const char *const times[] = { "zero", "grown", "same" };
static const struct { const char *name; int error; } errors[] = {
	{ "EINVAL", EINVAL }, { "EBUSY", EBUSY }, { "EIO", EIO },	{ "EPERM", EPERM },
	{ "EACCES", EACCES }, { "ESRCH", ESRCH }, { "EEXIST", EEXIST }, { "ENOENT", ENOENT },
};

const char *error_name(int error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (errors[i].error == error)
			return errors[i].name;
	return strerror(error);
}

const char *verb_name(enum verb verb)
{
	return verbs[verb];
}

static bool read_error(const char *text, int *error)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (!strcmp(text, errors[i].name))
			return *error = errors[i].error, true;
	return false;
}

static int index_of(const char *text, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(text, names[i]))
			return (int)i;
	return -1;
}

static bool read_count(const char *text, int64_t max, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoll(text, &end, 10);
	return end != text && *end == '\0' && errno == 0 && *value >= 0 && *value <= max;
}

static bool read_text(const char *text, char *to, size_t size)
{
	size_t length = strlen(text);

	if (length == 0 || length >= size)
		return false;
	memcpy(to, text, length + 1);
	return true;
}

/* Names become paths: a/b is a group within a group, and no name leads out. */
static bool read_name(const char *text, char *to)
{
	for (const char *c = text; *c; c++)
		if (!(*c >= 'a' && *c <= 'z') && !(*c >= '0' && *c <= '9') && *c != '-' && *c != '/')
			return false;
	return text[0] != '/' && !strstr(text, "//") && read_text(text, to, MAX_NAME);
}

/* "D,T" to "DT". */
static bool read_letters(const char *text, char *letters, size_t size)
{
	size_t n = 0;

	for (; *text; text++) {
		if (!((*text >= 'A' && *text <= 'Z') || *text == 't') || n + 1 == size)
			return false;
		letters[n++] = *text;
		if (text[1] == ',')
			text++;
	}
	letters[n] = '\0';
	return n > 0;
}

static bool read_number_detail(struct sequence_step *s, const char *key, const char *value)
{
	const struct { const char *key; int64_t max; int *to; } numbers[] = {
		{ "self", 1, &s->look.self },
		{ "parent", 1, &s->look.parent },
		{ "runs", 1, &s->look.runs },
		{ "gone", 1, &s->look.gone },
		{ "processes", 10000, &s->look.processes },
		{ "notifications", 1000, &s->look.notifications },
	};
	const struct { const char *key; int64_t *to; } spans[] = {
		{ "for_us", &s->for_us }, { "within_us", &s->within_us }, { "frozen_for_us", &s->look.at_least_us },
	};
	int64_t n;

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		if (!strcmp(key, numbers[i].key))
			return read_count(value, numbers[i].max, &n) && (*numbers[i].to = (int)n, true);
	for (size_t i = 0; i < ARRAY_SIZE(spans); i++)
		if (!strcmp(key, spans[i].key))
			return read_count(value, 60000000, spans[i].to);
	if (strcmp(key, "count") || !read_count(value, MAX_MEMBERS, &n) || n == 0)
		return false;
	s->count = (unsigned)n;
	return true;
}

static bool read_detail(struct sequence_step *s, const char *key, const char *value)
{
	int i;

	if (!strcmp(key, "in") || !strcmp(key, "to"))
		return read_name(value, s->at);
	if (!strcmp(key, "longer_than"))
		return read_name(value, s->look.longer_than);
	if (!strcmp(key, "fails"))
		return read_error(value, &s->fails);
	if (!strcmp(key, "letter"))
		return read_letters(value, s->look.letters, sizeof(s->look.letters));
	if (!strcmp(key, "as"))
		return (i = index_of(value, kinds, ARRAY_SIZE(kinds))) >= 0 && (s->kind = (enum kind)i, true);
	if (!strcmp(key, "state"))
		return (i = index_of(value, state_names, STATE_OTHER)) >= 0 && (s->look.state = i, true);
	if (!strcmp(key, "frozen_time"))
		return (i = index_of(value, times, ARRAY_SIZE(times))) >= 0 && (s->look.time = times[i][0], true);
	return read_number_detail(s, key, value);
}

bool step_read(const char *text, struct sequence_step *s)
{
	char copy[400], *save = NULL;

	*s = (struct sequence_step){
		.count = 1,
		.look = { .state = -1, .self = -1, .parent = -1, .processes = -1, .notifications = -1, .runs = -1, .gone = -1,
			  .at_least_us = -1 },
	};
	if (!read_text(text, copy, sizeof(copy)))
		return false;
	char *verb = strtok_r(copy, " ", &save), *name = strtok_r(NULL, " ", &save);
	int i = verb ? index_of(verb, verbs, ARRAY_SIZE(verbs)) : -1;

	if (i < 0 || !name)
		return false;
	s->verb = (enum verb)i;
	if (s->verb == VERB_SLEEP ? !read_count(name, 60000000, &s->for_us) :
	    s->verb == VERB_WRITE ? !read_text(name, s->name, sizeof(s->name)) :
				    !read_name(name, s->name))
		return false;
	for (char *word = strtok_r(NULL, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		char *equals = strchr(word, '=');

		if (!equals)
			return false;
		*equals = '\0';
		if (!read_detail(s, word, equals + 1))
			return false;
	}
	return true;
}
