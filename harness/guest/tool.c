#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Strategies that are a program: it freezes, we watch. While it runs, the group's state is read every 50 ms
 * along with the counters of the workload's processes, so that the same witness checks FROZEN as for our
 * own loops.
 */

const char *const tool_names[] = { "none", "runc-pause", "crun-pause", "podman-pause", "criu-dump", "runc-checkpoint" };

/* A runtime that does not read the state back finishes before the kernel does. */
#define SETTLE_US 2000000

static const char *const logs[] = { "tool.log", "dump.log", "pre-dump.log", "restore.log" };

static const char *log_path(const struct trial *t, const char *name)
{
	static char path[128];

	(void)t;
	snprintf(path, sizeof(path), "%s", box_path(name));
	return path;
}

struct watch {
	struct trial *trial;
	struct freeze_log *log;
	uint64_t counts[MAX_SLOTS]; /* at the first FROZEN in a row */
	bool row;                   /* the last read said FROZEN */
	unsigned moved;
	int64_t look_at_us;         /* when to look for blockers if it is still FREEZING; 0: it was not FREEZING yet */
};

static void note_state(struct freeze_log *log, enum freezer_state state)
{
	unsigned n = log->nstates;

	log->reads++;
	if ((n && log->states[n - 1].state == state) || n == MAX_STATES)
		return;
	log->states[n].us = now_us() - log->start_us;
	log->states[n].state = state;
	log->nstates++;
}

/*
 * Seldom, since a look takes time from the watched processes. A tool that thaws between its tries (runc on v1,
 * every few milliseconds) does not restart the wait: its last try may be over within 100 ms.
 */
static void see_blockers(struct watch *w, enum freezer_state state)
{
	int64_t now = now_us();

	if (state == STATE_FROZEN) {
		w->look_at_us = 0;
	} else if (state == STATE_FREEZING && !w->look_at_us) {
		w->look_at_us = now + 30000;
	} else if (state == STATE_FREEZING && now >= w->look_at_us) {
		find_blockers(w->trial, 0);
		w->look_at_us = now + 2000000;
	}
}

/* A process that ran between two reads of FROZEN ran in a frozen group. */
static void look(void *arg)
{
	struct watch *w = arg;
	uint64_t now[MAX_SLOTS];

	for (unsigned i = 0; i < w->trial->nslots; i++)
		now[i] = atomic_load(&counters->slots[i].count);
	enum freezer_state state = group_read(&w->trial->group);

	note_state(w->log, state);
	see_blockers(w, state);
	if (state != STATE_FROZEN) {
		w->row = false;
		return;
	}
	if (!w->row) {
		/* counted again after the read: what ran before it did not run in a frozen group */
		for (unsigned i = 0; i < w->trial->nslots; i++)
			w->counts[i] = atomic_load(&counters->slots[i].count);
		if (!w->log->frozen)
			w->log->frozen_us = now_us() - w->log->start_us;
		w->log->frozen = true;
	} else {
		for (unsigned i = 0; i < w->trial->nslots; i++)
			if (now[i] != w->counts[i])
				w->moved |= 1u << i;
	}
	w->row = true;
}

static int run(struct watch *w, const char *const *argv)
{
	const struct program program = {
		.argv = argv,
		.log = log_path(w->trial, "tool.log"),
		.layout = w->trial->request->layout,
		.deadline_us = w->trial->request->strategy.deadline_us,
		.watch = look,
		.arg = w,
	};

	return program_run(&program);
}

static void fail(struct tool_result *result, const char *what, int code, const char *log)
{
	char said[160];

	telling_line(log, said, sizeof(said));
	result->ok = false;
	result->code = code;
	if (code == NOT_STARTED)
		snprintf(result->error, sizeof(result->error), "%s was not started: %s", what, strerror(program_error));
	else if (code == OVERDUE)
		snprintf(result->error, sizeof(result->error), "%s did not end within its deadline: %s", what, said);
	else
		snprintf(result->error, sizeof(result->error), "%s ended with %d: %s", what, code, said);
}

/* Waits for FROZEN after the tool has reported success: a pause that holds is one that stays FROZEN. */
static void settle(struct watch *w, const char *name, struct tool_result *result)
{
	w->log->frozen = w->row;
	for (int64_t end = now_us() + SETTLE_US; !w->log->frozen && now_us() < end; sleep_us(1000))
		look(w);
	if (!w->log->frozen)
		snprintf(result->error, sizeof(result->error), "%s ended with 0 while the group was %s, and it stayed so", name,
			 state_names[group_read(&w->trial->group)]);
}

static void pause_with(struct watch *w, struct tool_result *result, const char *runtime)
{
	struct trial *t = w->trial;
	const char *const debug[] = { runtime, "--debug", "pause", t->id, NULL };
	const char *const plain[] = { runtime, "pause", t->id, NULL };
	int code = run(w, t->request->tool == TOOL_PODMAN_PAUSE ? plain : debug);

	result->code = code;
	result->ok = code == 0;
	if (code == 0) {
		settle(w, runtime, result);
	} else {
		fail(result, "pause", code, log_path(t, "tool.log"));
		/* it may have been FROZEN on the way, but the tool gave up */
		w->log->frozen = w->row;
	}
}

/*
 * CRIU holds a group FROZEN only until it has seized the tasks, which can be over between two of our reads. Its
 * log says that it read FROZEN, and when after its start: "(00.635302) freezing processes: 0 attempts done".
 */
static void hear_criu(struct watch *w, const char *path)
{
	char line[512];
	int seconds, us;
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (!strstr(line, "freezing processes:") || !strstr(line, "attempts done"))
			continue;
		w->log->frozen = true;
		if (sscanf(line, "(%d.%d)", &seconds, &us) == 2)
			w->log->frozen_us = seconds * 1000000LL + us;
	}
	if (f)
		fclose(f);
}

/* CRIU must be told of mounts that are not the container's own. */
#define EXTERNAL "mnt[/frostline-shared]:shared"

static void dump(struct watch *w, struct tool_result *result)
{
	struct trial *t = w->trial;
	char pid[16], images[128], root[128], group[360], log[128];
	const char *mount = t->request->v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/freezer";

	snprintf(pid, sizeof(pid), "%d", t->init);
	snprintf(images, sizeof(images), "%s", log_path(t, "images"));
	snprintf(root, sizeof(root), "%s", log_path(t, "rootfs"));
	snprintf(log, sizeof(log), "%s", log_path(t, "dump.log"));
	/* the path in the tool's own view of cgroups */
	snprintf(group, sizeof(group), "%s%.200s", mount, strstr(t->group.path, "/frostline-"));
	mkdir(images, 0700);
	const char *const argv[] = {
		"criu", "dump", "--tree", pid, "--images-dir", images, "--root", root, "--log-file", log, "-v4",
		"--freeze-cgroup", group, "--manage-cgroups=ignore", "--external", EXTERNAL, "--leave-running", NULL,
	};
	int code = run(w, argv);

	result->code = code;
	result->ok = code == 0;
	hear_criu(w, log);
	if (code)
		fail(result, "criu dump", code, log);
	remove_tree(images);
}

struct step {
	const char *what, *images, *parent, *log;
};

/* Runs one `runc checkpoint`; CRIU writes its log to the work folder, and it is moved from there. */
static bool checkpoint(struct watch *w, struct tool_result *result, const struct step *step)
{
	struct trial *t = w->trial;
	char images[128], work[128], made[160], log[128];
	const char *argv[16] = { "runc", "--debug", "checkpoint", "--image-path" };
	unsigned n = 4;

	snprintf(images, sizeof(images), "%s", log_path(t, step->images));
	snprintf(work, sizeof(work), "%s", log_path(t, "work"));
	snprintf(made, sizeof(made), "%s/dump.log", work);
	snprintf(log, sizeof(log), "%s", log_path(t, step->log));
	mkdir(images, 0700);
	mkdir(work, 0700);
	argv[n++] = images;
	argv[n++] = "--work-path";
	argv[n++] = work;
	if (!strcmp(step->what, "pre-dump"))
		argv[n++] = "--pre-dump";
	if (step->parent) {
		argv[n++] = "--parent-path";
		argv[n++] = step->parent;
	}
	argv[n++] = t->id;
	argv[n] = NULL;
	/* each dump has to freeze anew */
	w->log->frozen = w->row = false;
	int code = run(w, argv);

	rename(made, log);
	hear_criu(w, log);
	if (code)
		fail(result, step->what, code, access(log, R_OK) == 0 ? log : log_path(t, "tool.log"));
	return code == 0;
}

static bool restore(struct watch *w, struct tool_result *result)
{
	struct trial *t = w->trial;
	char images[128], work[128], made[160], log[128], bundle[128], pid_file[128];

	snprintf(images, sizeof(images), "%s", log_path(t, "images"));
	snprintf(work, sizeof(work), "%s", log_path(t, "work"));
	snprintf(made, sizeof(made), "%s/restore.log", work);
	snprintf(log, sizeof(log), "%s", log_path(t, "restore.log"));
	snprintf(bundle, sizeof(bundle), "%s", log_path(t, ""));
	snprintf(pid_file, sizeof(pid_file), "%s", log_path(t, "pid"));
	unlink(pid_file);
	const char *const argv[] = {
		"runc", "--debug", "restore", "--detach", "--image-path", images, "--work-path", work, "--bundle", bundle,
		"--pid-file", pid_file, t->id, NULL,
	};
	const struct program program = {
		.argv = argv,
		.log = log_path(t, "tool.log"),
		.layout = t->request->layout,
		.deadline_us = t->request->strategy.deadline_us,
	};
	int code = program_run(&program);

	rename(made, log);
	if (code)
		fail(result, "restore", code, access(log, R_OK) == 0 ? log : log_path(t, "tool.log"));
	return code == 0;
}

/* As TestCheckpoint does: pre-dump, dump, restore; the thaw shows that the workload goes on. */
static void checkpoint_restore(struct watch *w, struct tool_result *result)
{
	struct trial *t = w->trial;
	const bool pre = t->request->pre_dump;
	const struct step first = { "pre-dump", "parent", NULL, "pre-dump.log" };
	const struct step second = { "checkpoint", "images", pre ? "../parent" : NULL, "dump.log" };

	result->ok = (!pre || checkpoint(w, result, &first)) && checkpoint(w, result, &second);
	if (result->ok) {
		result->code = 0;
		/* its group is gone with it, and the restore makes it again, with new files */
		group_close(&t->group);
		result->ok = restore(w, result);
		if (!container_find(t) && result->ok) {
			result->ok = false;
			snprintf(result->error, sizeof(result->error), "restore: %.200s", t->why);
		}
		t->group.foreign = true;
	}
	remove_tree(log_path(t, "images"));
	remove_tree(log_path(t, "parent"));
	remove_tree(log_path(t, "work"));
}

static const char *binary(enum tool tool)
{
	switch (tool) {
	case TOOL_CRUN_PAUSE:
		return "crun";
	case TOOL_PODMAN_PAUSE:
		return "podman";
	case TOOL_CRIU_DUMP:
	case TOOL_RUNC_CHECKPOINT:
		return "criu";
	default:
		return "runc";
	}
}

bool tool_freeze(struct trial *t, struct freeze_log *log, struct tool_result *result, unsigned *moved)
{
	const enum tool tool = t->request->tool;
	struct watch w = { .trial = t, .log = log };

	*result = (struct tool_result){ .name = tool_names[tool], .version = program_version(binary(tool)) };
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++)
		unlink(log_path(t, logs[i]));
	t->group.foreign = true;
	forget_blockers();
	log->start_us = now_us();
	note_state(log, group_read(&t->group));
	log->states[0].us = 0;
	if (tool == TOOL_CRIU_DUMP)
		dump(&w, result);
	else if (tool == TOOL_RUNC_CHECKPOINT)
		checkpoint_restore(&w, result);
	else
		pause_with(&w, result, binary(tool));
	result->us = now_us() - log->start_us;
	*moved = w.moved;
	return true;
}

struct resume {
	struct group *group;
	int64_t thawed_us; /* 0: not seen THAWED yet */
};

static void see_thawed(void *arg)
{
	struct resume *r = arg;

	if (!r->thawed_us && group_read(r->group) == STATE_THAWED)
		r->thawed_us = now_us();
}

bool tool_thaw(struct trial *t, struct tool_result *result, int64_t *thawed_us)
{
	struct resume resume = { .group = &t->group };
	const enum tool tool = t->request->tool;
	const char *const argv[] = { binary(tool), tool == TOOL_PODMAN_PAUSE ? "unpause" : "resume", t->id, NULL };
	const struct program program = {
		.argv = argv,
		.log = log_path(t, "tool.log"),
		.layout = t->request->layout,
		.deadline_us = 20000000,
		.watch = see_thawed,
		.arg = &resume,
		/* starting such a program takes a hundred times as long as the thaw itself */
		.watch_us = 1000,
	};

	if (tool != TOOL_RUNC_PAUSE && tool != TOOL_CRUN_PAUSE && tool != TOOL_PODMAN_PAUSE)
		return false;
	if (!result->ok)
		return false;
	int code = program_run(&program);

	if (code)
		fail(result, "resume", code, log_path(t, "tool.log"));
	*thawed_us = resume.thawed_us ? resume.thawed_us : now_us();
	return code == 0;
}

/* Only the end of a long log is sent, where the failure is; a byte takes at most six in a line. */
#define CHUNK 6000
#define MAX_LOG (64 * 1024)

void tool_emit_logs(const struct trial *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(logs); i++) {
		static char text[CHUNK + 1];
		struct stat st;
		int fd = open(log_path(t, logs[i]), O_RDONLY | O_CLOEXEC);
		ssize_t n;

		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && st.st_size > MAX_LOG)
			lseek(fd, st.st_size - MAX_LOG, SEEK_SET);
		while ((n = read(fd, text, CHUNK)) > 0) {
			text[n] = '\0';
			emit_begin();
			emit("{\"ev\":\"log\",\"trial\":%d,\"name\":\"%s\",\"text\":", t->request->trial, logs[i]);
			emit_string(text);
			emit("}");
			if (!emit_end())
				break;
		}
		close(fd);
	}
}
