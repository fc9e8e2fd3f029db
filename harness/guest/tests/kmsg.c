/* What the kernel logs in a trial, and in no other, is reported with that trial if it shows trouble. */
#define _GNU_SOURCE
#include "check.h"

#include <string.h>
#include <unistd.h>

static void add(const char *text)
{
	FILE *f = fopen("kmsg", "ae");

	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

/* What a result says about the log. */
static void tell(char *said, size_t size)
{
	int out = dup(1);

	fflush(stdout);
	if (!freopen("said", "we", stdout))
		abort();
	emit_begin();
	emit_kmsg();
	emit_end();
	fflush(stdout);
	dup2(out, 1);
	close(out);
	get("said", said, size);
}

int main(void)
{
	static char said[16384];

	shared_create();
	kmsg_path = "kmsg";
	check(kmsg_begin() == -1, "a log that cannot be read has no time");
	tell(said, sizeof(said));
	check(!strcmp(said, "\n"), "and nothing is told of it");

	add("4,1,5000000,-;WARNING: CPU: 0 PID: 1 at kernel/before.c:1\n");
	add("6,2,5000123,-;and a line after\n");
	check(kmsg_begin() == 5000123, "a trial begins behind the last line");
	add("6,3,6000000,-;eth0: link becomes ready\n SUBSYSTEM=net\n");
	add("4,4,6000001,-;WARNING: CPU: 1 PID: 9 at kernel/freezer.c:130 __set_task_frozen+0x1\n");
	add("12,5,6000002,-;BUG: says a program\n");
	tell(said, sizeof(said));
	check(!strcmp(said, ",\"kernel\":[\"WARNING: CPU: 1 PID: 9 at kernel/freezer.c:130 __set_task_frozen+0x1\"]\n"),
	      "what came in it is told: no line from before, of a program, or of the ordinary");

	check(kmsg_begin() == 6000002, "the next begins where it ended");
	tell(said, sizeof(said));
	check(!strcmp(said, "\n"), "and has nothing of it");
	for (int i = 0; i < 1000; i++)
		add("3,6,7000000,-;BUG: soft lockup\n");
	tell(said, sizeof(said));
	check(strlen(said) < 1000 && said[strlen(said) - 2] == ']', "a flood is cut");
	shared_end();
	return checks_end();
}
