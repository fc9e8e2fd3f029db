/* Tasks in groups below also keep a group FREEZING: all are searched, and each is reported with its group. */
#define _GNU_SOURCE
#include "check.h"
#include "../task.h"

#include <string.h>
#include <unistd.h>

static void put_at(const char *folder, const char *name, const char *text)
{
	char path[400];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	put(path, text);
}

/* A task in a /proc of our own, asleep there. */
static void make_task(int tid, const char *wchan)
{
	char path[64], text[128];

	snprintf(path, sizeof(path), "proc/%d", tid);
	mkdir(path, 0755);
	snprintf(text, sizeof(text), "%d (task) D 1 1 1 0", tid);
	put_at(path, "stat", text);
	put_at(path, "wchan", wchan);
	put_at(path, "syscall", "0 0x0");
	snprintf(text, sizeof(text), "[<0>] %s+0x1/0x2\n", wchan);
	put_at(path, "stack", text);
}

/* A v1 group with these tasks. */
static void make_group_of(const char *path, const char *tasks)
{
	mkdir(path, 0755);
	put_at(path, "tasks", tasks);
	put_at(path, "freezer.state", "FREEZING\n");
}

/* What emit_blockers() reports for the group. */
static const char *look(struct trial *t)
{
	static char said[16384];

	find_blockers(t, 0);
	capture_begin();
	emit_begin();
	emit_blockers();
	emit_end();
	capture_end(said, sizeof(said));
	return said;
}

static unsigned count(const char *text, const char *part)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

int main(void)
{
	static struct trial group, wide, deep;
	char path[400];

	shared_create();
	proc_root = "proc";
	mkdir("proc", 0755);
	alarm(20);
	for (int tid = 1; tid < 10; tid++)
		make_task(tid, tid % 2 ? "request_wait_answer" : "__refrigerator");

	make_group(&group.group, "group");
	make_group_of("group", "2\n");
	make_group_of("group/inner", "4\n1\n");
	make_group_of("group/inner/deep", "6\n3\n");
	make_group_of("group/other", "8\n");
	put("outside", "5\n");
	if (symlink("../", "group/link"))
		abort();
	const char *said = look(&group);

	check(strstr(said, "\"pid\":1,") != NULL, "a task of a group below is told");
	check(strstr(said, "\"group\":\"inner\"}") != NULL, "with that group");
	check(strstr(said, "\"pid\":3,") && strstr(said, "\"group\":\"inner/deep\"}"), "one further below, too");
	check(count(said, "\"pid\":") == 2, "those in the refrigerator are not, nor what a link leads to");

	make_group_of("group", "9\n");
	said = look(&group);
	check(strstr(said, "\"pid\":9,") != NULL, "a task of the group itself is told");
	check(count(said, "\"group\":") == 2, "without a group");

	/* a container may make any number of groups */
	make_group(&wide.group, "wide");
	for (int i = 0; i < 600; i++) {
		snprintf(path, sizeof(path), "wide/%d", i);
		make_group_of(path, "1\n");
	}
	check(count(look(&wide), "\"pid\":") == 16, "many groups: as many tasks as a report has room for");
	make_group(&deep.group, "deep");
	strcpy(path, "deep");
	for (int i = 0; i < 60; i++) {
		strcat(path, "/down");
		make_group_of(path, i > 40 ? "1\n" : "2\n");
	}
	check(count(look(&deep), "\"pid\":") == 0, "and not deeper than it takes");
	shared_end();
	return checks_end();
}
