#define _GNU_SOURCE
#include "task.h"

#include <ctype.h>
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

/*
 * Which groups are ours. We kill, thaw and remove only what this program made, or what a runtime made under a name that
 * this program chose and that was free before. A group is held by descriptors and identified by its inode. A path read
 * somewhere is never enough: /proc/PID/cgroup of a v1 task that has ended says "/", which is everybody's group.
 */
struct owned {
	int mount;      /* the root of the hierarchy */
	char name[256]; /* our topmost group, relative to it */
	int top, leaf;  /* -1: not open; `leaf` is what is frozen: the top or a group below it */
	ino_t inode;    /* of the top; 0: not seen yet */
	bool by_runtime; /* made by a runtime, which may remove and recreate it */
};

int group_dir(const struct group *g)
{
	if (g->owned && g->owned->leaf >= 0)
		return g->owned->leaf;
	errno = ENOENT;
	return -1;
}

int group_file(const struct group *g, const char *name, int flags)
{
	int dir = group_dir(g);

	return dir < 0 ? -1 : openat(dir, name, flags | O_CLOEXEC);
}

static int open_dir(int at, const char *name)
{
	return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_dirs(struct owned *o)
{
	if (o->leaf != o->top)
		close_one(&o->leaf);
	o->leaf = -1;
	close_one(&o->top);
}

static void disown(struct group *g)
{
	if (!g->owned)
		return;
	close_dirs(g->owned);
	close_one(&g->owned->mount);
	free(g->owned);
	g->owned = NULL;
}

void group_close(struct group *g)
{
	close_one(&g->procs);
	close_one(&g->state);
	close_one(&g->events);
	if (g->owned)
		close_dirs(g->owned);
}

/* Starts a handle for a name in the hierarchy, with nothing open yet; false with errno. */
static bool begin(struct group *g, const char *mount, bool v2, const char *name)
{
	struct owned *o = calloc(1, sizeof(*o));
	bool is_name = name[0] && name[0] != '/' && name[0] != '.' && !strstr(name, "..") && strlen(name) < sizeof(o->name);

	*g = (struct group){ .v2 = v2, .procs = -1, .state = -1, .events = -1 };
	if (!o || !is_name || !mount[0]) {
		free(o);
		errno = o ? EINVAL : ENOMEM;
		return false;
	}
	*o = (struct owned){ .mount = open(mount, O_RDONLY | O_DIRECTORY | O_CLOEXEC), .top = -1, .leaf = -1 };
	strcpy(o->name, name);
	snprintf(g->path, sizeof(g->path), "%.60s/%.250s", mount, name);
	g->owned = o;
	if (o->mount >= 0)
		return true;
	int error = errno;

	disown(g);
	errno = error;
	return false;
}

/* Opens the top, also as the leaf; false with errno: ENOENT when another group has its name by now. */
static bool open_top(struct owned *o)
{
	struct stat top;

	close_dirs(o);
	int dir = open_dir(o->mount, o->name);

	if (dir < 0)
		return false;
	if (fstat(dir, &top) < 0 || (o->inode && o->inode != top.st_ino && !o->by_runtime)) {
		close(dir);
		errno = ENOENT;
		return false;
	}
	o->inode = top.st_ino;
	o->top = o->leaf = dir;
	return true;
}

int group_make(struct group *g, const struct hierarchies *h, bool v2, const char *name)
{
	if (!begin(g, v2 ? h->v2 : h->v1, v2, name))
		return errno;
	if (mkdirat(g->owned->mount, name, 0755) == 0 && open_top(g->owned))
		return 0;
	int error = errno;

	disown(g);
	return error;
}

const char *group_reserve(struct group *g, const struct hierarchies *h, bool v2, const char *name)
{
	static char why[400];
	struct stat there;

	if (!begin(g, v2 ? h->v2 : h->v1, v2, name)) {
		snprintf(why, sizeof(why), "group %s: %s", name, strerror(errno));
		return why;
	}
	g->owned->by_runtime = true;
	if (fstatat(g->owned->mount, name, &there, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
		return NULL;
	disown(g);
	snprintf(why, sizeof(why), "%.300s is there before its container is: `frostbite clean` removes what was left", g->path);
	return why;
}

/* The path in a process's "4:freezer:/path" or "0::/path"; NULL: the kernel names none. Modifies the text. */
static const char *path_of(char *text, bool v2)
{
	char *save = NULL;

	for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *controllers = strchr(line, ':'), *path = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!path)
			continue;
		*path++ = '\0';
		if (v2 ? !strcmp(line, "0:") : has_option(controllers + 1, "freezer"))
			return path;
	}
	return NULL;
}

/* The part of the path below `name`, "" for that group itself; NULL: it is elsewhere. */
static const char *below(const char *path, const char *name)
{
	size_t n = strlen(name);

	if (path[0] != '/' || strncmp(path + 1, name, n) || strstr(path, "/.."))
		return NULL;
	path += 1 + n;
	return *path == '\0' ? path : *path == '/' ? path + 1 : NULL;
}

static const char *refuse(const char *what, const char *why)
{
	static char text[400];

	snprintf(text, sizeof(text), "%.200s: %.180s", what, why);
	return text;
}

const char *group_adopt(struct group *g, pid_t member)
{
	struct owned *o = g->owned;
	char text[4096], what[300];
	struct stat mount, leaf;

	if (!o)
		return "no group was to be made";
	const char *path = task_read(member, "cgroup", text, sizeof(text)) > 0 ? path_of(text, g->v2) : NULL;
	const char *rest = path ? below(path, o->name) : NULL;

	snprintf(what, sizeof(what), "process %d is in the group %.100s, not in /%.100s", member, path ? path : "of nobody", o->name);
	if (!rest)
		return refuse(what, "it has ended, or its runtime put it elsewhere");
	if (!open_top(o))
		return refuse(g->path, strerror(errno));
	o->leaf = *rest ? open_dir(o->top, rest) : o->top;
	if (o->leaf < 0 || fstat(o->leaf, &leaf) < 0 || fstat(o->mount, &mount) < 0)
		return refuse(path, strerror(errno));
	if (leaf.st_dev != mount.st_dev || leaf.st_ino == mount.st_ino)
		return refuse(path, "it is not below the hierarchy's root");
	if (*rest)
		snprintf(strchr(g->path, '\0'), sizeof(g->path) - strlen(g->path), "/%s", rest);
	g->asked = false;
	return group_open(g);
}

int group_make_inner(struct group *g)
{
	int dir = group_dir(g);

	return dir < 0 || mkdirat(dir, INNER_GROUP, 0755) < 0 ? errno : 0;
}

/* Calls fn for each group below this one, deepest first, and then for this one. */
static void each_group(int dir, void (*fn)(int dir, void *arg), void *arg)
{
	int again = open_dir(dir, ".");
	DIR *entries = again < 0 ? NULL : fdopendir(again);

	for (struct dirent *entry; entries && (entry = readdir(entries));) {
		int inner = entry->d_type == DT_DIR && entry->d_name[0] != '.' ? open_dir(dir, entry->d_name) : -1;

		if (inner < 0)
			continue;
		each_group(inner, fn, arg);
		close(inner);
	}
	if (entries)
		closedir(entries);
	fn(dir, arg);
}

struct listing {
	const struct group *group;
	bool (*fn)(pid_t tid, void *arg);
	void *arg;
	bool is_over;
};

static void list_group(int dir, void *arg)
{
	struct listing *l = arg;
	int fd = l->is_over ? -1 : openat(dir, l->group->v2 ? "cgroup.threads" : "tasks", O_RDONLY | O_CLOEXEC);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	int tid;

	while (f && !l->is_over && fscanf(f, "%d", &tid) == 1)
		l->is_over = !l->fn(tid, l->arg);
	if (f)
		fclose(f);
}

void group_each_thread(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg)
{
	struct listing listing = { g, fn, arg, false };
	int dir = group_dir(g);

	if (dir >= 0)
		list_group(dir, &listing);
}

void group_each_thread_below(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg)
{
	struct listing listing = { g, fn, arg, false };
	int dir = group_dir(g);

	if (dir >= 0)
		each_group(dir, list_group, &listing);
}

static void thaw_group(int dir, void *arg)
{
	const struct group *g = arg;
	int fd = openat(dir, g->v2 ? "cgroup.freeze" : "freezer.state", O_WRONLY | O_CLOEXEC);

	/* the group is thawed, or has no freezer: nothing to do */
	if (fd >= 0 && !control_write(fd, g->v2 ? "0" : "THAWED"))
		errno = 0;
	if (fd >= 0)
		close(fd);
}

static bool kill_one(pid_t tid, void *arg)
{
	(void)arg;
	signal_process(tid, SIGKILL);
	return true;
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

static void kill_all(struct group *g)
{
	group_each_thread_below(g, kill_one, NULL);
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

bool group_empty(struct group *g, int64_t us)
{
	int left = 1;

	for (int64_t end = now_us() + us; left && now_us() < end;) {
		left = 0;
		kill_all(g);
		group_each_thread_below(g, count_one, &left);
		if (left)
			sleep_us(300);
	}
	return !left;
}

/* Removes the groups directly below it; the caller removes the group itself. */
static void remove_below(int dir, void *arg)
{
	int again = open_dir(dir, ".");
	DIR *entries = again < 0 ? NULL : fdopendir(again);

	(void)arg;
	for (struct dirent *entry; entries && (entry = readdir(entries));)
		if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
			unlinkat(dir, entry->d_name, AT_REMOVEDIR);
	if (entries)
		closedir(entries);
}

/* 0, also when it is gone already or another group has its name; or an errno. */
static int remove_top(const struct owned *o)
{
	struct stat now;

	if (fstatat(o->mount, o->name, &now, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : errno;
	if (now.st_ino != o->inode || unlinkat(o->mount, o->name, AT_REMOVEDIR) == 0)
		return 0;
	return errno;
}

int group_remove(struct group *g)
{
	int error = g->owned ? remove_top(g->owned) : ENOENT;

	if (!error) {
		group_close(g);
		disown(g);
	}
	return error;
}

bool group_destroy(struct group *g, int64_t us)
{
	struct owned *o = g->owned;
	bool gone = !o;

	/* everything under the name, not just the leaf; a runtime may have made it before it failed */
	if (o && !open_top(o))
		gone = errno == ENOENT;
	if (!gone && o->top >= 0)
		each_group(o->top, thaw_group, g);
	for (int64_t end = now_us() + us; !gone && o->top >= 0 && now_us() < end;) {
		kill_all(g);
		each_group(o->top, remove_below, NULL);
		/* EBUSY for a moment after the last task has left */
		gone = remove_top(o) == 0;
		if (!gone)
			sleep_us(300);
	}
	group_close(g);
	disown(g);
	return gone;
}

/* frostline-PID-TRIAL and any suffix: names that only frostbite gives. */
static bool is_our_name(const char *name)
{
	static const char prefix[] = "frostline-";

	if (strncmp(name, prefix, strlen(prefix)) || !isdigit((unsigned char)name[strlen(prefix)]))
		return false;
	name += strlen(prefix);
	name += strspn(name, "0123456789");
	return *name == '-' && isdigit((unsigned char)name[1]);
}

static int clean_hierarchy(const char *mount, bool v2)
{
	int cleaned = 0;
	DIR *dir = mount[0] ? opendir(mount) : NULL;

	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		struct group g;

		if (is_our_name(entry->d_name) && begin(&g, mount, v2, entry->d_name))
			cleaned += group_destroy(&g, 3000000);
	}
	if (dir)
		closedir(dir);
	return cleaned;
}

int group_clean_all(const struct hierarchies *h)
{
	return clean_hierarchy(h->v1, false) + clean_hierarchy(h->v2, true);
}
