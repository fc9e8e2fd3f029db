#define _GNU_SOURCE
#include "request.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * The protocol: trials come in on standard input as key=value lines, each trial ended by an empty line.
 * JSON lines go out: hello, beat (at least each second, from a process of its own), start and result.
 * harness/trial/protocol.ts defines their shapes.
 */

_Atomic int stop_asked;
const char *const phase_names[] = { "idle", "setup", "freezing", "witness", "thawing", "cleanup", "kept" };

static void on_signal(int signal)
{
	(void)signal;
	atomic_store(&stop_asked, 1);
}

static void read_line(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");

	if (!f || !fgets(text, (int)size, f))
		snprintf(text, size, "unknown");
	if (f)
		fclose(f);
	text[strcspn(text, "\n")] = '\0';
}

static void emit_mount(const char *key, const char *mount)
{
	emit(",\"%s\":", key);
	emit_string(mount[0] ? mount : NULL);
}

static bool hello(const struct hierarchies *h)
{
	struct utsname u;
	char boot[64];

	uname(&u);
	read_line("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	emit_begin();
	emit("{\"ev\":\"hello\",\"version\":\"%s\",\"release\":", FROSTBITE_VERSION);
	emit_string(u.release);
	emit(",\"arch\":");
	emit_string(u.machine);
	emit(",\"cpus\":%ld,\"boot\":", sysconf(_SC_NPROCESSORS_ONLN));
	emit_string(boot);
	emit_mount("v1", h->v1);
	emit_mount("v2", h->v2);
	emit("}");
	return emit_end();
}

/* The heartbeat, in its own process: goes on when the main one is stuck in the kernel, and reports where. */
static void beat(void)
{
	const struct timespec between_beats = { .tv_nsec = 800000000 };
	pid_t parent = getppid();

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "frostbite-beat");
	shared_own_lock();
	for (;;) {
		unsigned told = atomic_load(&shared->beats);
		int trial = atomic_load(&shared->trial);

		emit_begin();
		emit("{\"ev\":\"beat\",\"us\":%lld,\"trial\":", (long long)now_us());
		if (trial < 0)
			emit("null");
		else
			emit("%d", trial);
		emit(",\"phase\":\"%s\"", phase_names[atomic_load(&shared->phase)]);
		int64_t quiet_us = atomic_load(&shared->quiet_until) - now_us();

		if (quiet_us > 0)
			emit(",\"quietUs\":%lld", (long long)quiet_us);
		emit_stuck(trial, atomic_load(&shared->phase));
		emit("}");
		if (!emit_end()) {
			/* nobody reads: the main process would only notice at the end of the trial */
			signal_process(parent, SIGTERM);
			_exit(0);
		}
		syscall(SYS_futex, &shared->beats, FUTEX_WAIT, told, &between_beats, NULL, 0);
	}
}

void beat_now(void)
{
	atomic_fetch_add(&shared->beats, 1);
	syscall(SYS_futex, &shared->beats, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#define MAX_LINE 512

/* Waits for input; false when told to stop, by a signal or because nobody reads the results any more. */
static bool wait_input(void)
{
	struct pollfd fds[] = { { .fd = STDIN_FILENO, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	sigset_t stops, before;
	int n = 0;

	sigemptyset(&stops);
	sigaddset(&stops, SIGTERM);
	sigaddset(&stops, SIGHUP);
	sigaddset(&stops, SIGINT);
	/* blocked except in ppoll: a signal between the test and the wait would be slept through */
	sigprocmask(SIG_BLOCK, &stops, &before);
	if (!atomic_load(&stop_asked))
		n = ppoll(fds, ARRAY_SIZE(fds), NULL, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return n > 0 && !atomic_load(&stop_asked) && !(fds[1].revents & (POLLERR | POLLNVAL));
}

/* Reads a line, without its newline; false at the end of input or when told to stop. */
static bool next_line(char *line)
{
	static char buffer[4096];
	static size_t start, end;
	size_t length = 0;

	for (;;) {
		while (start < end) {
			char c = buffer[start++];

			if (c == '\n') {
				line[length] = '\0';
				return true;
			}
			/* longer lines are cut: no key and value are that long, so they will not be understood */
			if (length < MAX_LINE - 1)
				line[length++] = c;
		}
		if (!wait_input())
			return false;
		ssize_t n = read(STDIN_FILENO, buffer, sizeof(buffer));

		if (n == 0 || (n < 0 && errno != EINTR))
			return false;
		start = 0;
		end = n > 0 ? (size_t)n : 0;
	}
}

static void run_one(const struct request *r, const struct hierarchies *h)
{
	int64_t kernel_us = kmsg_begin();

	emit_begin();
	emit("{\"ev\":\"start\",\"trial\":%d", r->trial);
	if (kernel_us >= 0)
		emit(",\"kernelUs\":%lld", (long long)kernel_us);
	emit("}");
	if (!emit_end())
		atomic_store(&stop_asked, 1);
	if (!r->error[0]) {
		(r->nsteps ? sequence_run : trial_run)(r, h);
		return;
	}
	emit_begin();
	emit("{\"ev\":\"result\",\"trial\":%d,\"outcome\":\"error\",\"reason\":", r->trial);
	emit_string(r->error);
	emit(",\"frozenUs\":null,\"writes\":0,\"reads\":0,\"thaws\":0,\"states\":[],\"thaw\":null,\"blockers\":[],\"tool\":null,\"runtime\":null,"
	     "\"reusable\":true,\"guestUs\":0}");
	if (!emit_end())
		atomic_store(&stop_asked, 1);
}

static void install_signals(void)
{
	const struct sigaction stop = { .sa_handler = on_signal };

	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGHUP, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
}

int serve(bool is_ours)
{
	struct hierarchies h;
	struct request request;
	char line[MAX_LINE];
	bool empty = true;

	shared_create();
	install_signals();
	/* orphans of storms become our children, not init's, and are reaped at once (3.4) */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	find_hierarchies(&h);
	if (is_ours)
		grace_ours();
	if (!hello(&h))
		return 0;
	stuck_begin(getpid());
	pid_t beater = fork();

	if (beater < 0) {
		fprintf(stderr, "frostbite: fork of the heartbeat: %s\n", strerror(errno));
		stuck_end();
		shared_end();
		return 69;
	}
	if (beater == 0) {
		signal(SIGTERM, SIG_DFL);
		signal(SIGHUP, SIG_DFL);
		signal(SIGINT, SIG_DFL);
		beat();
	}
	request_begin(&request);
	while (!atomic_load(&stop_asked) && next_line(line)) {
		if (line[0]) {
			request_line(&request, line);
			empty = false;
		} else if (!empty) {
			request_end(&request);
			run_one(&request, &h);
			request_begin(&request);
			empty = true;
		}
	}
	signal_process(beater, SIGKILL);
	waitpid(beater, NULL, 0);
	stuck_end();
	settings_end();
	fsfreeze_end();
	controllers_end();
	place_end();
	containers_end();
	shared_end();
	return 0;
}
