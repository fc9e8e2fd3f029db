#ifndef FROSTBITE_SEQUENCE_H
#define FROSTBITE_SEQUENCE_H

#include "frostbite.h"

#define MAX_GROUPS 16

struct named_group {
	char name[MAX_NAME];
	struct group group;
	bool there;
	int64_t frozen_us; /* frozen_usec at the last look */
};

/* All processes that one `start` made; they share a slot. */
struct named_process {
	char name[MAX_NAME];
	char in[MAX_NAME]; /* the group it is in, "": none of ours */
	enum kind kind;
	unsigned slot, count;
	pid_t pids[MAX_MEMBERS + 1]; /* plus the child of a vfork */
	bool traced;
};

/* A sequence being played. */
struct play {
	const struct request *request;
	const struct hierarchies *hierarchies;
	struct named_group groups[MAX_GROUPS];
	unsigned ngroups;
	struct named_process processes[MAX_SLOTS];
	unsigned nprocesses;
	char error[200];       /* our own error, ends it */
	char unsupported[200]; /* what the kernel lacks, ends it */
	char expected[120], found[160]; /* of the current step, if it failed */
};

/* Stores what was expected and found, and returns false. */
bool play_miss(struct play *p, const char *expected, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Stores an error of our own and returns false. */
bool play_error(struct play *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Whether an action ended as the step says; `error` is its errno, 0 on success. */
bool play_outcome(struct play *p, const struct sequence_step *s, int error);

/* ---- sequence_group.c ---- */
struct named_group *play_group(struct play *p, const char *name);
bool step_group(struct play *p, const struct sequence_step *s);
bool step_remove(struct play *p, const struct sequence_step *s);
bool step_write(struct play *p, const struct sequence_step *s);
/* frozen_usec of cgroup.stat.local; false where the kernel has none. */
bool frozen_time(struct play *p, const struct named_group *g, int64_t *us);
/* The number in a file of the group; -1: it has none. */
int group_number(const struct group *g, const char *file);
/* Thaws all groups, then kills and removes everything; false when something remains. */
bool groups_end(struct play *p);

/* ---- sequence_process.c ---- */
struct named_process *play_process(struct play *p, const char *name);
bool step_start(struct play *p, const struct sequence_step *s);
bool step_move(struct play *p, const struct sequence_step *s);
bool step_signal(struct play *p, const struct sequence_step *s);
bool step_trace(struct play *p, const struct sequence_step *s);
/* How many pids it has, including the child of a vfork once that exists. */
unsigned process_pids(struct named_process *q);
void processes_release(struct play *p);

/* ---- sequence_expect.c ---- */
bool step_expect(struct play *p, const struct sequence_step *s);

#endif
