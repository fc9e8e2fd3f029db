#define _GNU_SOURCE
#include "frostbite.h"

#include <time.h>

int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

void sleep_us(int64_t us)
{
	if (us <= 0)
		return;
	struct timespec t = { us / 1000000, us % 1000000 * 1000 };

	nanosleep(&t, NULL);
}

bool wait_until(bool (*done)(void *), void *arg, int64_t us)
{
	for (int64_t end = now_us() + us;;) {
		if (done(arg))
			return true;
		if (now_us() >= end)
			return false;
		sleep_us(200);
	}
}
