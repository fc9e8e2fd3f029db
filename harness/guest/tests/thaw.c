/* The time of a thaw is the kernel's: it includes neither the release of the cause nor the start of a tool. */
#define _GNU_SOURCE
#include "check.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define LONG_US 10000000

/* A clock of our own, shared with the tool's process. */
static _Atomic int64_t *clock_us;
static struct trial trial;
static int64_t runs_at; /* when the process of the group runs again; 0: once its state says THAWED */

int clock_gettime(clockid_t clock, struct timespec *t)
{
	int64_t us = atomic_load(clock_us);

	(void)clock;
	*t = (struct timespec){ us / 1000000, us % 1000000 * 1000 };
	return 0;
}

/* Lets time pass; thawed processes run in it. */
int nanosleep(const struct timespec *t, struct timespec *left)
{
	char state[16];

	(void)left;
	atomic_fetch_add(clock_us, t->tv_sec * 1000000 + t->tv_nsec / 1000);
	get("freezer.state", state, sizeof(state));
	if (!strncmp(state, "THAWED", 6) && atomic_load(clock_us) >= runs_at)
		bump(0);
	usleep(100);
	return 0;
}

int unshare(int flags)
{
	(void)flags;
	return 0;
}

int mount(const char *source, const char *target, const char *type, unsigned long flags, const void *data)
{
	(void)source, (void)target, (void)type, (void)flags, (void)data;
	return 0;
}

/* `runc resume`, slow to start and slow to end. */
int execvpe(const char *file, char *const *argv, char *const *environment)
{
	int fd = open("freezer.state", O_WRONLY | O_TRUNC);

	(void)file, (void)environment;
	if (strcmp(argv[1], "resume"))
		_exit(3);
	atomic_fetch_add(clock_us, LONG_US);
	if (write(fd, "THAWED\n", 7) != 7)
		_exit(4);
	usleep(300000);
	_exit(0);
}

static void release(struct trial *t)
{
	(void)t;
	atomic_fetch_add(clock_us, LONG_US);
}

static struct thaw thaw(const struct workload *workload, struct tool_result *tool, int64_t after_us)
{
	static struct request request = { .tool = TOOL_RUNC_PAUSE };

	put("freezer.state", "FROZEN\n");
	trial = (struct trial){ .request = &request, .workload = workload, .nslots = 1, .group = { .procs = -1, .events = -1 } };
	trial.group.state = open("freezer.state", O_RDWR | O_CLOEXEC);
	runs_at = after_us ? atomic_load(clock_us) + after_us : 0;
	struct thaw result = trial_thaw(&trial, tool);

	close(trial.group.state);
	return result;
}

int main(void)
{
	const struct workload free = { .name = "free" }, held = { .name = "held", .release = release };
	struct tool_result none = { 0 }, runc = { .name = "runc-pause", .ok = true };

	shared_create();
	clock_us = mmap(NULL, sizeof(*clock_us), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	atomic_store(clock_us, 1000000);

	struct thaw t = thaw(&free, &none, 7000);

	check(!strcmp(t.outcome, "thawed") && t.us >= 7000 && t.us < 8000, "it ends when the process runs again");
	t = thaw(&held, &none, LONG_US + 5000);
	check(t.us >= 5000 && t.us < 6000, "the release of what held it is not in it");
	t = thaw(&free, &runc, 0);
	check(!strcmp(t.outcome, "thawed") && t.us >= 0, "a tool thaws");
	check(t.us < LONG_US, "its start is not in it");
	shared_end();
	return checks_end();
}
