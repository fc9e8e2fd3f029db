/* Forks fail with EAGAIN, as at a process limit; a signal to more than one process kills this one, and nobody else. */
#ifndef FROSTBITE_REFUSE_H
#define FROSTBITE_REFUSE_H

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define IF(value, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (then), (otherwise))
#define END(action) BPF_STMT(BPF_RET | BPF_K, (action))

static inline bool filter(struct sock_filter *list, size_t length)
{
	const struct sock_fprog program = { (unsigned short)length, list };

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* A pid of 0 or below that gets as far as the kernel kills this process at once. */
static inline bool refuse_many(void)
{
	static struct sock_filter list[] = {
		LOAD(nr), IF(SYS_kill, 0, 4), LOAD(args[0]), IF(0, 1, 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x80000000, 0, 1), END(SECCOMP_RET_KILL), END(SECCOMP_RET_ALLOW),
	};

	return filter(list, sizeof(list) / sizeof(list[0]));
}

static inline bool refuse_forks(void)
{
	static struct sock_filter list[] = {
		LOAD(nr), IF(SYS_clone, 4, 0), IF(SYS_fork, 3, 0), IF(SYS_vfork, 2, 0),
#ifdef SYS_clone3
		IF(SYS_clone3, 1, 0),
#else
		IF(SYS_clone, 1, 0),
#endif
		END(SECCOMP_RET_ALLOW), END(SECCOMP_RET_ERRNO | EAGAIN),
	};

	return filter(list, sizeof(list) / sizeof(list[0])) && refuse_many();
}

#endif
