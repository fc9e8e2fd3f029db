#include "../frostbite.h"

static void spin(unsigned slot)
{
	for (;;)
		bump(slot);
}

static bool start(struct trial *t)
{
	return spawn(t, spin) && wait_moving(t);
}

const struct workload workload_spin = {
	.name = "spin",
	.summary = "a busy loop in user mode",
	.start = start,
};
