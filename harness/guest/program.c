#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SEARCHED "/usr/sbin:/usr/bin:/sbin:/bin"
#define CGROUPS "/sys/fs/cgroup"
#define UNIFIED CGROUPS "/unified"

/*
 * Container tools tell v1 from v2 by what is mounted at /sys/fs/cgroup, so each tool gets a mount namespace
 * with what its cell asks for. Later mounts below /tmp must still propagate to containers.
 */
static bool show_layout(enum layout layout)
{
	struct hierarchies h;

	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return false;
	find_hierarchies(&h);
	if (layout == LAYOUT_V2 && strcmp(h.v2, CGROUPS))
		return mount("cgroup2", CGROUPS, "cgroup2", 0, NULL) == 0;
	if (layout == LAYOUT_V1 && !strcmp(h.v2, UNIFIED))
		return umount2(UNIFIED, MNT_DETACH) == 0;
	return true;
}

/* The program's output must not get into the protocol: without these streams it is not started. */
struct streams {
	int in, out;
};

static bool open_streams(const struct program *p, struct streams *s)
{
	s->in = open("/dev/null", O_RDWR | O_CLOEXEC);
	s->out = p->log ? open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : s->in;
	return s->in >= 0 && s->out >= 0;
}

static void close_streams(const struct streams *s)
{
	int error = errno;

	if (s->in >= 0)
		close(s->in);
	if (s->out >= 0 && s->out != s->in)
		close(s->out);
	errno = error;
}

static void __attribute__((noreturn)) execute(const struct program *p, const struct streams *s)
{
	static char *const environment[] = { "PATH=" SEARCHED, "HOME=/root", "TMPDIR=/var/tmp", "XDG_RUNTIME_DIR=/run", NULL };

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* a process group of its own can be killed as a whole */
	setpgid(0, 0);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGPIPE, SIG_DFL);
	fsfreeze_close_guard();
	if (dup2(s->in, 0) < 0 || dup2(s->out, 1) < 0 || dup2(s->out, 2) < 0)
		_exit(125);
	for (int fd = 3; fd < 128; fd++)
		close(fd);
	if (!show_layout(p->layout)) {
		fprintf(stderr, "frostbite: %s: %s\n", CGROUPS, strerror(errno));
		_exit(126);
	}
	execvpe(p->argv[0], (char *const *)p->argv, environment);
	fprintf(stderr, "frostbite: %s: %s\n", p->argv[0], strerror(errno));
	_exit(127);
}

/*
 * Each look takes a CPU from the watched processes: with one per millisecond a single write of FROZEN met 60 % of
 * a storm's vfork parents in time; with one in 50 ms 33 %, as without any.
 */
#define WATCH_US 50000

int program_error;

static int not_started(void)
{
	program_error = errno;
	return NOT_STARTED;
}

int program_run(const struct program *p)
{
	int64_t end = now_us() + p->deadline_us;
	int status;
	/* execvpe searches our own PATH */
	setenv("PATH", SEARCHED, 1);
	struct streams streams;
	bool is_open = open_streams(p, &streams);
	pid_t pid = is_open ? fork() : -1;

	if (pid == 0)
		execute(p, &streams);
	close_streams(&streams);
	if (pid < 0)
		return not_started();
	for (pid_t ended; (ended = waitpid(pid, &status, WNOHANG)) != pid;) {
		if (ended < 0 && errno != EINTR)
			return not_started();
		if (p->watch)
			p->watch(p->arg);
		if (now_us() >= end || atomic_load(&stop_asked)) {
			signal_family(pid, SIGKILL);
			end_process(pid);
			return OVERDUE;
		}
		sleep_us(!p->watch ? 1000 : p->watch_us ? p->watch_us : WATCH_US);
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool program_there(const char *name)
{
	char folders[] = SEARCHED, path[128], *save = NULL;

	for (char *folder = strtok_r(folders, ":", &save); folder; folder = strtok_r(NULL, ":", &save)) {
		snprintf(path, sizeof(path), "%s/%s", folder, name);
		if (access(path, X_OK) == 0)
			return true;
	}
	return false;
}

/* The last word of line 1: "runc version 1.1.15+ds1", "crun version 1.21", "Version: 4.1.1", "podman version 5.4.2". */
static void ask_version(const char *name, char *version, size_t size)
{
	const char *const argv[] = { name, "--version", NULL };
	char path[] = "/tmp/frostline-version-XXXXXX", line[128] = "";
	int fd = mkstemp(path);
	const struct program program = { .argv = argv, .log = path, .layout = LAYOUT_HYBRID, .deadline_us = 20000000 };

	if (fd < 0)
		return;
	program_run(&program);
	if (read(fd, line, sizeof(line) - 1) > 0) {
		line[strcspn(line, "\n")] = '\0';
		char *space = strrchr(line, ' ');

		snprintf(version, size, "%.30s %.60s", name, space ? space + 1 : line);
	}
	close(fd);
	unlink(path);
}

const char *program_version(const char *name)
{
	static struct { char name[16], version[96]; } known[8];
	size_t i = 0;

	while (i < ARRAY_SIZE(known) - 1 && known[i].name[0] && strcmp(known[i].name, name))
		i++;
	if (strcmp(known[i].name, name)) {
		snprintf(known[i].name, sizeof(known[i].name), "%s", name);
		known[i].version[0] = '\0';
		ask_version(name, known[i].version, sizeof(known[i].version));
	}
	return known[i].version;
}

void telling_line(const char *path, char *line, size_t size)
{
	char text[512];
	FILE *f = fopen(path, "re");

	line[0] = '\0';
	while (f && fgets(text, sizeof(text), f)) {
		text[strcspn(text, "\n")] = '\0';
		if (text[0])
			snprintf(line, size, "%s", text);
		/* CRIU logs the cause first, then its consequences */
		if (strstr(text, "Error ("))
			break;
	}
	if (f)
		fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	remove(path);
	return 0;
}

void remove_tree(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
