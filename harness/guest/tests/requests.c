/* Any lines at all make a request or an error, within bounds. */
#define _GNU_SOURCE
#include "check.h"
#include "../request.h"

#include <string.h>

static struct request r;

static const char *read_lines(const char *const *lines)
{
	char line[600];

	request_begin(&r);
	for (; *lines; lines++) {
		snprintf(line, sizeof(line), "%s", *lines);
		request_line(&r, line);
	}
	request_end(&r);
	return r.error;
}

#define READ(...) read_lines((const char *const[]){ __VA_ARGS__, NULL })

int main(void)
{
	char line[600], seed = 7;

	check(!READ("trial=1", "workload=sleep")[0] && r.trial == 1 && !strcmp(r.workload, "sleep"), "a request is read");
	check(r.gap_us < 0 && r.strategy.attempts == 1 && !r.v2, "with what is left out as it should be");
	check(!READ("trial=1", "workload=sleep", "cgroup=v2", "wait=events", "gap_us=5")[0] && r.v2 && r.gap_us == 5, "with its words");
	check(strstr(READ("trial=1", "workload=none"), "workload=none") != NULL, "an unknown workload is refused");
	check(strstr(READ("trial=1", "", "workload=sleep"), "not understood: =") != NULL, "so is a line of nothing");
	check(strstr(READ("trial=-1", "workload=sleep"), "trial=-1") != NULL, "and a number below its bounds");
	check(strstr(READ("trial=99999999999999999999", "workload=sleep"), "trial=9") != NULL, "or beyond all numbers");
	check(strstr(READ("bad=1", "worse=2"), "bad=1") != NULL, "what is wrong first is told");
	check(strstr(READ("trial=1", "workload=sleep", "tool=runc-pause"), "needs a container") != NULL, "a tool has a container");
	check(strstr(READ("trial=1", "workload=sleep", "gap_from_us=3", "gap_us=2"), "gap_from_us") != NULL, "a gap its order");
	check(strstr(READ("trial=1", "workload=sleep", "rewrite_at=1,2,3,4,5,6,7,8,9"), "rewrite_at") != NULL, "a schedule its bounds");
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	check(strlen(READ(line)) < sizeof(r.error), "a line of any length has its error");
	memcpy(line, "rewrite_at=", 11);
	check(READ("trial=1", line)[0], "also as a list");
	request_begin(&r);
	for (int i = 0; i <= MAX_STEPS; i++) {
		strcpy(line, "step=sleep 1");
		request_line(&r, line);
	}
	check(r.error[0] && r.nsteps == MAX_STEPS, "one step too many is refused");
	for (int round = 0; round < 20000; round++) {
		uint32_t next = (uint32_t)round * 2654435761u + (uint32_t)seed;
		size_t n = random_below(&next, 60);

		for (size_t i = 0; i < n; i++)
			line[i] = "trialwokdsep_u=0123456789,-\1\xff"[random_below(&next, 29)];
		line[n] = '\0';
		request_line(&r, line);
		if (round % 3 == 0)
			request_begin(&r);
	}
	request_end(&r);
	check(memchr(r.error, '\0', sizeof(r.error)) != NULL, "any bytes leave a request, or an error that has an end");
	return checks_end();
}
