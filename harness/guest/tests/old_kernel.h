/*
 * Imitates a kernel of the age of 3.10, as far as its absences can be imitated on another: later system calls fail
 * with ENOSYS, ioctls with EINVAL, and pwrite(2) with ESPIPE, as files of cgroups do before 3.15. Applies to the
 * process and all it starts.
 */
#ifndef FROSTBITE_OLD_KERNEL_H
#define FROSTBITE_OLD_KERNEL_H

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/random.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define FIELD(name) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, name))
#define IF_EQUAL(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), 0, (skip))
#define GIVE(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define REFUSE(number, error) IF_EQUAL(number, 1), GIVE(SECCOMP_RET_ERRNO | (error))

/* False with errno. */
static inline int old_kernel(void)
{
	static struct sock_filter filter[] = {
		FIELD(arch), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0), GIVE(SECCOMP_RET_ALLOW),
		FIELD(nr),
		REFUSE(SYS_pwrite64, ESPIPE),
		/* calls of 3.14 to 3.19, 4.2, 4.3, 4.5, 4.9 and so on: x86-64 numbers them in order from 314 */
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, SYS_sched_setattr, 0, 1), GIVE(SECCOMP_RET_ERRNO | ENOSYS),
		/* 4.14; RNDADDENTROPY is skipped and reported as done: no test may change the host's entropy */
		IF_EQUAL(SYS_ioctl, 5), FIELD(args[1]), REFUSE(RNDRESEEDCRNG, EINVAL), REFUSE(RNDADDENTROPY, 0),
		GIVE(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#endif
