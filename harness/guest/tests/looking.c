/* Nothing that looks blocks on its target: before 5.10 a read of the stack of a waiting exec does not return. */
#define _GNU_SOURCE
#include "check.h"
#include "../task.h"

#include <string.h>
#include <unistd.h>

/* A task in a /proc of our own; `stack` NULL: a read of it blocks forever, like opening a FIFO with no other end. */
static void make_task(int tid, int process, const char *wchan, const char *stack, const char *pending)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "proc/%d", tid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "proc/%d/task", process);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "proc/%d/task/%d", process, tid);
	mkdir(path, 0755);
	snprintf(path, sizeof(path), "proc/%d/stat", tid);
	snprintf(text, sizeof(text), "%d (race (D) x) D 1 1 1 0", tid);
	put(path, text);
	snprintf(path, sizeof(path), "proc/%d/wchan", tid);
	put(path, wchan);
	snprintf(path, sizeof(path), "proc/%d/status", tid);
	snprintf(text, sizeof(text), "Name:\trace\nTgid:\t%d\nSigPnd:\t%s\n", process, pending);
	put(path, text);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "proc/%d/%s", tid, i ? "syscall" : "stack");
		if (!stack)
			mkfifo(path, 0600);
		else
			put(path, i ? "59 0x0" : stack);
	}
}

/* The trial whose group look() fills with tasks; look() returns what emit_blockers() says of it. */
static struct trial t;

static void look(const char *tasks, char *said, size_t size)
{
	t.nslots = 0;
	put("group/tasks", tasks);
	find_blockers(&t, 0);
	capture_begin();
	emit_begin();
	emit_blockers();
	emit_end();
	capture_end(said, size);
}

int main(void)
{
	static char said[4096];

	shared_create();
	proc_root = "proc";
	mkdir("proc", 0755);
	make_group(&t.group, "group");
	alarm(20);

	make_task(11, 11, "flush_old_exec", NULL, "0000000000000000");
	make_task(12, 11, "__refrigerator", NULL, "0000000000000100");
	look("11\n12\n", said, sizeof(said));
	check(strstr(said, "\"pid\":11") != NULL, "the exec whose stack cannot be read is told");
	check(strstr(said, "\"wchan\":\"flush_old_exec\"") != NULL, "with what it sleeps in");
	check(strstr(said, "\"unread\":true,\"killedThreads\":1") != NULL, "and whom it waits for");
	check(strstr(said, "\"pid\":12") == NULL, "a thread that is in the refrigerator is not");

	/* without frame pointers and wchan only the signals are left */
	make_task(21, 21, "0", NULL, "0000000000000000");
	make_task(22, 21, "0", NULL, "0000000000000100");
	make_task(23, 21, "0", NULL, "0000000000000100");
	look("22\n21\n23\n", said, sizeof(said));
	check(strstr(said, "[{\"pid\":21") != NULL, "the thread that was not killed comes first");
	check(strstr(said, "\"killedThreads\":2") != NULL, "with two that were");

	make_task(31, 31, "0", "[<0>] begin_new_exec+0x1/0x2\n", "0000000000000000");
	look("31\n11\n", said, sizeof(said));
	check(strstr(said, "\"stack\":[\"begin_new_exec\"]") != NULL, "a stack that can be read is read all the same");
	shared_end();
	return checks_end();
}
