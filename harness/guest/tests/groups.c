/* Nobody outside our group is killed, whatever /proc says of a container: with the root's path, or with none. */
#define _GNU_SOURCE
#include "check.h"
#include "../task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOON_US 50000

static const struct hierarchies here = { .v1 = "." };

static pid_t make_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void put_pid(const char *path, pid_t pid)
{
	char text[16];

	snprintf(text, sizeof(text), "%d\n", pid);
	put(path, text);
}

static bool lives(pid_t pid)
{
	return waitpid(pid, NULL, WNOHANG) == 0;
}

/* Sets what /proc says about the first process of a container. */
static void say(pid_t init, const char *cgroups)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d", init);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "proc/%d/cgroup", init);
	put(path, cgroups);
}

/* Makes a group as a runtime does, with this process in each file. */
static void make_by_runtime(const char *path, pid_t pid)
{
	static const char *const files[] = { "cgroup.procs", "freezer.state", "tasks" };
	char file[128];

	mkdir(path, 0755);
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, files[i]);
		put_pid(file, pid);
	}
}

static bool is_refused(struct group *g, pid_t init, const char *cgroups, const char *word)
{
	say(init, cgroups);
	const char *why = group_adopt(g, init);

	return why && strstr(why, word) && group_dir(g) < 0;
}

int main(void)
{
	struct group g, none = { .procs = -1, .state = -1, .events = -1 };
	pid_t everybody = make_process(), sibling = make_process(), own = make_process(), inner = make_process();

	proc_root = "proc";
	mkdir("proc", 0755);
	make_by_runtime("tmp", 0);
	put_pid("tasks", everybody);
	put_pid("cgroup.procs", everybody);
	put("freezer.state", "");
	make_by_runtime("sibling", sibling);
	make_by_runtime("frostline-1-23", sibling);

	check(group_destroy(&none, SOON_US), "of no group there is nothing to destroy");
	group_write(&none, true);
	group_empty(&none, SOON_US);
	check(group_count(&none) == 0 && !group_evict(&none, sibling), "nor to list, nor to leave");
	check(group_make(&g, &(struct hierarchies){ 0 }, false, "frostline-1-1") == EINVAL, "no hierarchy, no group");
	check(group_make(&g, &here, false, "") == EINVAL && group_make(&g, &here, false, "../x") == EINVAL,
	      "the hierarchy itself is none, nor what is above");

	check(group_reserve(&g, &here, false, "sibling") != NULL, "a group that was there before is not ours");
	check(group_destroy(&g, SOON_US) && access("sibling", F_OK) == 0, "and is not destroyed");
	check(group_reserve(&g, &here, false, "frostline-1-2") == NULL, "one that is not there may be made");
	check(is_refused(&g, 71, "4:freezer:/\n", "group /, not in /frostline-1-2"), "a process that has ended is in no group of its own");
	check(is_refused(&g, 72, "4:freezer:/sibling\n", "not in"), "nor is another's");
	check(is_refused(&g, 73, "4:freezer:/frostline-1-23\n", "not in"), "nor one whose name only begins so");
	check(is_refused(&g, 74, "4:freezer:/frostline-1-2/../sibling\n", "not in"), "nor one that is elsewhere in the end");
	check(is_refused(&g, 75, "4:freezer:\n", "not in") && is_refused(&g, 76, "", "of nobody"), "nor what has no name");
	check(is_refused(&g, 77, "4:freezer:/frostline-1-2\n", "No such file"), "nor one that is gone");
	check(group_destroy(&g, SOON_US), "there was none to destroy");
	check(lives(everybody) && lives(sibling) && lives(own), "nobody was killed");

	check(group_reserve(&g, &here, false, "frostline-1-2") == NULL, "another trial");
	make_by_runtime("frostline-1-2", own);
	make_by_runtime("frostline-1-2/below", inner);
	say(78, "5:devices:/\n4:cpu,freezer:/frostline-1-2/below\n");
	check(group_adopt(&g, 78) == NULL, "what the runtime made by that name is ours");
	check(!strcmp(g.path, "./frostline-1-2/below") && group_count(&g) == 1, "and the group where the process is");
	check(group_write(&g, true), "FROZEN is written");
	say(78, "4:freezer:/\n");
	/* plain files cannot be removed as a group can: it ends by its timeout */
	group_empty(&g, SOON_US);
	check(!lives(inner) && lives(own), "its processes are killed");
	check(!group_destroy(&g, SOON_US), "a group that stays is told");
	check(!lives(own), "and those of all that was made by its name");
	char text[16];

	get("frostline-1-2/below/freezer.state", text, sizeof(text));
	check(!strcmp(text, "THAWED"), "after a thaw of each group");
	check(lives(everybody) && lives(sibling), "and nobody else");

	own = make_process();
	check(group_make(&g, &here, false, "frostline-1-3") == 0, "a group of our own");
	rmdir("frostline-1-3");
	make_by_runtime("frostline-1-3", own);
	check(group_destroy(&g, SOON_US), "that is gone, and somebody else's has its name,");
	check(lives(own) && access("frostline-1-3", F_OK) == 0, "is not destroyed in its place");

	make_by_runtime("frostline-x", sibling);
	make_by_runtime("frostline-4-", sibling);
	rename("frostline-1-23", "elsewhere");
	rename("frostline-1-2", "elsewhere-too");
	group_clean_all(&here);
	check(!lives(own), "what was left is cleaned, with its processes");
	check(lives(everybody) && lives(sibling), "and nothing that frostbite does not name so");
	return checks_end();
}
