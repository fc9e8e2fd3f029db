#define _GNU_SOURCE
#include "task.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * Finds the outside pid of a container's process. From 4.1 on /proc/TID/status has it. Before, each process that a
 * container makes sends a message to a socket here, and the kernel translates the sender's pid into ours
 * (SCM_CREDENTIALS, since 3.2). The socket's address belongs to the network namespace, which containers here share.
 */

static int ear = -1;

bool pids_in_status(const char *status)
{
	char line[128];
	bool found = false;
	FILE *f = fopen(status, "re");

	while (f && !found && fgets(line, sizeof(line), f))
		found = !strncmp(line, "NStgid:", 7);
	if (f)
		fclose(f);
	return found;
}

static socklen_t address_of(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* an abstract address: its first byte is 0 */
	snprintf(address->sun_path + 1, sizeof(address->sun_path) - 1, "%s", name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

const char *pids_listen(void)
{
	struct sockaddr_un address;
	char name[sizeof(shared->ear)], status[256];

	snprintf(status, sizeof(status), "%s/self/status", proc_root);
	if (ear >= 0 || pids_in_status(status))
		return NULL;
	snprintf(name, sizeof(name), "frostline-pids-%d", getpid());
	socklen_t length = address_of(&address, name);

	ear = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (ear < 0 || setsockopt(ear, SOL_SOCKET, SO_PASSCRED, &(int){ 1 }, sizeof(int)) < 0 ||
	    bind(ear, (struct sockaddr *)&address, length) < 0) {
		const char *why = strerror(errno);

		if (ear >= 0)
			close(ear);
		ear = -1;
		return why;
	}
	strcpy(shared->ear, name);
	return NULL;
}

void pids_tell(unsigned slot)
{
	struct sockaddr_un address;

	if (!shared->ear[0])
		return;
	socklen_t length = address_of(&address, shared->ear);
	int mouth = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned char byte = (unsigned char)slot;

	if (mouth < 0 || sendto(mouth, &byte, 1, 0, (struct sockaddr *)&address, length) < 0)
		slot_fail(slot, "saying who it is");
	close(mouth);
}

bool pids_hear(unsigned *slot, pid_t *pid)
{
	union {
		char space[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} control = { 0 };
	unsigned char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space),
	};
	struct ucred from = { 0 };

	if (ear < 0 || recvmsg(ear, &message, 0) != 1)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_CREDENTIALS)
			memcpy(&from, CMSG_DATA(c), sizeof(from));
	*slot = byte;
	*pid = from.pid;
	return true;
}

struct search {
	pid_t pid, outer;
};

/*
 * "NStgid:\t412\t3": the pid of the process in each namespace, innermost last. If the leader of a process has
 * ended, the group lists only its other threads.
 */
static bool is_it(pid_t tid, void *arg)
{
	struct search *search = arg;
	char path[256], line[128];

	snprintf(path, sizeof(path), "%s/%d/status", proc_root, tid);
	FILE *f = fopen(path, "re");

	while (f && fgets(line, sizeof(line), f)) {
		if (strncmp(line, "NStgid:", 7))
			continue;
		char *first = strchr(line, '\t'), *last = strrchr(line, '\t');

		if (last != first && atoi(last + 1) == search->pid)
			search->outer = atoi(first + 1);
		break;
	}
	if (f)
		fclose(f);
	return search->outer == 0;
}

static bool is_member(pid_t tid, void *arg)
{
	struct search *search = arg;

	if (tid == search->pid)
		search->outer = tid;
	return search->outer == 0;
}

/* Ignores messages from processes outside the group. */
static void hear_all(struct trial *t)
{
	struct search search = { 0 };
	unsigned slot;

	while (pids_hear(&slot, &search.pid)) {
		search.outer = 0;
		group_each_thread(&t->group, is_member, &search);
		if (search.outer && slot < t->nslots)
			atomic_store(&shared->slots[slot].pid, search.outer);
	}
}

void container_pids(struct trial *t)
{
	if (!t->init)
		return;
	hear_all(t);
	for (unsigned i = 0; i < t->nslots; i++) {
		struct slot *slot = &shared->slots[i];
		struct search search = { .pid = atomic_load(&counters->slots[i].inner) };

		if (search.pid <= 0 || atomic_load(&slot->pid) != 0)
			continue;
		group_each_thread(&t->group, is_it, &search);
		atomic_store(&slot->pid, search.outer);
	}
}
