#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* With the OOM killer off, a v1 memory group makes the task wait killably for memory (mem_cgroup_oom_synchronize). */

#define LIMIT CONTROLLER_GROUP "/memory.limit_in_bytes"
#define KILLER_OFF CONTROLLER_GROUP "/memory.oom_control"
#define TOUCHED (12 << 20)

static const char *needs(void)
{
	return controller_mount("memory", KILLER_OFF);
}

static void touch(unsigned slot)
{
	char *memory = mmap(NULL, TOUCHED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		slot_fail(slot, "memory to touch");
	while (!atomic_load(&counters->served))
		sleep_us(100);
	atomic_store(&counters->slots[slot].ready, 1);
	memset(memory, 1, TOUCHED);
	munmap(memory, TOUCHED);
	tick(slot);
}

static bool start(struct trial *t)
{
	if (!controller_change("memory", LIMIT, &(struct limit){ "8M", "-1" }) ||
	    !controller_change("memory", KILLER_OFF, &(struct limit){ "1", "0" }))
		return trial_fail(t, "limit of the v1 memory group: %s", strerror(errno));
	return spawn(t, touch) && controller_enter(t, "memory") && wait_task_state(t, 'D');
}

static void release(struct trial *t)
{
	(void)t;
	controller_restore("memory", LIMIT);
	controller_restore("memory", KILLER_OFF);
}

const struct workload workload_memcg_oom_wait = {
	.name = "memcg-oom-wait",
	.summary = "a process in D, out of memory in a v1 group whose OOM killer is off",
	.needs = needs,
	.start = start,
	.release = release,
	.gap = GAP_BARE,
};
