#ifndef FROSTBITE_STEPS_H
#define FROSTBITE_STEPS_H

#include <stdbool.h>
#include <stdint.h>

/* Steps of a sequence as a request names them; harness/matrix/steps.ts says what they mean. */
#define MAX_STEPS 64
#define MAX_NAME 48
#define MAX_MEMBERS 200

enum verb {
	VERB_GROUP, VERB_REMOVE, VERB_START, VERB_MOVE, VERB_FREEZE, VERB_THAW, VERB_WRITE, VERB_STOP, VERB_CONT,
	VERB_KILL, VERB_TERM, VERB_SEIZE, VERB_INTERRUPT, VERB_SIGINFO, VERB_DETACH, VERB_SLEEP, VERB_EXPECT,
};

enum kind { KIND_TICK, KIND_SPIN, KIND_NAP, KIND_FORKBOMB, KIND_VFORK, KIND_SELF_FREEZE };

/* What an expectation checks, in the order of the checks; -1, NULL or "": not checked. */
struct look {
	int state; /* enum freezer_state */
	int self, parent, processes, notifications;
	int runs, gone;
	char letters[8];
	char time; /* frozen_usec: 'z'ero, 'g'rown or 's'ame since it was last looked at */
	int64_t at_least_us;
	char longer_than[MAX_NAME];
};

struct sequence_step {
	enum verb verb;
	char name[MAX_NAME]; /* the group, the process or, for a write, the text */
	char at[MAX_NAME];   /* the group that it goes to */
	enum kind kind;
	unsigned count;
	int64_t for_us, within_us;
	int fails; /* the expected errno, 0: none */
	struct look look;
};

/* Reads "VERB NAME key=value ..."; false when it is not understood. */
bool step_read(const char *text, struct sequence_step *step);
/* "EINVAL" for an errno that a step can name, else its strerror. */
const char *error_name(int error);
const char *verb_name(enum verb verb);

#endif
