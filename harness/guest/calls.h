/* How the tools reach freezer.state: by their own system calls, which are the greater part of what a step of theirs costs. */
#ifndef FROSTBITE_CALLS_H
#define FROSTBITE_CALLS_H

#include "frostbite.h"

/* One way to the state of a group, for the time of a freeze. */
struct reach {
	struct group *group;
	enum calls calls;
	int root, epoll; /* the descriptors that runc and Go keep; -1 */
	bool watched;    /* by Go: the file that is open */
	char path[340];
	const char *below; /* the root */
};

/* "/sys/fs/cgroup"; tests have one of their own. */
extern const char *cgroup_root;
void calls_begin(struct reach *r, struct group *g, enum calls calls);
void calls_end(struct reach *r);
/* False with errno. */
bool calls_write(struct reach *r, bool frozen);
/* STATE_OTHER with errno when it cannot be read, with 0 when it says something else. */
enum freezer_state calls_read(struct reach *r);

#endif
