#include "../frostbite.h"

/* The control: a sleep that every freezer can interrupt. */
static bool start(struct trial *t)
{
	return spawn(t, tick) && wait_moving(t);
}

const struct workload workload_sleep = {
	.name = "sleep",
	.summary = "a process in nanosleep: the control",
	.start = start,
};
