/* frostbite: runs freeze experiments inside a guest. See serve.c for its protocol. */
#ifndef FROSTBITE_H
#define FROSTBITE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifndef FROSTBITE_VERSION
#define FROSTBITE_VERSION "0.0.0"
#endif

struct stat;
struct trial;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* ---- time.c ---- */
int64_t now_us(void);
void sleep_us(int64_t us);
/* Polls `done(arg)` every 200 us; false when it did not come true within `us`. */
bool wait_until(bool (*done)(void *), void *arg, int64_t us);

/* ---- shared.c: memory that survives fork and exec ---- */
#define MAX_SLOTS 16
#define SHARED_FD 100

/* One workload process whose progress is watched. */
struct slot {
	_Atomic uint64_t count; /* bumped whenever the process runs */
	_Atomic int pid;        /* 0: not used */
	_Atomic int ready;      /* the process is about to enter the state its workload is named after */
	_Atomic int error;      /* errno that kept it out of the group */
	_Atomic int doomed;     /* it is meant to die: dead, it is no casualty */
	char pad[36];
};

struct shared {
	struct slot slots[MAX_SLOTS];
	_Atomic int trial;   /* -1 between trials */
	_Atomic int phase;   /* enum phase */
	_Atomic int go;      /* the freeze comes within workload.within_us */
	_Atomic int served;  /* a server outside the group has done its part */
	_Atomic uint32_t seed;
	char exe[256];       /* where this program is */
	char path[256];      /* what the workload's entries have to find; filled before they are spawned */
};
extern struct shared *shared;
void shared_create(void);
void shared_attach(void);
/* The lock that keeps lines on standard output whole; a child that prints takes one of its own first. */
int shared_lock_fd(void);
void shared_own_lock(void);

enum phase { PHASE_IDLE, PHASE_SETUP, PHASE_FREEZING, PHASE_WITNESS, PHASE_THAWING, PHASE_CLEANUP };
extern const char *const phase_names[];

/* ---- cgroup.c ---- */
enum freezer_state { STATE_THAWED, STATE_FREEZING, STATE_FROZEN, STATE_OTHER };
extern const char *const state_names[];

struct hierarchies {
	char v1[256]; /* empty: none */
	char v2[256];
};
void find_hierarchies(struct hierarchies *h);

struct group {
	bool v2;
	bool asked; /* FROZEN (1) was the last thing written */
	bool lacks_freezer; /* v2 without cgroup.freeze */
	char path[320];
	int procs, state, events; /* events: v2 only */
};
/* A group within the group, of the workload that has one; it goes with the group. */
#define INNER_GROUP "inner"
/* NULL, or what failed with its errno. */
const char *group_create(struct group *g, const struct hierarchies *h, bool v2, int trial);
bool group_write(struct group *g, bool frozen);
enum freezer_state group_read(struct group *g);
/* Calls fn for each thread of the group until it returns false. */
void group_each_thread(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg);
int group_count(struct group *g);
/* Moves a process to the group above; false with errno. */
bool group_evict(struct group *g, pid_t pid);
/* SIGKILLs and reaps until the group is empty, then removes it; false when it could not. */
bool group_destroy(struct group *g, int64_t us);
int group_clean_all(void);

/* ---- clean.c ---- */
#define MOUNT_PREFIX "/tmp/frostline-"
int mounts_clean_all(void);

/* ---- loop.c ---- */
/* Puts the file on a free loop device, which goes with its last descriptor; -1 with errno. */
int loop_attach(int image, char *device, size_t size);

/* ---- node.c: a device for a process of the group ---- */
/* Makes a node of the kind and number of `device` for shared->path; false with t->why set. Where no node can be opened it is `path`. */
bool node_make(struct trial *t, const struct stat *device, const char *path);
void node_remove(void);
#define NODE_READ_SIZE (64 * 1024)
/* Entry: once shared->served, reads so much from the device at shared->path past all caches, then ticks. */
void node_read(unsigned slot) __attribute__((noreturn));

/* ---- controller.c: cgroup v1 controllers beside the freezer ---- */
#define CONTROLLER_GROUP "frostline"
/* Makes the controller's group and asks for a file in it; NULL, or what this kernel lacks. */
const char *controller_mount(const char *name, const char *file);
bool controller_write(const char *name, const char *file, const char *text);
/* Moves the processes of the trial into the controller's group; false with t->why set. */
bool controller_enter(struct trial *t, const char *name);
void controllers_end(void);

/* ---- trial.c, freeze.c ---- */
struct schedule {
	unsigned every; /* 0: never */
	unsigned count;
	unsigned at[8];
};

struct strategy {
	unsigned attempts;
	int64_t deadline_us, poll_us, thaw_for_us, settle_us;
	bool wait_events;
	struct schedule rewrite, thaw, settle;
};

struct request {
	int trial;
	uint32_t seed;
	bool v2;
	char workload[32];
	struct strategy strategy;
	int64_t hold_us;
	char error[200]; /* what is wrong with the words it was read from */
};

#define MAX_STATES 64
struct freeze_log {
	bool frozen;
	int64_t start_us, frozen_us;
	unsigned writes, reads, thaws, nstates;
	int error; /* errno of a write that failed, which ends it */
	struct { int64_t us; enum freezer_state state; } states[MAX_STATES];
};
/* Where FROZEN was the last thing written already, the first write is left out. */
void freeze(struct group *g, const struct strategy *s, struct freeze_log *log);

struct trial {
	const struct request *request;
	const struct workload *workload;
	struct group group;
	unsigned nslots;
	pid_t server; /* helper outside the group, 0: none */
	bool lacks; /* this kernel lacks what the workload needs, as its start has found */
	char why[200];
};
void trial_run(const struct request *r, const struct hierarchies *h);
/* Keeps the sentence in t->why and returns false. */
bool trial_fail(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- blockers.c ---- */
/* Tasks that are not surely frozen as a JSON array; those of `t`'s slots in the mask `moved` come first. */
void emit_blockers(struct trial *t, unsigned moved);
char task_state(pid_t pid);
/* 0: no such process. */
pid_t task_parent(pid_t pid);

/* ---- emit.c: JSON lines on standard output ---- */
void emit_begin(void);
void emit(const char *format, ...) __attribute__((format(printf, 1, 2)));
void emit_string(const char *text);
/* Writes the line; false when nobody reads any more. */
bool emit_end(void);

/* ---- serve.c ---- */
extern _Atomic int stop_asked;
int serve(void);

/* ---- workload.c and workloads ---- */
struct workload {
	const char *name, *summary;
	/* NULL, or what this kernel lacks. */
	const char *(*needs)(void);
	/* Starts the processes and waits until they are in their state; false with t->why set. */
	bool (*start)(struct trial *t);
	/* Ends the cause that holds the processes, after the thaw; NULL: nothing holds them. */
	void (*release)(struct trial *t);
	/* Entry after an exec of /proc/self/exe; NULL: it has none. */
	void (*reentry)(unsigned slot);
	/* The freeze begins at a random moment within this time after shared->go; 0: 5 ms. */
	unsigned within_us;
	/* NULL, or why its processes cannot be those of a container. */
	const char *bare_only;
};
extern const struct workload *const workloads[];
const struct workload *workload_find(const char *name);

/*
 * Starts a process in the group; it runs `entry` and must not return. In a container it comes from another
 * program image: of what `start` has made it knows `shared` alone, and files below MOUNT_PREFIX.
 */
bool spawn(struct trial *t, void (*entry)(unsigned slot));
/* The same without its entering the group. */
bool spawn_outside(struct trial *t, void (*entry)(unsigned slot));
/* Forks a process outside the group that dies with this one. */
pid_t spawn_server(void (*entry)(void *arg), void *arg);
void end_server(struct trial *t);
/* In children: see fsfreeze.c. */
void fsfreeze_close_guard(void);
/* What `frostbite coredump PATH` does: see coredump_pipe.c. */
void coredump_handler(const char *path);
/* Resumes and removes the mapped devices of dm-suspend. */
int dm_clean_all(void);
/* Unmounts what fsfreeze-write left mounted for the next trial. */
void fsfreeze_end(void);
void re_exec(const char *workload, unsigned slot) __attribute__((noreturn));
/* Bumps the slot's counter for ever, sleeping 1 ms between. */
void tick(unsigned slot) __attribute__((noreturn));
static inline void bump(unsigned slot)
{
	atomic_fetch_add_explicit(&shared->slots[slot].count, 1, memory_order_relaxed);
}
/* SIGKILLs the children that its processes have in the group. */
void kill_children(struct trial *t);
bool wait_ready(struct trial *t);
/* Waits for shared->served; `what` is said of it when it does not come. */
bool wait_served(struct trial *t, const char *what);
bool wait_moving(struct trial *t);
bool wait_task_state(struct trial *t, char state);
uint32_t random_below(uint32_t *seed, uint32_t bound);

#endif
