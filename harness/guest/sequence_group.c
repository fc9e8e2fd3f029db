#define _GNU_SOURCE
#include "sequence.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CLEANUP_US 5000000

struct named_group *play_group(struct play *p, const char *name)
{
	for (unsigned i = 0; i < p->ngroups; i++)
		if (!strcmp(p->groups[i].name, name))
			return &p->groups[i];
	return NULL;
}

/* frostline-PID-TRIAL-NAME, so that `clean` finds it; the rest of a nested name is below. */
static void name_path(struct play *p, struct named_group *g)
{
	const char *mount = p->request->v2 ? p->hierarchies->v2 : p->hierarchies->v1;

	snprintf(g->group.path, sizeof(g->group.path), "%.200s/frostline-%d-%d-%s", mount, getpid(), p->request->trial,
		 g->name);
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
	*g = (struct named_group){
		.group = { .v2 = p->request->v2, .foreign = true, .procs = -1, .state = -1, .events = -1 },
	};
	strcpy(g->name, s->name);
	name_path(p, g);
	int error = mkdir(g->group.path, 0755) < 0 ? errno : 0;

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
	int error = rmdir(g->group.path) < 0 ? errno : 0;

	/* the last task of a v1 group leaves a moment after it is dead */
	for (int64_t end = now_us() + s->within_us; error == EBUSY && now_us() < end; sleep_us(300))
		error = rmdir(g->group.path) < 0 ? errno : 0;
	if (!error) {
		group_close(&g->group);
		g->there = false;
	}
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
	char path[384], text[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", g->path, file);
	f = fopen(path, "re");
	if (!f)
		return -1;
	bool any = fgets(text, sizeof(text), f) != NULL;

	fclose(f);
	return any ? atoi(text) : -1;
}

bool frozen_time(struct play *p, const struct named_group *g, int64_t *us)
{
	char path[384], line[128];
	bool found = false;
	long long value;

	snprintf(path, sizeof(path), "%s/cgroup.stat.local", g->group.path);
	FILE *f = fopen(path, "re");

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
	/* a group within another was made after it, so from the last to the first the deepest come first */
	for (unsigned i = p->ngroups; i-- > 0;)
		if (p->groups[i].there && !group_destroy(&p->groups[i].group, CLEANUP_US))
			gone = false;
	return gone;
}

void group_clean_below(const char *path, bool v2)
{
	DIR *dir = opendir(path);

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct group g = { .v2 = v2, .procs = -1, .state = -1, .events = -1 };

		if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
			continue;
		if (snprintf(g.path, sizeof(g.path), "%s/%s", path, entry->d_name) >= (int)sizeof(g.path))
			continue;
		group_open(&g);
		group_write(&g, false);
		group_clean_below(g.path, v2);
		group_destroy(&g, 3000000);
	}
	if (dir)
		closedir(dir);
}
