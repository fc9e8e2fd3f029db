#define _GNU_SOURCE
#include "frostbite.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * Moving a process into a group waits for an RCU grace period (the percpu rwsem of cgroup_procs_write), 18 ms on an
 * emulating host, and so does umount. If the machine is ours, grace periods are expedited except during the freeze
 * and the thaw, which must meet an unchanged kernel.
 */
static int expedited = -1;

void grace_ours(void)
{
	expedited = open("/sys/kernel/rcu_expedited", O_WRONLY | O_CLOEXEC);
}

void grace_expedite(bool is)
{
	/* without it things only take longer */
	if (expedited >= 0 && !control_write(expedited, is ? "1" : "0"))
		expedited = -1;
}
