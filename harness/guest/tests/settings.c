/* What a workload changes on the machine is restored, whoever is killed, and what someone else wrote stays. */
#define _GNU_SOURCE
#include "check.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static char value[200], note[300];

static bool holds(const char *text)
{
	char now[64];

	get(value, now, sizeof(now));
	now[strcspn(now, "\n")] = '\0';
	return !strcmp(now, text);
}

static bool is_back(void *arg)
{
	return holds(arg) && access(note, F_OK) < 0;
}

/* A process that changes the setting, and then SIGKILLs itself or waits to be killed. */
static pid_t change(bool is_killed)
{
	int pipes[2];
	char byte;

	if (pipe(pipes) < 0)
		abort();
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!setting_change(value, "ours", NULL))
			_exit(1);
		if (is_killed)
			raise(SIGKILL);
		if (write(pipes[1], "", 1) != 1)
			_exit(2);
		for (;;)
			pause();
	}
	close(pipes[1]);
	if (read(pipes[0], &byte, 1) < 0)
		abort();
	close(pipes[0]);
	return pid;
}

int main(void)
{
	char here[150];
	pid_t pid;

	if (!getcwd(here, sizeof(here)))
		return 4;
	snprintf(value, sizeof(value), "%s/value", here);
	snprintf(note, sizeof(note), "notes/%s", value);
	for (char *c = note + strlen("notes/"); *c; c++)
		if (*c == '/')
			*c = '!';
	settings_folder = "notes";
	put(value, "before\n");

	check(setting_change(value, "ours", NULL) && holds("ours"), "a setting is changed");
	check(access(note, F_OK) == 0, "with a note of what it was");
	setting_restore(value);
	check(holds("before") && access(note, F_OK) < 0, "and written back, without the note");
	check(setting_change(value, "8M", "-1") && holds("8M"), "a limit is set");
	settings_end();
	check(holds("-1") && access("notes", F_OK) < 0, "and lifted at the end, and nothing is left");

	put(value, "before\n");
	pid = change(false);
	check(holds("ours"), "another process has changed it");
	errno = 0;
	check(!setting_change(value, "mine", NULL) && errno == EBUSY && holds("ours"), "one that is changed is not changed by a second");
	check(settings_clean_all() == 0 && holds("ours"), "nor written back while the first lives");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	check(wait_patiently(is_back, "before", 5000000), "its guardian writes back when it was killed");
	pid = change(true);
	waitpid(pid, NULL, 0);
	check(wait_patiently(is_back, "before", 5000000), "also when it was killed at once");

	/* as if the guardian had been killed with it */
	mkdir("notes", 0700);
	put(value, "ours\n");
	put(note, "ours\nbefore\n");
	check(settings_clean_all() == 1 && holds("before"), "what no guardian has written back is by clean");
	check(access("notes", F_OK) < 0, "which leaves no note");
	mkdir("notes", 0700);
	put(note, "ours\nolder\n");
	check(settings_clean_all() == 0 && holds("before"), "a note without its change changes nothing");
	mkdir("notes", 0700);
	put(value, "ours\n");
	put(note, "ours\nbef");
	check(settings_clean_all() == 0 && holds("ours"), "nor does one that is torn");
	mkdir("notes", 0700);
	put(value, "theirs\n");
	put(note, "ours\nbefore\n");
	check(settings_clean_all() == 0 && holds("theirs"), "what somebody else wrote since stays");
	mkdir("notes", 0700);
	put(value, "ours\n");
	put(note, "ours\nbefore\n");
	check(setting_change(value, "next", NULL) && holds("next"), "where a dead one has left its change");
	setting_restore(value);
	check(holds("before"), "what was before that is what comes back");
	settings_end();

	put(value, "before\n");
	check(!setting_change("/nowhere/at/all", "x", NULL) && errno == ENOENT, "what is not there cannot be changed");
	settings_end();
	check(access("notes", F_OK) < 0, "and leaves no note");
	mkdir("notes", 0700);
	chmod("notes", 0777);
	check(!setting_change(value, "x", NULL) && errno == EPERM && holds("before"), "notes that others can write are not kept");
	put(note, "\nx\n");
	check(settings_clean_all() == 0 && holds("before"), "and not believed");
	return checks_end();
}
