#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *const state_names[] = { "THAWED", "FREEZING", "FROZEN", "?" };

bool has_option(const char *options, const char *name)
{
	size_t n = strlen(name);

	for (const char *at = options; at; at = strchr(at, ','), at = at ? at + 1 : NULL)
		if (!strncmp(at, name, n) && (at[n] == ',' || at[n] == '\n' || at[n] == '\0'))
			return true;
	return false;
}

/* proc(5): "36 35 98:0 / /mnt opts - type source super-options" */
void find_hierarchies(struct hierarchies *h)
{
	char line[1024];
	FILE *f = fopen("/proc/self/mountinfo", "re");

	memset(h, 0, sizeof(*h));
	while (f && fgets(line, sizeof(line), f)) {
		char mount[256], type[32], super[512];
		char *dash = strstr(line, " - ");

		if (!dash || sscanf(line, "%*s %*s %*s %*s %255s", mount) != 1 ||
		    sscanf(dash, " - %31s %*s %511s", type, super) != 2)
			continue;
		if (!strcmp(type, "cgroup2") && !h->v2[0])
			strcpy(h->v2, mount);
		if (!strcmp(type, "cgroup") && has_option(super, "freezer") && !h->v1[0])
			strcpy(h->v1, mount);
	}
	if (f)
		fclose(f);
}

const char *hierarchy_lacking(const struct hierarchies *h, bool v2)
{
	if (!v2)
		return h->v1[0] ? NULL : "no cgroup v1 freezer is mounted: CONFIG_CGROUP_FREEZER, or the guest's set-up";
	if (!h->v2[0])
		return "no cgroup2 is mounted: Linux 4.5 or newer, or the guest's set-up";
	return NULL;
}

const char *group_open(struct group *g)
{
	static char why[512];
	bool v2 = g->v2;

	g->procs = group_file(g, "cgroup.procs", O_RDWR);
	g->state = group_file(g, v2 ? "cgroup.freeze" : "freezer.state", O_RDWR);
	if (v2 && g->state < 0 && errno == ENOENT) {
		g->lacks_freezer = true;
		return "no cgroup.freeze: the v2 freezer came with Linux 5.2";
	}
	if (v2)
		g->events = group_file(g, "cgroup.events", O_RDONLY);
	if (g->procs < 0 || g->state < 0 || (v2 && g->events < 0)) {
		snprintf(why, sizeof(why), "files of %s: %s", g->path, strerror(errno));
		return why;
	}
	return NULL;
}

const char *group_create(struct group *g, const struct hierarchies *h, bool v2, int trial)
{
	static char why[512];
	char name[64];

	snprintf(name, sizeof(name), "frostline-%d-%d", getpid(), trial);
	int error = group_make(g, h, v2, name);

	if (!error)
		return group_open(g);
	snprintf(why, sizeof(why), "mkdir %s: %s", g->path, strerror(error));
	return why;
}

bool control_write(int fd, const char *text)
{
	ssize_t length = (ssize_t)strlen(text);

	return write(fd, text, (size_t)length) == length;
}

bool group_write(struct group *g, bool frozen)
{
	const char *word = g->v2 ? (frozen ? "1" : "0") : (frozen ? "FROZEN" : "THAWED");

	g->asked = frozen;
	return control_write(g->state, word);
}

/* What was last written to cgroup.freeze, by anyone. */
static enum freezer_state read_asked(const struct group *g)
{
	char c;

	if (pread(g->state, &c, 1, 0) <= 0)
		return STATE_OTHER;
	return c == '1' ? STATE_FREEZING : STATE_THAWED;
}

enum freezer_state state_named(const char *text)
{
	for (enum freezer_state s = STATE_THAWED; s <= STATE_FROZEN; s++)
		if (!strncmp(text, state_names[s], strlen(state_names[s])))
			return s;
	return STATE_OTHER;
}

enum freezer_state group_read(struct group *g)
{
	char text[128];
	ssize_t n = pread(g->v2 ? g->events : g->state, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return STATE_OTHER;
	text[n] = '\0';
	if (g->v2 && strstr(text, "frozen 1"))
		return STATE_FROZEN;
	if (g->v2)
		return g->foreign ? read_asked(g) : g->asked ? STATE_FREEZING : STATE_THAWED;
	return state_named(text);
}

bool group_evict(struct group *g, pid_t pid)
{
	char number[16];
	int fd = group_file(g, "../cgroup.procs", O_WRONLY);

	snprintf(number, sizeof(number), "%d", pid);
	bool moved = fd >= 0 && control_write(fd, number);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return moved;
}
