/* A failed fork is reported in words; nobody is killed in place of the missing process; the protocol stays clean. */
#define _GNU_SOURCE
#include "check.h"
#include "refuse.h"

#include <errno.h>
#include <string.h>

/* Workloads that touch nothing on the machine but processes. */
static const char *const names[] = {
	"sleep", "spin", "sigstop", "ptrace-stop", "vfork-parent", "dead-leader", "fork-storm", "thread-bomb", "mt-exec-once",
	"attach-storm", "attach-to-frozen", "pipe-read",
};

static _Atomic unsigned steps;

static void work(void *arg)
{
	(void)arg;
}

static bool fails_in_words(const char *name)
{
	static struct request request = { .gap_us = -1 };
	struct trial t = { .request = &request, .workload = workload_find(name) };
	char group[64], text[200];

	snprintf(group, sizeof(group), "group-of-%s", name);
	parameters_default(t.workload, &request.parameters);
	make_group(&t.group, group);
	slots_clear();
	parameters_default(t.workload, &request.parameters);
	shared->parameters = request.parameters;
	bool failed = !t.workload->start(&t) && strstr(t.why, "fork: Resource temporarily unavailable");

	if (!failed)
		fprintf(stderr, "%s: %s\n", name, t.why);
	if (t.workload->release)
		t.workload->release(&t);
	end_server(&t);
	kill_children(&t);
	group_empty(&t.group, 1000);
	group_close(&t.group);
	snprintf(text, sizeof(text), "%s says that it cannot fork", name);
	check(failed, text);
	return failed;
}

int main(void)
{
	static const char *const echo[] = { "echo", "printed into the protocol", NULL };
	const struct program quiet = { .argv = echo, .log = "nowhere/at/all", .deadline_us = 10000000 };
	const struct program logged = { .argv = echo, .log = "log", .deadline_us = 10000000 };
	char said[200];

	shared_create();
	capture_begin();
	int code = program_run(&quiet);

	capture_end(said, sizeof(said));
	check(code == NOT_STARTED && program_error == ENOENT, "a program whose log cannot be opened is not started");
	check(!said[0], "and prints nothing into the protocol");

	if (!refuse_forks()) {
		perror("seccomp");
		return 4;
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		fails_in_words(names[i]);
	check(spawn_server(work, NULL) < 0, "there is no server");
	check(!helper_run(&(struct helper){ work, NULL, &steps, 1000 }), "and no helper");
	check(program_run(&logged) == NOT_STARTED && program_error == EAGAIN, "a program that cannot be forked is not started");
	check(!setting_change("/nowhere", "x", NULL) && errno == EAGAIN, "and nothing is changed without its guardian");
	shared_end();
	return checks_end();
}
