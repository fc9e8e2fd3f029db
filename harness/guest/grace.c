#define _GNU_SOURCE
#include "frostbite.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * Moving a process into a group waits for a grace period of RCU (the percpu rwsem of cgroup_procs_write), 18 ms on a
 * host that emulates, and so does a umount. Where the machine is ours they are expedited, but for the freeze and the
 * thaw: those meet the kernel as it is.
 */
static int expedited = -1;

void grace_ours(void)
{
	expedited = open("/sys/kernel/rcu_expedited", O_WRONLY | O_CLOEXEC);
}

void grace_expedite(bool is)
{
	/* without it things take longer, and that is all */
	if (expedited >= 0 && !control_write(expedited, is ? "1" : "0"))
		expedited = -1;
}
