#define _GNU_SOURCE
#include "frostbite.h"

#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

int64_t patience_fork_us = 2000;
#define FORKS 8
#define MOST_PATIENCE 6

/* How many times slower than patience_fork_us a fork is now, from 1 to MOST_PATIENCE. */
static int64_t measure_patience(void)
{
	int64_t start = now_us();

	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid < 0)
			return MOST_PATIENCE;
		waitpid(pid, NULL, 0);
	}
	int64_t times = (now_us() - start) / (FORKS * patience_fork_us);

	return times < 1 ? 1 : times > MOST_PATIENCE ? MOST_PATIENCE : times;
}

bool wait_patiently(bool (*done)(void *), void *arg, int64_t us)
{
	int64_t start = now_us();

	for (int64_t left = us; left > 0; left = us * measure_patience() - (now_us() - start))
		if (wait_until(done, arg, left))
			return true;
	return false;
}
