#define _GNU_SOURCE
#include "frostbite.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

const char *const state_names[] = { "THAWED", "FREEZING", "FROZEN", "?" };

static bool has_option(const char *options, const char *name)
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

static int open_in(const struct group *g, const char *name, int flags)
{
	char path[384];

	snprintf(path, sizeof(path), "%s/%s", g->path, name);
	return open(path, flags | O_CLOEXEC);
}

const char *group_open(struct group *g)
{
	static char why[512];
	bool v2 = g->v2;

	g->procs = open_in(g, "cgroup.procs", O_RDWR);
	g->state = open_in(g, v2 ? "cgroup.freeze" : "freezer.state", O_RDWR);
	if (v2 && g->state < 0 && errno == ENOENT) {
		g->lacks_freezer = true;
		return "no cgroup.freeze: the v2 freezer came with Linux 5.2";
	}
	if (v2)
		g->events = open_in(g, "cgroup.events", O_RDONLY);
	if (g->procs < 0 || g->state < 0 || (v2 && g->events < 0)) {
		snprintf(why, sizeof(why), "files of %s: %s", g->path, strerror(errno));
		return why;
	}
	return NULL;
}

const char *group_create(struct group *g, const struct hierarchies *h, bool v2, int trial)
{
	static char why[512];

	*g = (struct group){ .v2 = v2, .procs = -1, .state = -1, .events = -1 };
	snprintf(g->path, sizeof(g->path), "%s/frostline-%d-%d", v2 ? h->v2 : h->v1, getpid(), trial);
	if (mkdir(g->path, 0755) < 0) {
		snprintf(why, sizeof(why), "mkdir %s: %s", g->path, strerror(errno));
		return why;
	}
	return group_open(g);
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

/* What cgroup.freeze was last told, by whomever. */
static enum freezer_state read_asked(const struct group *g)
{
	char c;

	if (pread(g->state, &c, 1, 0) <= 0)
		return STATE_OTHER;
	return c == '1' ? STATE_FREEZING : STATE_THAWED;
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
	for (enum freezer_state s = STATE_THAWED; s <= STATE_FROZEN; s++)
		if (!strncmp(text, state_names[s], strlen(state_names[s])))
			return s;
	return STATE_OTHER;
}

void group_each_thread(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg)
{
	int fd = open_in(g, g->v2 ? "cgroup.threads" : "tasks", O_RDONLY);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int tid;

	if (!f)
		return;
	while (fscanf(f, "%d", &tid) == 1)
		if (!fn(tid, arg))
			break;
	fclose(f);
}

bool group_evict(struct group *g, pid_t pid)
{
	char number[16];
	int fd = open_in(g, "../cgroup.procs", O_WRONLY);

	snprintf(number, sizeof(number), "%d", pid);
	bool moved = fd >= 0 && control_write(fd, number);
	int error = errno;

	if (fd >= 0)
		close(fd);
	errno = error;
	return moved;
}

static bool count_one(pid_t tid, void *arg)
{
	(void)tid;
	++*(int *)arg;
	return true;
}

int group_count(struct group *g)
{
	int n = 0;

	group_each_thread(g, count_one, &n);
	return n;
}

static bool kill_one(pid_t tid, void *arg)
{
	(void)arg;
	signal_process(tid, SIGKILL);
	return true;
}

void group_close(struct group *g)
{
	int *const fds[] = { &g->procs, &g->state, &g->events };

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}

bool group_destroy(struct group *g, int64_t us)
{
	struct group inner = { .v2 = g->v2 };
	bool gone = false;

	snprintf(inner.path, sizeof(inner.path), "%.300s/" INNER_GROUP, g->path);
	for (int64_t end = now_us() + us; !gone && now_us() < end;) {
		group_each_thread(&inner, kill_one, NULL);
		group_each_thread(g, kill_one, NULL);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		rmdir(inner.path);
		/* EBUSY for a moment after the last task has left */
		gone = rmdir(g->path) == 0 || errno == ENOENT;
		if (!gone)
			sleep_us(300);
	}
	group_close(g);
	return gone;
}

static int clean_hierarchy(const char *mount, bool v2)
{
	int cleaned = 0;
	DIR *dir = mount[0] ? opendir(mount) : NULL;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct group g = { .v2 = v2, .events = -1, .procs = -1 };

		if (strncmp(entry->d_name, "frostline-", 10))
			continue;
		snprintf(g.path, sizeof(g.path), "%.60s/%.250s", mount, entry->d_name);
		g.state = open_in(&g, v2 ? "cgroup.freeze" : "freezer.state", O_RDWR);
		group_write(&g, false);
		group_clean_below(g.path, v2);
		cleaned += group_destroy(&g, 3000000);
	}
	if (dir)
		closedir(dir);
	return cleaned;
}

int group_clean_all(void)
{
	struct hierarchies h;

	find_hierarchies(&h);
	return clean_hierarchy(h.v1, false) + clean_hierarchy(h.v2, true);
}
