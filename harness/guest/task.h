/* One task as /proc tells of it. */
#ifndef FROSTBITE_TASK_H
#define FROSTBITE_TASK_H

#include "frostbite.h"

#define MAX_FUNCTIONS 12
#define SYSCALL_UNREAD (-2)

struct task {
	pid_t tid, parent;
	char comm[64], state, wchan[64];
	long syscall; /* -1: in none; SYSCALL_UNREAD */
	char stack[MAX_FUNCTIONS][48]; /* innermost first */
	unsigned depth;
	bool unread; /* its stack was not read: the read waits for the task itself */
	unsigned killed; /* of one that is unread: other threads of its process that have a SIGKILL pending */
	int rank;    /* the lower the more likely it is what blocked */
};

/* "/proc"; tests have one of their own. */
extern const char *proc_root;
/* Text of /proc/TID/name, cut to `size`; -1 when it cannot be read. */
ssize_t task_read(pid_t tid, const char *name, char *text, size_t size);
/* What never waits for the task: stat and wchan. False: there is no such task. */
bool task_look(struct task *t);
/*
 * Stack and system call. Before 5.10 both take signal->cred_guard_mutex (lock_trace in fs/proc/base.c), which an exec
 * that waits for its threads holds: for a helper that can be killed.
 */
void task_look_inside(struct task *t);
/* The process that it is a thread of; 0: it is gone. */
pid_t task_process(pid_t tid);
/* Whether it has a SIGKILL of its own pending, as threads have that an exec waits for (zap_other_threads). */
bool task_is_killed(pid_t tid);
/* How many threads of the process but `tid` are. */
unsigned task_killed_others(pid_t process, pid_t tid);
/* What is known of it as members of a JSON object (blockers.c). */
void task_emit(const struct task *t);

/* ---- parked.c ---- */
/* Whether it is in one of the interruptible sleeps that v1 counts as frozen where they stand. */
bool task_sleeps_in_place(const struct task *t);
/* Whether it waits for a child of its vfork. */
bool task_is_vforking(const struct task *t);
/* Whether it is surely frozen, by the v2 freezer or by v1's. */
bool task_is_parked(const struct task *t, bool v2);

#endif
