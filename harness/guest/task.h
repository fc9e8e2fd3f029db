/* One task, as /proc describes it. */
#ifndef FROSTBITE_TASK_H
#define FROSTBITE_TASK_H

#include "frostbite.h"

#define MAX_FUNCTIONS 12
#define SYSCALL_UNREAD (-2)

struct task {
	pid_t tid, parent;
	char comm[64], state, wchan[64];
	long syscall; /* -1: none; or SYSCALL_UNREAD */
	char stack[MAX_FUNCTIONS][48]; /* innermost first */
	unsigned depth;
	bool unread; /* its stack was not read: the read would wait for the task itself */
	unsigned killed; /* if unread: how many other threads of its process have a SIGKILL pending */
	int rank;    /* the lower, the likelier it is a blocker */
};

/* "/proc"; tests set their own. */
extern const char *proc_root;
/* The text of /proc/TID/name, truncated to `size`; -1 when it cannot be read. */
ssize_t task_read(pid_t tid, const char *name, char *text, size_t size);
/* Reads what never waits for the task: stat and wchan. False: there is no such task. */
bool task_look(struct task *t);
/*
 * Reads stack and system call. Before 5.10 both take signal->cred_guard_mutex (lock_trace in fs/proc/base.c), which
 * an exec holds while it waits for its threads: only for a process that may block and be killed.
 */
void task_look_inside(struct task *t);
/* The process that the thread belongs to; 0: it is gone. */
pid_t task_process(pid_t tid);
/* Whether it has a SIGKILL of its own pending, as threads do that an exec waits for (zap_other_threads). */
bool task_is_killed(pid_t tid);
/* How many threads of the process, other than `tid`, have one. */
unsigned task_killed_others(pid_t process, pid_t tid);
/* Emits what is known of it, as members of a JSON object (blockers.c). */
void task_emit(const struct task *t);

/* ---- parked.c ---- */
/* Whether it is in an interruptible sleep that v1 counts as frozen in place. */
bool task_sleeps_in_place(const struct task *t);
/* Whether it waits for its vfork child. */
bool task_is_vforking(const struct task *t);
/* Whether it is certainly frozen, by the v2 freezer or by v1's. */
bool task_is_parked(const struct task *t, bool v2);

#endif
