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
 * Same, for frostbite's own waits, never for a strategy's: on a machine that is slow right now the wait is longer,
 * by as much as a fork takes longer there than on a machine that has its host to itself.
 */
bool wait_patiently(bool (*done)(void *), void *arg, int64_t us);
/* Upper bound for a fork, the child's end and its wait, on a host that emulates nothing else. */
extern int64_t patience_fork_us;

/* ---- signal.c: nothing else calls kill(2) ---- */
/* Signals one process; false with errno: EPERM for what is no process (0, -1), for PID 1 and for this process. */
bool signal_process(pid_t pid, int signal);
/* Same, for all of the process group that `leader` leads. */
bool signal_family(pid_t leader, int signal);

/* ---- shared.c: memory that survives fork and exec ---- */
#define MAX_SLOTS 16
#define MAX_LOAD 16
#define COUNTERS_FD 100
#define SHARED_FD 101

/*
 * What a workload's process reports about itself. It may report anything: nothing here is executed, opened or
 * signalled, and no text is assumed to be terminated.
 */
struct counter {
	_Atomic uint64_t count; /* bumped whenever the process runs */
	_Atomic int ready;      /* the process is about to enter the state its workload is named after */
	_Atomic int error;      /* errno that kept it from its state */
	char failed[32];        /* what failed with that errno */
	_Atomic int inner;      /* in a container: its pid as the container sees it */
	_Atomic int child;      /* of a sequence's vfork parent: the child it waits for; 0: not yet */
	char pad[8];
};

/* A workload's parameters; those that it does not have are 0. */
struct parameters {
	unsigned loops;   /* processes, each with a loop of its own */
	unsigned threads; /* of a process that execs */
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
	_Atomic int pid;        /* 0: unused, or not known yet */
	_Atomic int doomed;     /* it is meant to die: once dead, it is no casualty */
	_Atomic long entry;     /* in a container: the entry to run, as an offset from contain(); 0: none */
};

/* Only `frostbite serve` and its forks write it; programs that they exec and containers map it read-only. */
struct shared {
	struct slot slots[MAX_SLOTS];
	_Atomic int trial;   /* -1 between trials */
	_Atomic int phase;   /* enum phase */
	_Atomic int64_t quiet_until; /* until then the strategy only reads; 0: it may write at any time */
	_Atomic unsigned beats; /* how many early heartbeats were requested */
	_Atomic int go;      /* the freeze comes within workload.within_us */
	_Atomic unsigned orders; /* how many orders containers were given */
	_Atomic uint32_t seed;
	struct parameters parameters; /* of the workload; set before its processes are made */
	char exe[256];       /* the path of this program */
	char ear[32];        /* the socket to which containers' processes report who they are; "": not needed */
	char path[256];      /* the path that the workload's entries need; set before they are spawned */
};
extern struct shared *shared;
void shared_create(void);
void shared_attach(void);
/* Same, given the folder of the memory, for a process that did not inherit it. */
void shared_open(const char *folder);
/* That folder; only this user can access it. */
const char *shared_folder(void);
void shared_end(void);
/* The lock that keeps lines on standard output whole; a child that prints first calls shared_own_lock(). */
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
 * Writes to a control file of the kernel, which takes the text as a whole and ignores the file offset. Never with
 * pwrite(2): before kernfs (3.15) the files of cgroups refuse it with ESPIPE.
 */
bool control_write(int fd, const char *text);
/* NULL, or why no group can be made. */
const char *hierarchy_lacking(const struct hierarchies *h, bool v2);

/* Whether a comma-separated list has this word. */
bool has_option(const char *options, const char *name);

/* ---- owned.c: which groups are ours ---- */
/* Proof that a group is ours; only functions that make or adopt a group create it. */
struct owned;
struct group {
	bool v2;
	bool asked; /* FROZEN (v2: 1) was the last thing written */
	bool foreign; /* others write its state, too */
	bool lacks_freezer; /* v2 without cgroup.freeze */
	char path[320]; /* for messages: never used to open, kill or remove */
	int procs, state, events; /* events: v2 only */
	struct owned *owned; /* NULL: there is no group, and the functions below do nothing */
};
/* A group within the trial's, for the workload that has one; removed with it. */
#define INNER_GROUP "inner"
/* Makes a group, whose name must be free in the hierarchy: 0, or an errno. Does not open its files. */
int group_make(struct group *g, const struct hierarchies *h, bool v2, const char *name);
/* Same, for a trial, and opens its files; NULL, or what failed and why. */
const char *group_create(struct group *g, const struct hierarchies *h, bool v2, int trial);
/* Claims the name of a group that a container's runtime will make; NULL, or why it would not be ours (it exists). */
const char *group_reserve(struct group *g, const struct hierarchies *h, bool v2, const char *name);
/* After that: adopts the group of this process and opens its files. NULL, or why it was not made for us. */
const char *group_adopt(struct group *g, pid_t member);
/* Makes INNER_GROUP: 0, or an errno. */
int group_make_inner(struct group *g);
/* A descriptor of the group's folder, or of a file in it; -1 with errno. */
int group_dir(const struct group *g);
int group_file(const struct group *g, const char *name, int flags);
/* Opens the files of the group; NULL, or what failed. */
const char *group_open(struct group *g);
bool group_write(struct group *g, bool frozen);
enum freezer_state group_read(struct group *g);
/* The state that a text of freezer.state names. */
enum freezer_state state_named(const char *text);
/* Calls fn for each thread of the group until it returns false. */
void group_each_thread(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg);
/* Same, for the threads of the groups below it, too. */
void group_each_thread_below(struct group *g, bool (*fn)(pid_t tid, void *arg), void *arg);
int group_count(struct group *g);
/* Closes its files; the group stays ours. */
void group_close(struct group *g);
/* Moves a process to the parent group; false with errno. */
bool group_evict(struct group *g, pid_t pid);
/* SIGKILLs and reaps until the group and all below it are empty; false when a task remains. */
bool group_empty(struct group *g, int64_t us);
/* Removes an empty group: 0, or an errno. */
int group_remove(struct group *g);
/* Thaws, SIGKILLs, reaps and removes everything that was made under its name; false when something remains. */
bool group_destroy(struct group *g, int64_t us);
/* Same, for groups that dead frostbite programs left in the hierarchies; how many were removed. */
int group_clean_all(const struct hierarchies *h);

/* ---- setting.c: temporary changes to the machine's settings ---- */
/* Where the notes of what to restore are kept; tests set their own. */
extern const char *settings_folder;
/*
 * Notes what to restore (`back`, or else the file's current value), then writes the text. False with errno; EBUSY:
 * another frostbite has changed the file. The value is restored even if this process dies.
 */
bool setting_change(const char *path, const char *text, const char *back);
/* Restores the value, if this process has changed it. What someone else wrote since stays, unless `back` was given. */
void setting_restore(const char *path);
/* Restores everything still changed. */
void settings_end(void);
/* Restores what dead frostbites have changed; how many. */
int settings_clean_all(void);

/* ---- place.c: the folder of a trial's mounts, nodes, pipes and sockets ---- */
#define MOUNT_PREFIX "/tmp/frostline-"
#define PLACE_PREFIX MOUNT_PREFIX "own-"
/* A path in that folder, truncated to `size` bytes; false with errno. */
bool place_path(char *path, size_t size, const char *name);
bool place_has(const char *path);
/* Removes the folder if it is empty. */
void place_end(void);

/* ---- clean.c ---- */
int mounts_clean_all(void);
/* Removes what killed programs left: folders, bundles, runtimes' records of containers, shared memory; how many. */
int leftovers_clean_all(void);

/* ---- module.c ---- */
/* Loads, once, a kernel module that the machine keeps for workloads. Reports no failure: the workload notices. */
void module_load(const char *name);
/* Loads the modules that the machine's start-up needs, in one process: each insmod costs some 15 ms under emulation. */
void modules_load(void);

/* ---- init.c: PID 1 of a guest without a distro ---- */
/* In the initramfs: loads modules, then starts the root on disk if there is one. Both return only on failure. */
int init_first(void);
/* In the final root: mounts, network, SSH. */
int init_start(void);

/* ---- loop.c ---- */
/* Attaches the file to a free loop device, which goes with its last descriptor; -1 with errno. */
int loop_attach(int image, char *device, size_t size);

/* ---- node.c: what a process of the group finds at shared->path ---- */
/* Makes a node of `device` at shared->path, or where nodes cannot be opened sets that to `path`; false with t->why. */
bool node_make(struct trial *t, const struct stat *device, const char *path);
void node_remove(void);
#define NODE_READ_SIZE (64 * 1024)
/* Entry: waits for counters->served, reads NODE_READ_SIZE from the device at shared->path with O_DIRECT, then ticks. */
void node_read(unsigned slot) __attribute__((noreturn));
/* Entry: stat(2) of a name in the file system at shared->path, whose server may never answer; then ticks. */
void ask_server(unsigned slot) __attribute__((noreturn));

/* ---- controller.c: cgroup v1 controllers beside the freezer ---- */
#define CONTROLLER_GROUP "frostline"
/* Mounts the controller and makes its group, which must have this file; NULL, or what this kernel lacks. */
const char *controller_mount(const char *name, const char *file);
struct limit {
	const char *text, *none; /* the limit, and what lifts it */
};
/* Sets a limit, which is lifted even if this program dies; false with errno. */
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

/* Whose system calls access the state; see calls.c. */
enum calls { CALLS_OWN, CALLS_RUNC, CALLS_CONTAINERD, CALLS_CRIU };
extern const char *const calls_names[];

struct strategy {
	enum calls calls;
	unsigned attempts;
	int64_t deadline_us, poll_us, thaw_for_us, settle_us;
	bool poll_first; /* before a step's write, not between its write and read */
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
	/* gap_us >= 0: freeze at a random time between the two after the start, in whatever state the workload is */
	int64_t gap_from_us, gap_us;
	unsigned nsteps; /* of a sequence, which has no workload and strategy */
	struct sequence_step steps[MAX_STEPS];
	char error[200]; /* what is wrong with the text of the request; "": nothing */
};

#define MAX_STATES 64
struct freeze_log {
	bool frozen;
	int64_t start_us, frozen_us;
	unsigned writes, reads, thaws, nstates;
	int error; /* errno of the failed access to the state that ended the freeze */
	struct { int64_t us; enum freezer_state state; } states[MAX_STATES];
};
/* Skips the first write if FROZEN was the last thing written. */
void freeze(struct group *g, const struct strategy *s, struct freeze_log *log);

struct trial {
	const struct request *request;
	const struct workload *workload;
	struct group group;
	unsigned nslots;
	unsigned nload;
	pid_t load[MAX_LOAD]; /* busy processes outside the group */
	pid_t server; /* helper outside the group, 0: none */
	pid_t init;   /* the container's first process, 0: none, or not yet */
	char id[64];  /* the container's name */
	bool stuck; /* a helper of ours did not end: the machine must be discarded */
	bool lacks; /* the workload's start found that this kernel lacks something */
	char why[200];
};
void trial_run(const struct request *r, const struct hierarchies *h);
struct tool_result;
struct thaw {
	const char *outcome;
	int64_t us; /* from THAWED, or from the release of the cause, until all ran again; -1: not all did */
	unsigned casualties;
};
/* Writes THAWED, then releases the cause; then every process must run again. */
struct thaw trial_thaw(struct trial *t, struct tool_result *tool);
void slots_clear(void);
/* Stores the message in t->why and returns false. */
bool trial_fail(struct trial *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- sequence.c ---- */
void sequence_run(const struct request *r, const struct hierarchies *h);

/* ---- program.c: other programs ---- */
struct program {
	const char *const *argv;
	const char *log; /* its output is appended there; NULL: /dev/null */
	enum layout layout;
	int64_t deadline_us; /* it is killed after this time */
	void (*watch)(void *arg); /* called while it runs; may be NULL */
	void *arg;
	int64_t watch_us; /* interval; 0: 50 ms, which does not disturb a race */
};
#define OVERDUE (-1)
#define NOT_STARTED (-2)
/* The exit code, or 128 + signal; OVERDUE: killed at the deadline; NOT_STARTED: program_error holds the errno. */
int program_run(const struct program *p);
extern int program_error;
/* Whether a program is on the PATH. */
bool program_there(const char *name);
/* Name and version from `NAME --version`, as "runc 1.1.15"; cached. "" when it does not run. */
const char *program_version(const char *name);
/* The line of a log that explains a failure: CRIU's first error, else the last line; truncated to `size`. */
void telling_line(const char *path, char *line, size_t size);
void remove_tree(const char *path);

/* ---- container.c ---- */
extern const char *const runtime_names[];
/* NULL, or what the guest lacks for the request's container and tool. */
const char *container_lacking(const struct request *r);
/* Makes the container and finds its group; its first process waits for orders (spawn). False with t->why set. */
bool container_create(struct trial *t);
bool container_start(struct trial *t);
/* Reads the pid of the first process and opens its group (again). False with t->why set. */
bool container_find(struct trial *t);
/* Whether its first process has ended, and all others with it. */
bool container_has_ended(const struct trial *t);
/* Kills and deletes it; its group must be thawed. */
void container_end(struct trial *t);
void container_order(unsigned slot, void (*entry)(unsigned slot));
void containers_end(void);
/* The first process of a container: `frostbite contain FOLDER`. */
int contain(const char *folder);
void contain_tell(void);
#define BOX_PREFIX "/var/tmp/frostline-box-"
/* A path in the folder of the container's bundle, valid until the next call. */
const char *box_path(const char *name);

/* ---- pids.c ---- */
/* Whether this file, /proc/PID/status, names the pid in each pid namespace (NStgid, 4.1). */
bool pids_in_status(const char *status);
/* If not, opens the socket to which containers' processes report. NULL, or why it cannot. */
const char *pids_listen(void);
/* In a process of a container, once: reports its slot. Does nothing when nobody listens. */
void pids_tell(unsigned slot);
/* The next report, with the sender's pid in our namespace; false: there is none. */
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
/* Freezes with a real program; `moved` gets the slots that ran while the group read FROZEN. Always returns true. */
bool tool_freeze(struct trial *t, struct freeze_log *log, struct tool_result *result, unsigned *moved);
/* Thaws as the tool does; says when the group was first seen THAWED. False: the tool has no way to, or it failed. */
bool tool_thaw(struct trial *t, struct tool_result *result, int64_t *thawed_us);
/* Sends its logs as separate lines. */
void tool_emit_logs(const struct trial *t);
extern const char *const tool_names[];

/* ---- helper.c: work that may block runs in a child that can be killed ---- */
struct helper {
	void (*work)(void *arg);
	void *arg; /* in memory shared with the child */
	const _Atomic unsigned *steps; /* bumped by the work; while it grows the helper is not stuck */
	int64_t stuck_us; /* killed after this long without a step */
};
/* Memory that helpers share, for the life of the program; NULL with errno. */
void *helper_memory(size_t size);
/* SIGKILLs a child and waits for its end; false when the kernel does not let it go in time. */
bool end_process(pid_t pid);
/* Does the work in a child; false when the fork failed, or the child was killed before it finished. */
bool helper_run(const struct helper *h);

/* ---- look.c ---- */
/* Reports what keeps a group from FROZEN, now and a moment later. */
void look_on(struct trial *t);
/* Leaves a group as it is until more input, or its end, arrives. */
void keep_group(const struct trial *t, bool frozen);

/* ---- blockers.c ---- */
/* Finds tasks that are not certainly frozen; those of `t`'s slots in the mask `moved` come first. */
void find_blockers(struct trial *t, unsigned moved);
void forget_blockers(void);
/* Emits the last ones found, as a JSON array. */
void emit_blockers(void);
char task_state(pid_t pid);
/* The parent's pid; 0: no such process. */
pid_t task_parent(pid_t pid);

/* ---- kmsg.c: the kernel's log ---- */
extern const char *kmsg_path;
/* Starts a trial's part of the log; the kernel's time, in us, of the last line before it; -1: it cannot be read. */
int64_t kmsg_begin(void);
/* Emits the lines of that part that show trouble, as a member of the result; nothing if there are none. */
void emit_kmsg(void);

/* ---- stuck.c ---- */
/* A call that should end by itself is reported after sleeping this long without a break. */
extern int64_t stuck_after_us;
/* Starts the process that watches `server`. */
void stuck_begin(pid_t server);
void stuck_end(void);
/* Emits where the kernel holds it, as a member of a heartbeat; nothing if it is not held. Never blocks. */
void emit_stuck(int trial, int phase);

/* ---- emit.c: JSON lines on standard output ---- */
void emit_begin(void);
void emit(const char *format, ...) __attribute__((format(printf, 1, 2)));
void emit_string(const char *text);
/* Writes the line; false when nobody reads any more. */
bool emit_end(void);

/* ---- serve.c ---- */
extern _Atomic int stop_asked;
/* Runs the protocol; the exit code. `is_ours`: the kernel's settings may be changed while nothing is measured. */
int serve(bool is_ours);
/* Sends a heartbeat at once, to say how long the strategy only reads. */
void beat_now(void);

/* ---- grace.c ---- */
/* Declares the kernel ours. */
void grace_ours(void);
/* Expedites the grace periods of RCU, or makes them normal again. Does nothing if the kernel is not ours. */
void grace_expedite(bool is);

/* ---- entropy.c ---- */
#define SEED_BYTES 64
/* Mixes the seed into the kernel's next random numbers; NULL, or what failed, with errno. */
const char *entropy_reseed(const unsigned char *seed);
/*
 * Does what random.trust_cpu=on does from 4.19 on: credits RDRAND as entropy where getrandom(2) would wait for some.
 * The SSH server asks for random numbers first of all, and a machine without devices has no other source.
 */
void entropy_trust_cpu(void);

/* ---- wake.c ---- */
/* Where the SSH server looks for its host key. */
#define HOST_KEY "/etc/dropbear/dropbear_ed25519_host_key"

/* The serial line for messages to a template and its clones; -1 when the machine has none. */
int line_open(void);
/* Waits for a message and does what it says; false when the line is of no more use. */
bool line_read(int fd);

/* ---- parameters.c ---- */
struct parameter {
	const char *name;
	unsigned own, min, max; /* default and bounds; for words, their indices */
	const char *const *words; /* NULL: a number */
	size_t at; /* its place in struct parameters */
};
extern const char *const exec_names[];
#define PARAMETER_LOOPS(own) { "loops", own, 1, MAX_SLOTS, NULL, offsetof(struct parameters, loops) }
#define PARAMETER_THREADS(own) { "threads", own, 2, 64, NULL, offsetof(struct parameters, threads) }
#define PARAMETER_EXEC { "exec", EXEC_SELF, EXEC_SELF, EXEC_TINY, exec_names, offsetof(struct parameters, exec) }
/* The parameters of a workload by number: its own, then `load`, which every workload has; NULL after the last. */
const struct parameter *parameter_of(const struct workload *w, unsigned number);
void parameters_default(const struct workload *w, struct parameters *values);
/* False: the workload has no such parameter, or the parameter has no such value. */
bool parameter_set(const struct workload *w, struct parameters *values, const char *name, const char *text);
void emit_parameters(const struct workload *w, const struct parameters *values);

/* ---- load.c: busy processes outside the group ---- */
bool load_start(struct trial *t);
void load_end(struct trial *t);

/* ---- tiny.c ---- */
/* A program of one page that exits at once, to be executed by its descriptor; -1 with errno. */
int tiny_open(void);
/* Whether this machine's architecture has one. */
bool tiny_is_known(void);

/* ---- workload.c and workloads ---- */
/*
 * A freeze at a random moment (gap_us) does not wait until processes are in their state. Some workloads need that wait:
 * their start depends on the state, or on pids, which a container's processes do not have before it runs.
 */
enum gap { GAP_ANY, GAP_BARE, GAP_NEVER };
struct workload {
	const char *name, *summary;
	/* NULL, or why it only works in a container. */
	const char *boxed_only;
	/* NULL, or what this kernel lacks. */
	const char *(*needs)(void);
	/* Starts the processes and waits until they are in their state; false with t->why set. */
	bool (*start)(struct trial *t);
	/* Ends the cause that holds the processes, after the thaw; NULL: there is none. */
	void (*release)(struct trial *t);
	/* Entry after an exec of /proc/self/exe; NULL: none. */
	void (*reentry)(unsigned slot);
	/* The freeze begins at a random moment within this time after shared->go; 0: 5 ms. */
	unsigned within_us;
	/* NULL, or why its processes cannot run in a container. */
	const char *bare_only;
	/* Ended by one without a name; NULL: none. */
	const struct parameter *parameters;
	/* Whether a freeze may come in any state of its processes: always, only outside containers, or never. */
	enum gap gap;
	/* Its processes use something of ours below /tmp, which containers that CRIU dumps do not share. */
	bool meets;
};
void quiet_child(void);
extern const struct workload *const workloads[];
const struct workload *workload_find(const char *name);

/*
 * Starts a process in the group; it runs `entry`, which must not return. In a container it is another
 * program image: of what `start` has made it sees only `shared`, and files below MOUNT_PREFIX.
 */
bool spawn(struct trial *t, void (*entry)(unsigned slot));
/* Spawns as many as shared->parameters.loops, and waits until each has moved. */
bool spawn_loops(struct trial *t, void (*entry)(unsigned slot));
/* Like spawn(), but the process does not enter the group. */
bool spawn_outside(struct trial *t, void (*entry)(unsigned slot));
/* Forks a process outside the group that dies with this one. */
pid_t spawn_server(void (*entry)(void *arg), void *arg);
void end_server(struct trial *t);
/* For children: see fsfreeze.c. */
void fsfreeze_close_guard(void);
/* What `frostbite coredump PATH` does: see coredump_pipe.c. */
void coredump_handler(const char *path);
/* Resumes the mapped devices of dm-suspend, and removes them once nobody reads them: how many. */
void dm_resume_all(void);
int dm_remove_all(void);
/* Unmounts what fsfreeze-write keeps mounted between trials. */
void fsfreeze_end(void);
void re_exec(const char *workload, unsigned slot) __attribute__((noreturn));
/* In a process of the workload: notes that `what` failed with errno, to be reported if it gets nowhere. */
void slot_note(unsigned slot, const char *what);
/* In a process of the workload: notes that and exits, since it cannot go on. */
void slot_fail(unsigned slot, const char *what) __attribute__((noreturn));
/* Bumps the slot's counter forever, sleeping 1 ms in between. */
void tick(unsigned slot) __attribute__((noreturn));
static inline void bump(unsigned slot)
{
	atomic_fetch_add_explicit(&counters->slots[slot].count, 1, memory_order_relaxed);
}
/* SIGKILLs the children that the trial's processes have in the group. */
void kill_children(struct trial *t);
bool wait_ready(struct trial *t);
/* Waits for counters->served; `what` is the message if it does not come. */
bool wait_served(struct trial *t, const char *what);
bool wait_moving(struct trial *t);
bool wait_task_state(struct trial *t, char state);
uint32_t random_below(uint32_t *seed, uint32_t bound);

#endif
