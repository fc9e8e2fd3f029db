#define _GNU_SOURCE
#include "sequence.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CLEANUP_US 5000000

struct named_group *play_group(struct play *p, const char *name)
{
	for (unsigned i = 0; i < p->ngroups; i++)
		if (!strcmp(p->groups[i].name, name))
			return &p->groups[i];
	return NULL;
}

bool step_group(struct play *p, const struct sequence_step *s)
{
	struct named_group *g = play_group(p, s->name);

	if (!g && p->ngroups == MAX_GROUPS)
		return play_error(p, "more than %d groups", MAX_GROUPS);
	if (!g)
		g = &p->groups[p->ngroups++];
	else if (g->there)
		return play_error(p, "%s is there already", s->name);
	char name[128];

	*g = (struct named_group){ 0 };
	strcpy(g->name, s->name);
	/* a name that `clean` finds; nested names are below it */
	snprintf(name, sizeof(name), "frostline-%d-%d-%s", getpid(), p->request->trial, s->name);
	int error = group_make(&g->group, p->hierarchies, p->request->v2, name);

	g->group.foreign = true;
	g->there = !error;
	const char *why = error ? NULL : group_open(&g->group);

	if (why && g->group.lacks_freezer)
		snprintf(p->unsupported, sizeof(p->unsupported), "%s", why);
	else if (why)
		return play_error(p, "%s", why);
	return !why && play_outcome(p, s, error);
}

bool step_remove(struct play *p, const struct sequence_step *s)
{
	struct named_group *g = play_group(p, s->name);

	if (!g || !g->there)
		return play_error(p, "no group %s", s->name);
	int error = group_remove(&g->group);

	/* the last task of a v1 group leaves it a moment after its death */
	for (int64_t end = now_us() + s->within_us; error == EBUSY && now_us() < end; sleep_us(300))
		error = group_remove(&g->group);
	g->there = error != 0;
	return play_outcome(p, s, error);
}

bool step_write(struct play *p, const struct sequence_step *s)
{
	struct named_group *g = play_group(p, s->verb == VERB_WRITE ? s->at : s->name);
	const char *text = s->name;

	if (!g || !g->there)
		return play_error(p, "no group %s", s->verb == VERB_WRITE ? s->at : s->name);
	if (s->verb != VERB_WRITE)
		text = p->request->v2 ? (s->verb == VERB_FREEZE ? "1" : "0") : (s->verb == VERB_FREEZE ? "FROZEN" : "THAWED");
	return play_outcome(p, s, control_write(g->group.state, text) ? 0 : errno);
}

int group_number(const struct group *g, const char *file)
{
	char text[32] = "";
	int fd = group_file(g, file, O_RDONLY);

	if (fd < 0)
		return -1;
	bool any = read(fd, text, sizeof(text) - 1) > 0;

	close(fd);
	return any ? atoi(text) : -1;
}

bool frozen_time(struct play *p, const struct named_group *g, int64_t *us)
{
	char line[128];
	bool found = false;
	long long value;
	int fd = group_file(&g->group, "cgroup.stat.local", O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "frozen_usec %lld", &value) == 1;
	if (f)
		fclose(f);
	if (!found)
		snprintf(p->unsupported, sizeof(p->unsupported), "no frozen_usec in cgroup.stat.local: Linux 6.18 or newer has it");
	else
		*us = value;
	return found;
}

bool groups_end(struct play *p)
{
	bool gone = true;

	for (unsigned i = 0; i < p->ngroups; i++)
		if (p->groups[i].there)
			group_write(&p->groups[i].group, false);
	/* a nested group is made after its parent, so going backwards visits the deepest first */
	for (unsigned i = p->ngroups; i-- > 0;)
		if (p->groups[i].there && !group_destroy(&p->groups[i].group, CLEANUP_US))
			gone = false;
	return gone;
}
