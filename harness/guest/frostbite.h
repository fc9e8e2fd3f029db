/* frostbite: runs freeze experiments inside a guest. See serve.c for its protocol. */
#ifndef FROSTBITE_H
#define FROSTBITE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "steps.h"

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
/*
 * The same for what frostbite itself waits for, never for a strategy: on a machine that is slow just now the wait is
 * as many times longer as a fork takes longer there than on one that has its host to itself.
 */
bool wait_patiently(bool (*done)(void *), void *arg, int64_t us);
/* A fork, the child's end and its wait, at most, where a host has nothing else to emulate. */
extern int64_t patience_fork_us;

/* ---- signal.c: nothing else calls kill(2) ---- */
/* Signals one process; false with errno, EPERM for what is none (0, -1), for PID 1 and for this process itself. */
bool signal_process(pid_t pid, int signal);
/* The same for each of the process group that it leads. */
bool signal_family(pid_t leader, int signal);

/* ---- shared.c: memory that survives fork and exec ---- */
#define MAX_SLOTS 16
#define COUNTERS_FD 100
#define SHARED_FD 101

/*
 * What a process of a workload says of itself. It may say anything: nothing here is run, opened or signalled, and no text of
 * it is taken to have an end.
 */
struct counter {
	_Atomic uint64_t count; /* bumped whenever the process runs */
	_Atomic int ready;      /* the process is about to enter the state its workload is named after */
	_Atomic int error;      /* errno that kept it from its state */
	char failed[32];        /* what failed with it */
	_Atomic int inner;      /* in a container: its pid as the container sees it */
	_Atomic int child;      /* of a sequence's vfork parent: the child it waits for; 0: not yet */
	char pad[8];
};

/* What a workload was told; each stands for itself where a workload has no such parameter. */
struct parameters {
	unsigned loops;   /* processes, each with a loop of its own */
	unsigned threads; /* of a process that executes */
	unsigned exec;    /* enum exec */
	unsigned load;    /* busy processes outside the group */
};

/* Written by the processes of workloads and by their servers. */
struct counters {
	struct counter slots[MAX_SLOTS];
	_Atomic int served;  /* a server outside the group has done its part */
};
extern struct counters *counters;

/* One workload process whose progress is watched. */
struct slot {
	_Atomic int pid;        /* 0: not used */
	_Atomic int doomed;     /* it is meant to die: dead, it is no casualty */
	_Atomic long entry;     /* in a container: what to run, as a distance from contain(); 0: nothing */
};

/* Written by `frostbite serve` and its own forks alone; what it executes, and what containers do, map it to read. */
struct shared {
	struct slot slots[MAX_SLOTS];
	_Atomic int trial;   /* -1 between trials */
	_Atomic int phase;   /* enum phase */
	_Atomic int64_t quiet_until; /* the strategy only reads until then; 0: it may act at any time */
	_Atomic unsigned beats; /* how often one was asked for before its time */
	_Atomic int go;      /* the freeze comes within workload.within_us */
	_Atomic unsigned orders; /* how often a container was told that there is something to make */
	_Atomic uint32_t seed;
	struct parameters parameters; /* what the workload was told; filled before its processes are made */
	char exe[256];       /* where this program is */
	char ear[32];        /* the address to which containers' processes say who they are; "": they need not */
	char path[256];      /* what the workload's entries have to find; filled before they are spawned */
};
extern struct shared *shared;
void shared_create(void);
void shared_attach(void);
/* The same by the folder that the memory is in, for a process that did not inherit it. */
void shared_open(const char *folder);
/* That folder, which is open to this user alone. */
const char *shared_folder(void);
void shared_end(void);
/* The lock that keeps lines on standard output whole; a child that prints takes one of its own first. */
int shared_lock_fd(void);
void shared_own_lock(void);

enum phase { PHASE_IDLE, PHASE_SETUP, PHASE_FREEZING, PHASE_WITNESS, PHASE_THAWING, PHASE_CLEANUP, PHASE_KEPT };
extern const char *const phase_names[];

/* ---- cgroup.c ---- */
enum freezer_state { STATE_THAWED, STATE_FREEZING, STATE_FROZEN, STATE_OTHER };
extern const char *const state_names[];

struct hierarchies {
	char v1[256]; /* empty: none */
	char v2[256];
};
void find_hierarchies(struct hierarchies *h);
/*
 * Writes to a control file of the kernel, which takes it whole and from its start, wherever the offset is. Never by
 * pwrite(2): before kernfs (3.15) the files of cgroups refuse it with ESPIPE.
 */
bool control_write(int fd, const char *text);
/* NULL, or why there is no group to be had. */
const char *hierarchy_lacking(const struct hierarchies *h, bool v2);

/* Whether a list of words with commas between them has this one. */
bool has_option(const char *options, const char *name);

/* ---- owned.c: whose a group is ---- */
/* That a group is ours, which nothing but what makes or adopts it can say. */
struct owned;
struct group {
	bool v2;
	bool asked; /* FROZEN (1) was the last thing written */
	bool foreign; /* others write to it */
	bool lacks_freezer; /* v2 without cgroup.freeze */
	char path[320]; /* for people: nothing is opened, killed or removed by it */
	int procs, state, events; /* events: v2 only */
	struct owned *owned; /* NULL: there is no group, and what follows does nothing */
};
/* A group within the group, of the workload that has one; it goes with the group. */
#define INNER_GROUP "inner"
/* Makes a group of this name in the hierarchy, which may not be there yet: 0, or an errno. Its files are not opened. */
int group_make(struct group *g, const struct hierarchies *h, bool v2, const char *name);
/* The same for a trial, with its files; NULL, or what failed with its errno. */
const char *group_create(struct group *g, const struct hierarchies *h, bool v2, int trial);
/* Before a container's runtime makes the group of this name; NULL, or why it would not be ours: it is there already. */
const char *group_reserve(struct group *g, const struct hierarchies *h, bool v2, const char *name);
/* After that: the group of this process, and its files. NULL, or why it is none that was made for it. */
const char *group_adopt(struct group *g, pid_t member);
/* 0, or an errno. */
int group_make_inner(struct group *g);
/* A descriptor of the group's folder, and of a file in it; -1 with errno. */
int group_dir(const struct group *g);
int group_file(const struct group *g, const char *name, int flags);
/* Opens the files of the group; NULL, or what failed. */
const char *group_open(struct group *g);
bool group_write(struct group *g, bool frozen);
enum freezer_state group_read(struct group *g);
/* What freezer.state says with this text. */
enum freezer_state state_named(const char *text);
/* Calls fn for each thread of the group until it returns false. */
void group_each_thread(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg);
/* The same for those of the groups below it, too. */
void group_each_thread_below(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg);
int group_count(struct group *g);
/* Closes its files; it is ours all the same. */
void group_close(struct group *g);
/* Moves a process to the group above; false with errno. */
bool group_evict(struct group *g, pid_t pid);
/* SIGKILLs and reaps until nobody is in the group and below it; false when somebody stayed. */
bool group_empty(struct group *g, int64_t us);
/* Removes it, when it is empty: 0, or an errno. */
int group_remove(struct group *g);
/* Thaws, SIGKILLs, reaps and removes all that was made by its name; false when it could not. */
bool group_destroy(struct group *g, int64_t us);
/* The same for what frostbite programs that are gone have left in the hierarchies. */
int group_clean_all(const struct hierarchies *h);

/* ---- setting.c: what is changed on the machine for a while ---- */
/* Where the notes of what to write back are; tests have one of their own. */
extern const char *settings_folder;
/*
 * Notes what is to be written back to the file, `back` or else what it holds, and writes the text. False with errno; EBUSY:
 * another frostbite has changed it. It is written back when this process is gone, too.
 */
bool setting_change(const char *path, const char *text, const char *back);
/* Writes back; nothing when this process has not changed it. What somebody else has written since stays. */
void setting_restore(const char *path);
/* Writes back all that is left. */
void settings_end(void);
/* Writes back what frostbites that are gone have changed; how many. */
int settings_clean_all(void);

/* ---- place.c: the folder of a trial's mounts, nodes, pipes and sockets ---- */
#define MOUNT_PREFIX "/tmp/frostline-"
#define PLACE_PREFIX MOUNT_PREFIX "own-"
/* A path in it, of at most `size` bytes; false with errno. */
bool place_path(char *path, size_t size, const char *name);
bool place_has(const char *path);
/* Removes it when it is empty. */
void place_end(void);

/* ---- clean.c ---- */
int mounts_clean_all(void);
/* Folders, bundles, runtimes' notes of containers that are gone, and shared memory of programs that were killed. */
int leftovers_clean_all(void);

/* ---- module.c ---- */
/* Loads a kernel module that the machine keeps for the workload that needs it, once; silent: the workload sees. */
void module_load(const char *name);
/* Loads what the machine's start-up is to load, in one process: each of an insmod costs some 15 ms under emulation. */
void modules_load(void);

/* ---- init.c: PID 1 of a guest that has no distro ---- */
/* In the initramfs: modules, then the root on the disk where there is one. They return only what PID 1 fails with. */
int init_first(void);
/* In the root it stays in: mounts, network, SSH. */
int init_start(void);

/* ---- loop.c ---- */
/* Puts the file on a free loop device, which goes with its last descriptor; -1 with errno. */
int loop_attach(int image, char *device, size_t size);

/* ---- node.c: what a process of the group finds at shared->path ---- */
/* Makes a node of the kind and number of `device` for shared->path; false with t->why set. Where no node can be opened it is `path`. */
bool node_make(struct trial *t, const struct stat *device, const char *path);
void node_remove(void);
#define NODE_READ_SIZE (64 * 1024)
/* Entry: once counters->served, reads so much from the device at shared->path past all caches, then ticks. */
void node_read(unsigned slot) __attribute__((noreturn));
/* Entry: stat(2) of a name in the file system at shared->path, whose server may never answer, then ticks. */
void ask_server(unsigned slot) __attribute__((noreturn));

/* ---- controller.c: cgroup v1 controllers beside the freezer ---- */
#define CONTROLLER_GROUP "frostline"
/* Makes the controller's group and asks for a file in it; NULL, or what this kernel lacks. */
const char *controller_mount(const char *name, const char *file);
struct limit {
	const char *text, *none; /* the limit, and what lifts it */
};
/* Sets a limit, which is lifted when this program is gone, too; false with errno. */
bool controller_change(const char *name, const char *file, const struct limit *limit);
void controller_restore(const char *name, const char *file);
/* Moves the processes of the trial into the controller's group; false with t->why set. */
bool controller_enter(struct trial *t, const char *name);
void controllers_end(void);

/* ---- trial.c, freeze.c ---- */
struct schedule {
	unsigned every; /* 0: never */
	unsigned count;
	unsigned at[8];
};

/* Whose system calls reach the state, see calls.c. */
enum calls { CALLS_OWN, CALLS_RUNC, CALLS_CONTAINERD, CALLS_CRIU };
extern const char *const calls_names[];

struct strategy {
	enum calls calls;
	unsigned attempts;
	int64_t deadline_us, poll_us, thaw_for_us, settle_us;
	bool poll_first; /* before a step's write, in place of between that and the read */
	bool wait_events;
	struct schedule rewrite, thaw, settle;
};

enum layout { LAYOUT_V1, LAYOUT_V2, LAYOUT_HYBRID };
enum runtime { RUNTIME_NONE, RUNTIME_RUNC, RUNTIME_CRUN, RUNTIME_PODMAN };
enum tool { TOOL_NONE, TOOL_RUNC_PAUSE, TOOL_CRUN_PAUSE, TOOL_PODMAN_PAUSE, TOOL_CRIU_DUMP, TOOL_RUNC_CHECKPOINT };

enum exec { EXEC_SELF, EXEC_TINY };

struct request {
	struct parameters parameters;
	int trial;
	uint32_t seed;
	bool v2;             /* which freezer */
	enum layout layout;  /* what container runtimes find in /sys/fs/cgroup */
	enum runtime runtime;
	bool userns;         /* the container has a user namespace */
	bool pre_dump;
	char workload[32];
	enum tool tool;      /* TOOL_NONE: the strategy's own loop */
	struct strategy strategy;
	int64_t hold_us;
	bool keep; /* leave the group as the strategy left it until there is input again */
	/* gap_us >= 0: the freeze comes so long after the start, at random between the two, whatever state the workload is in */
	int64_t gap_from_us, gap_us;
	unsigned nsteps; /* of a sequence, in place of a workload and a strategy */
	struct sequence_step steps[MAX_STEPS];
	char error[200]; /* what is wrong with the words it was read from */
};

#define MAX_STATES 64
struct freeze_log {
	bool frozen;
	int64_t start_us, frozen_us;
	unsigned writes, reads, thaws, nstates;
	int error; /* errno of an access to the state that failed, which ends it */
	struct { int64_t us; enum freezer_state state; } states[MAX_STATES];
};
/* Where FROZEN was the last thing written already, the first write is left out. */
void freeze(struct group *g, const struct strategy *s, struct freeze_log *log);

struct trial {
	const struct request *request;
	const struct workload *workload;
	struct group group;
	unsigned nslots;
	unsigned nload;
	pid_t load[16]; /* busy processes outside the group */
	pid_t server; /* helper outside the group, 0: none */
	pid_t init;   /* the container's first process, 0: there is none, or not yet */
	char id[64];  /* the container's name */
	bool stuck; /* a helper of ours did not end: the machine must go */
	bool lacks; /* this kernel lacks what the workload needs, as its start has found */
	char why[200];
};
void trial_run(const struct request *r, const struct hierarchies *h);
struct tool_result;
struct thaw {
	const char *outcome;
	int64_t us; /* from THAWED, or from the end of what held the processes, until all ran again; -1: not all did */
	unsigned casualties;
};
/* THAWED first, then the release of the cause; then every process has to run again. */
struct thaw trial_thaw(struct trial *t, struct tool_result *tool);
void slots_clear(void);
/* Keeps the sentence in t->why and returns false. */
bool trial_fail(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- sequence.c ---- */
void sequence_run(const struct request *r, const struct hierarchies *h);

/* ---- program.c: other programs ---- */
struct program {
	const char *const *argv;
	const char *log; /* what it prints is appended there; NULL: /dev/null */
	enum layout layout;
	int64_t deadline_us; /* it is killed then */
	void (*watch)(void *arg); /* called while it runs; may be NULL */
	void *arg;
	int64_t watch_us; /* how often; 0: every 50 ms, which disturbs no race */
};
#define OVERDUE (-1)
#define NOT_STARTED (-2)
/* Its exit code; 128 + signal when one ended it; OVERDUE: it was killed at the deadline; NOT_STARTED for program_error's reason. */
int program_run(const struct program *p);
extern int program_error;
/* Whether a program is on the PATH. */
bool program_there(const char *name);
/* The first words of what `NAME --version` prints, "runc 1.1.15"; asked once. "" when it does not run. */
const char *program_version(const char *name);
/* What a log tells of a failure: CRIU's first error, else its last line; cut to `size`. */
void telling_line(const char *path, char *line, size_t size);
void remove_tree(const char *path);

/* ---- container.c ---- */
extern const char *const runtime_names[];
/* NULL, or what the guest lacks for the request's container and tool. */
const char *container_lacking(const struct request *r);
/* Makes the container and finds its group; its first process waits for orders (spawn). False with t->why set. */
bool container_create(struct trial *t);
bool container_start(struct trial *t);
/* Reads the pid of the first process and opens the group anew. */
bool container_find(struct trial *t);
/* Whether its first process has, and with it all others. */
bool container_has_ended(const struct trial *t);
/* Kills and forgets it; the group has to be thawed. */
void container_end(struct trial *t);
void container_order(unsigned slot, void (*entry)(unsigned slot));
void containers_end(void);
/* The first process of a container: `frostbite contain FOLDER`. */
int contain(const char *folder);
void contain_tell(void);
#define BOX_PREFIX "/var/tmp/frostline-box-"
/* A path in the folder of the container's bundle, until the next call. */
const char *box_path(const char *name);

/* ---- pids.c ---- */
/* Whether the kernel names a process's number in each pid namespace (NStgid, 4.1) in this file, /proc/PID/status. */
bool pids_in_status(const char *status);
/* Where it does not, opens the socket that containers' processes speak to. NULL, or why there is none. */
const char *pids_listen(void);
/* In a process of a container, once: which slot it is. Nothing where nobody listens. */
void pids_tell(unsigned slot);
/* The next that has spoken, by its number here; false: nobody else has. */
bool pids_hear(unsigned *slot, pid_t *pid);
/* Fills in the pids of slots whose processes a container has made. */
void container_pids(struct trial *t);

/* ---- tool.c ---- */
struct tool_result {
	const char *name; /* NULL: no tool was run */
	const char *version;
	int code;         /* -1: killed at the deadline */
	int64_t us;
	bool ok;
	char error[240];
};
/* Freezes with a real program. False with t->why set when that could not be tried. */
bool tool_freeze(struct trial *t, struct freeze_log *log, struct tool_result *result, unsigned *moved);
/* Thaws as the tool does, and tells when the group was first seen THAWED; false: it has no way of its own, or it failed. */
bool tool_thaw(struct trial *t, struct tool_result *result, int64_t *thawed_us);
/* Sends its logs as lines of their own. */
void tool_emit_logs(const struct trial *t);
extern const char *const tool_names[];

/* ---- helper.c: what may block is done by a child that can be killed ---- */
struct helper {
	void (*work)(void *arg);
	void *arg; /* in memory that both see */
	const _Atomic unsigned *steps; /* bumped by the work; while it grows the helper is not stuck */
	int64_t stuck_us; /* without a step for so long it is killed */
};
/* Memory for the life of the program that a helper shares; NULL with errno. */
void *helper_memory(size_t size);
/* SIGKILLs a child and waits for its end; false when it did not end in time: the kernel does not let it go. */
bool end_process(pid_t pid);
/* Does the work in a child; false when there was none to be had, or it was killed before it had ended. */
bool helper_run(const struct helper *h);

/* ---- look.c ---- */
/* Says what keeps a group from FROZEN, now and a moment later. */
void look_on(struct trial *t);
/* Leaves a group as it is until there is input again, or its end. */
void keep_group(const struct trial *t, bool frozen);

/* ---- blockers.c ---- */
/* Looks for tasks that are not surely frozen; those of `t`'s slots in the mask `moved` come first. */
void find_blockers(struct trial *t, unsigned moved);
void forget_blockers(void);
/* Those last found, as a JSON array. */
void emit_blockers(void);
char task_state(pid_t pid);
/* 0: no such process. */
pid_t task_parent(pid_t pid);

/* ---- kmsg.c: the kernel's log ---- */
extern const char *kmsg_path;
/* Begins a trial's part of it: when the last line before was printed, on the kernel's clock; -1: it cannot be read. */
int64_t kmsg_begin(void);
/* The lines of that part that tell of trouble, as a member of the result; nothing where there are none. */
void emit_kmsg(void);

/* ---- stuck.c ---- */
/* Asleep for so long without a break a call is told that should end by itself. */
extern int64_t stuck_after_us;
/* Makes the process that looks at this one. */
void stuck_begin(pid_t server);
void stuck_end(void);
/* Where the kernel holds it, as a member of a heartbeat; nothing where it does not. Never waits. */
void emit_stuck(int trial, int phase);

/* ---- emit.c: JSON lines on standard output ---- */
void emit_begin(void);
void emit(const char *format, ...) __attribute__((format(printf, 1, 2)));
void emit_string(const char *text);
/* Writes the line; false when nobody reads any more. */
bool emit_end(void);

/* ---- serve.c ---- */
extern _Atomic int stop_asked;
/* Whether the kernel's settings are ours to change while nothing is measured. */
int serve(bool is_ours);
/* Tells at once what the next beat would: how long the strategy only reads. */
void beat_now(void);

/* ---- grace.c ---- */
/* Says that the kernel is ours. */
void grace_ours(void);
/* Makes grace periods of RCU short, or as long as they are. Nothing where the kernel is not ours. */
void grace_expedite(bool is);

/* ---- entropy.c ---- */
#define SEED_BYTES 64
/* Makes the kernel's next random numbers of this seed, too; NULL, or what failed, with errno. */
const char *entropy_reseed(const unsigned char *seed);
/*
 * What random.trust_cpu=on is from 4.19 on: RDRAND is credited as entropy where getrandom(2) would wait for some. The SSH
 * server asks for random numbers first of all, and a machine without devices has no other source.
 */
void entropy_trust_cpu(void);

/* ---- wake.c ---- */
/* The SSH server's, as it looks for it. */
#define HOST_KEY "/etc/dropbear/dropbear_ed25519_host_key"

/* The line on which a template and its clones are spoken to; -1 when the machine has none. */
int line_open(void);
/* Does what is said there, once something is; false when the line is of no use any more. */
bool line_read(int fd);

/* ---- parameters.c ---- */
struct parameter {
	const char *name;
	unsigned own, min, max; /* what the workload is by itself; of words: their numbers */
	const char *const *words; /* NULL: a number */
};
extern const char *const exec_names[];
extern const struct parameter parameter_load;
#define PARAMETER_EXEC { "exec", EXEC_SELF, EXEC_SELF, EXEC_TINY, exec_names }
/* Those of a workload's own, ended by one without a name; `load` is everybody's. */
const struct parameter *parameters_of(const struct workload *w);
void parameters_default(const struct workload *w, struct parameters *values);
/* False: the workload has no such parameter, or it has no such value. */
bool parameter_set(const struct workload *w, struct parameters *values, const char *name, const char *text);
void emit_parameters(const struct workload *w, const struct parameters *values);

/* ---- load.c: busy processes outside the group ---- */
bool load_start(struct trial *t);
void load_end(struct trial *t);

/* ---- tiny.c ---- */
/* A program of one page that ends at once, to be executed by its descriptor; -1 with errno. */
int tiny_open(void);
/* Whether there is one for this machine. */
bool tiny_is_known(void);

/* ---- workload.c and workloads ---- */
/*
 * A freeze at a random moment (gap_us) does not wait for processes to be in their state. Some workloads cannot do without:
 * their start acts on processes by their pids, which a container's do not have before it runs, or on their state.
 */
enum gap { GAP_ANY, GAP_BARE, GAP_NEVER };
struct workload {
	const char *name, *summary;
	/* NULL, or why it needs a container, and cannot do without. */
	const char *boxed_only;
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
	/* Ended by one without a name; NULL: none. */
	const struct parameter *parameters;
	/* With which of the processes' places a freeze may come whatever state they are in. */
	enum gap gap;
	/* Its processes find something of ours below /tmp, which a container has that no CRIU is to dump. */
	bool meets;
};
void quiet_child(void);
extern const struct workload *const workloads[];
const struct workload *workload_find(const char *name);

/*
 * Starts a process in the group; it runs `entry` and must not return. In a container it comes from another
 * program image: of what `start` has made it knows `shared` alone, and files below MOUNT_PREFIX.
 */
bool spawn(struct trial *t, void (*entry)(unsigned slot));
/* As many as shared->parameters.loops, and waits until each has moved. */
bool spawn_loops(struct trial *t, void (*entry)(unsigned slot));
/* The same without its entering the group. */
bool spawn_outside(struct trial *t, void (*entry)(unsigned slot));
/* Forks a process outside the group that dies with this one. */
pid_t spawn_server(void (*entry)(void *arg), void *arg);
void end_server(struct trial *t);
/* In children: see fsfreeze.c. */
void fsfreeze_close_guard(void);
/* What `frostbite coredump PATH` does: see coredump_pipe.c. */
void coredump_handler(const char *path);
/* Resumes the mapped devices of dm-suspend, and removes them once nobody reads them: how many. */
void dm_resume_all(void);
int dm_remove_all(void);
/* Unmounts what fsfreeze-write left mounted for the next trial. */
void fsfreeze_end(void);
void re_exec(const char *workload, unsigned slot) __attribute__((noreturn));
/* In a process of the workload: `what` failed for errno's reason, which is told should it get nowhere. */
void slot_note(unsigned slot, const char *what);
/* In a process of the workload: it cannot go on, for errno's reason; `what` failed. */
void slot_fail(unsigned slot, const char *what) __attribute__((noreturn));
/* Bumps the slot's counter for ever, sleeping 1 ms between. */
void tick(unsigned slot) __attribute__((noreturn));
static inline void bump(unsigned slot)
{
	atomic_fetch_add_explicit(&counters->slots[slot].count, 1, memory_order_relaxed);
}
/* SIGKILLs the children that its processes have in the group. */
void kill_children(struct trial *t);
bool wait_ready(struct trial *t);
/* Waits for counters->served; `what` is said of it when it does not come. */
bool wait_served(struct trial *t, const char *what);
bool wait_moving(struct trial *t);
bool wait_task_state(struct trial *t, char state);
uint32_t random_below(uint32_t *seed, uint32_t bound);

#endif
