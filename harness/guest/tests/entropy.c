/* A kernel that waits for randomness, as RHEL 7's does without devices, gets the CPU's; nothing waits for it. */
#define _GNU_SOURCE
#include "check.h"
#include "old_kernel.h"

#include <linux/random.h>
#include <unistd.h>

/* getrandom(2) always fails with EAGAIN, and adding entropy only seems to succeed: no test may change the host's. */
static bool waiting_kernel(void)
{
	static struct sock_filter filter[] = {
		FIELD(nr), REFUSE(SYS_getrandom, EAGAIN),
		IF_EQUAL(SYS_ioctl, 3), FIELD(args[1]), REFUSE(RNDADDENTROPY, 0),
		GIVE(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { ARRAY_SIZE(filter), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

int main(void)
{
	alarm(20);
	if (!waiting_kernel()) {
		perror("seccomp");
		return 4;
	}
	int64_t began = now_us();

	entropy_trust_cpu();
	/* the alarm ends a test that hangs */
	check(now_us() - began < 20000000, "what cannot be helped is not waited for");
	return checks_end();
}
