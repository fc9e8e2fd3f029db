/* frostbite's own waits are longer on a slow machine, and as long as they say on another. */
#define _GNU_SOURCE
#include "check.h"

#define WAIT_US 50000

struct later {
	int64_t at_us;
};

static bool is_later(void *arg)
{
	struct later *later = arg;

	return now_us() >= later->at_us;
}

static bool waits_for(int64_t us)
{
	struct later later = { now_us() + us };

	return wait_patiently(is_later, &later, WAIT_US);
}

int main(void)
{
	/* no machine forks that fast, or that slowly */
	patience_fork_us = 1;
	check(waits_for(3 * WAIT_US), "a slow machine has three times the time");
	check(!waits_for(3600000000), "but not for ever");
	patience_fork_us = 60000000;
	check(waits_for(WAIT_US / 2), "another has its time");
	check(!waits_for(3600000000), "and no more");
	return checks_end();
}
