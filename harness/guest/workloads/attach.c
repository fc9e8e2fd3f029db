#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static bool attach(int procs, pid_t pid)
{
	char number[16];

	/* "0" would move the writer, frostbite itself, into the group that it is to freeze */
	if (pid <= 0) {
		errno = ESRCH;
		return false;
	}

	snprintf(number, sizeof(number), "%d", pid);
	return control_write(procs, number);
}

#define MOVERS 2

static pid_t make_mover(void)
{
	pid_t pid = fork();

	if (pid < 0)
		slot_fail(0, "fork of one to move");
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			sleep_us(1000);
	}
	return pid;
}

/*
 * Moves processes in and out until FROZEN was read. A move into a FROZEN v1 group makes it FREEZING again
 * (freezer_attach): the kernel intends that, and the freeze has not failed.
 */
static void move_about(void *arg)
{
	struct trial *t = arg;
	int outside = group_file(&t->group, "../cgroup.procs", O_WRONLY);
	pid_t movers[MOVERS];

	for (unsigned i = 0; i < MOVERS; i++)
		movers[i] = make_mover();
	while (atomic_load(&shared->phase) <= PHASE_FREEZING) {
		for (unsigned i = 0; i < MOVERS; i++)
			if (!attach(t->group.procs, movers[i]))
				slot_fail(0, "moving a process in");
		sleep_us(500);
		for (unsigned i = 0; i < MOVERS; i++)
			if (!attach(outside, movers[i]))
				slot_fail(0, "moving a process out");
		atomic_store(&counters->served, 1);
		sleep_us(500);
	}
	for (;;)
		pause();
}

static bool start_storm(struct trial *t)
{
	if (!spawn(t, tick) || !wait_moving(t))
		return false;
	t->server = spawn_server(move_about, t);
	if (t->server < 0)
		return trial_fail(t, "fork of the mover: %s", strerror(errno));
	return wait_served(t, "no process was moved in and out");
}

static bool reads_frozen(void *arg)
{
	return group_read(arg) == STATE_FROZEN;
}

/*
 * One enters after FROZEN was read. From 6.1.68 to 6.1.141, in 6.7 to 6.15 and from 6.12.0 to 6.12.34 v1
 * freezes that only at the next write ("cgroup_freezer: cgroup_freezing: Check if not frozen").
 */
static bool start_to_frozen(struct trial *t)
{
	if (!spawn(t, tick) || !spawn_outside(t, tick) || !wait_moving(t))
		return false;
	if (!group_write(&t->group, true))
		return trial_fail(t, "first freeze of %s: %s", t->group.path, strerror(errno));
	if (!wait_until(reads_frozen, &t->group, 5000000))
		return trial_fail(t, "attach-to-frozen: its group did not freeze within 5 s");
	if (!attach(t->group.procs, atomic_load(&shared->slots[1].pid)))
		return trial_fail(t, "attach to the frozen %s: %s", t->group.path, strerror(errno));
	return true;
}

static void spin(unsigned slot)
{
	for (;;)
		bump(slot);
}

static bool start_nested(struct trial *t)
{
	int error = group_make_inner(&t->group);

	if (error)
		return trial_fail(t, "mkdir of " INNER_GROUP " in %s: %s", t->group.path, strerror(error));
	int procs = group_file(&t->group, INNER_GROUP "/cgroup.procs", O_WRONLY);
	if (procs < 0)
		return trial_fail(t, "open of " INNER_GROUP " in %s: %s", t->group.path, strerror(errno));
	bool moved = spawn(t, tick) && spawn(t, tick) && spawn(t, spin) && wait_moving(t);

	for (unsigned i = 1; moved && i < t->nslots; i++)
		moved = attach(procs, atomic_load(&shared->slots[i].pid));
	if (!moved && !t->why[0])
		trial_fail(t, "moving into " INNER_GROUP " of %s: %s", t->group.path, strerror(errno));
	close(procs);
	return moved;
}

const struct workload workload_attach_storm = {
	.name = "attach-storm",
	.summary = "a sleeper, while others are moved in and out of its group without end",
	.start = start_storm,
	.release = end_server,
};

const struct workload workload_attach_to_frozen = {
	.name = "attach-to-frozen",
	.summary = "a process moved into a group that reads FROZEN already",
	.start = start_to_frozen,
	.gap = GAP_BARE,
};

const struct workload workload_nested = {
	.name = "nested",
	.summary = "a busy group within the group that is frozen",
	.start = start_nested,
	.gap = GAP_BARE,
};
