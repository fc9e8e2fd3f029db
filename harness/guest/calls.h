/* How the tools reach freezer.state: with their own system calls, which are most of what each of their steps costs. */
#ifndef FROSTBITE_CALLS_H
#define FROSTBITE_CALLS_H

#include "frostbite.h"

/* Access to a group's state, for the duration of one freeze. */
struct reach {
	struct group *group;
	enum calls calls;
	int root, epoll; /* descriptors that runc and Go keep open; -1: none */
	bool watched;    /* the open file is registered with epoll */
	char path[340];
	const char *below; /* `path`, relative to `root` */
};

/* "/sys/fs/cgroup"; tests set their own. */
extern const char *cgroup_root;
void calls_begin(struct reach *r, struct group *g, enum calls calls);
void calls_end(struct reach *r);
/* False with errno. */
bool calls_write(struct reach *r, bool frozen);
/* STATE_OTHER: with errno when the state cannot be read, with errno 0 when it is something else. */
enum freezer_state calls_read(struct reach *r);

#endif
