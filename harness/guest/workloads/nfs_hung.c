#define _GNU_SOURCE
#include "../frostbite.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * An NFS 3 mount (RFC 1813) of 127.0.0.1, whose server answers what a mount asks for and is silent on LOOKUP. The
 * client waits killably for its RPC. v1 counts that wait as frozen (freezable_schedule_unsafe, since 6.1
 * TASK_FREEZABLE_UNSAFE); v2 waits forever. Neither freezes a process that waits for that client, not for an RPC.
 */

enum { PROGRAM_NFS = 100003, PROGRAM_MOUNT = 100005 };
enum { MOUNT_MNT = 1 };
enum { NFS_NULL = 0, NFS_GETATTR = 1, NFS_LOOKUP = 3, NFS_ACCESS = 4, NFS_FSSTAT = 18, NFS_FSINFO = 19, NFS_PATHCONF = 20 };
enum { NFS_NOENT = 2, NFS_NOTSUPP = 10004 };

#define SERVED_LOOKUP 1
#define SERVED_ENOUGH 2 /* from now on LOOKUP is answered, too: no such file */

static char mount_point[64];
static int listener = -1;

struct reply {
	unsigned n;
	uint32_t words[64];
};

static void put(struct reply *r, uint32_t word)
{
	r->words[r->n++] = htonl(word);
}

static void put_zeros(struct reply *r, unsigned n)
{
	while (n--)
		put(r, 0);
}

/* fattr3 of the root, the only file there is. */
static void put_attributes(struct reply *r)
{
	put(r, 2); /* NF3DIR */
	put(r, 0755);
	put(r, 2);
	put_zeros(r, 2); /* uid, gid */
	put(r, 0), put(r, 4096);
	put(r, 0), put(r, 4096);
	put_zeros(r, 2); /* rdev */
	put(r, 0), put(r, 1); /* fsid */
	put(r, 0), put(r, 1); /* fileid */
	put_zeros(r, 6); /* atime, mtime, ctime */
}

static void put_post_attributes(struct reply *r)
{
	put(r, 1);
	put_attributes(r);
}

static void put_mount(struct reply *r)
{
	put(r, 0);
	put(r, 4), put(r, 1); /* the file handle of the root, four bytes */
	put(r, 1), put(r, 1); /* one flavour: AUTH_SYS */
}

static void put_fsinfo(struct reply *r)
{
	put(r, 0);
	put_post_attributes(r);
	for (unsigned i = 0; i < 2; i++) {
		put(r, 4096), put(r, 4096), put(r, 512); /* reads, then writes: maximum, preferred, multiple */
	}
	put(r, 4096);
	put(r, 0), put(r, 1 << 30); /* maximum file size */
	put(r, 0), put(r, 1);       /* time granularity */
	put(r, 0x18);               /* FSF3_HOMOGENEOUS, FSF3_CANSETTIME */
}

static void put_pathconf(struct reply *r)
{
	put(r, 0);
	put_post_attributes(r);
	put(r, 1), put(r, 255), put(r, 1), put(r, 1), put(r, 0), put(r, 1);
}

/* The results of a call. Any other call gets an error, whose first word is the same for all procedures. */
static void put_results(struct reply *r, uint32_t program, uint32_t procedure, const uint32_t *arguments)
{
	if (procedure == NFS_NULL)
		return;
	if (program == PROGRAM_MOUNT) {
		if (procedure == MOUNT_MNT)
			put_mount(r);
		return;
	}
	switch (procedure) {
	case NFS_GETATTR:
		put(r, 0);
		put_attributes(r);
		break;
	case NFS_ACCESS:
		put(r, 0);
		put_post_attributes(r);
		r->words[r->n++] = arguments[2]; /* requested access, after the handle's length and its four bytes */
		break;
	case NFS_FSINFO:
		put_fsinfo(r);
		break;
	case NFS_PATHCONF:
		put_pathconf(r);
		break;
	default:
		put(r, procedure == NFS_LOOKUP ? NFS_NOENT : NFS_NOTSUPP);
		put_post_attributes(r);
	}
}

static bool read_fully(int fd, void *to, size_t size)
{
	return recv(fd, to, size, MSG_WAITALL) == (ssize_t)size;
}

struct call {
	int fd;
	uint32_t xid, program, procedure;
	uint32_t arguments[3];
};

static void answer(const struct call *call)
{
	struct reply r = { .n = 1 };

	r.words[r.n++] = call->xid;
	put(&r, 1);       /* a reply, */
	put_zeros(&r, 4); /* accepted, its verifier AUTH_NONE and empty, success */
	put_results(&r, call->program, call->procedure, call->arguments);
	r.words[0] = htonl(0x80000000U | (r.n - 1) * 4);
	send(call->fd, r.words, r.n * 4, MSG_NOSIGNAL);
}

/* Reads one record of one fragment; false: the connection is over. */
static bool read_call(int fd, struct call *call)
{
	uint32_t words[512];
	uint32_t mark;

	if (!read_fully(fd, &mark, sizeof(mark)))
		return false;
	size_t n = (ntohl(mark) & 0x7fffffff) / 4;

	if (n < 10 || n > ARRAY_SIZE(words) || !read_fully(fd, words, n * 4))
		return false;
	/* xid, call, version of RPC, program, its version, procedure, credentials, verifier */
	*call = (struct call){ .fd = fd, .xid = words[0], .program = ntohl(words[3]), .procedure = ntohl(words[5]) };
	size_t at = 8 + (ntohl(words[7]) + 3) / 4;

	if (at + 2 > n)
		return false;
	at += 2 + (ntohl(words[at + 1]) + 3) / 4;
	for (size_t i = 0; i < ARRAY_SIZE(call->arguments) && at + i < n; i++)
		call->arguments[i] = words[at + i];
	return true;
}

#define MAX_CONNECTIONS 8
#define MAX_HELD 8

static void serve_nfs(void *arg)
{
	struct pollfd fds[MAX_CONNECTIONS] = { { .fd = listener, .events = POLLIN } };
	struct call held[MAX_HELD];
	unsigned n = 1, nheld = 0;

	(void)arg;
	for (;;) {
		poll(fds, n, 5);
		if (fds[0].revents && n < MAX_CONNECTIONS)
			fds[n++] = (struct pollfd){ .fd = accept(listener, NULL, NULL), .events = POLLIN };
		for (unsigned i = 1; i < n; i++) {
			struct call call;

			if (!fds[i].revents)
				continue;
			if (!read_call(fds[i].fd, &call)) {
				close(fds[i].fd);
				fds[i--] = fds[--n];
			} else if (call.program == PROGRAM_NFS && call.procedure == NFS_LOOKUP && nheld < MAX_HELD) {
				held[nheld++] = call;
				if (atomic_load(&counters->served) < SERVED_LOOKUP)
					atomic_store(&counters->served, SERVED_LOOKUP);
			} else {
				answer(&call);
			}
		}
		if (atomic_load(&counters->served) == SERVED_ENOUGH)
			while (nheld)
				answer(&held[--nheld]);
	}
}

static bool has_nfs(void)
{
	char line[64];
	bool found = false;
	FILE *f = fopen("/proc/filesystems", "re");

	while (f && fgets(line, sizeof(line), f))
		found |= !strcmp(line, "nodev\tnfs\n");
	if (f)
		fclose(f);
	return found;
}

static const char *needs(void)
{
	module_load("nfsv3");
	return has_nfs() ? NULL : "no nfs in /proc/filesystems (CONFIG_NFS_V3, or its modules nfs and nfsv3 are not there)";
}

static bool mount_nfs(struct trial *t)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(address);
	char options[200];

	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(listener, 4) < 0 ||
	    getsockname(listener, (struct sockaddr *)&address, &size) < 0)
		return trial_fail(t, "socket of the NFS server: %s", strerror(errno));
	t->server = spawn_server(serve_nfs, NULL);
	close(listener);
	if (t->server <= 0)
		return trial_fail(t, "fork of the NFS server: %s", strerror(errno));
	bool has_place = place_path(mount_point, sizeof(mount_point), "nfs");

	strcpy(shared->path, mount_point);
	if (!has_place || (mkdir(mount_point, 0700) < 0 && errno != EEXIST))
		return trial_fail(t, "mkdir %s: %s", mount_point, strerror(errno));
	const unsigned port = ntohs(address.sin_port);

	snprintf(options, sizeof(options),
		 "addr=127.0.0.1,mountaddr=127.0.0.1,vers=3,mountvers=3,proto=tcp,mountproto=tcp,port=%u,mountport=%u,hard,nolock,"
		 "nosharecache", port, port);
	if (mount("127.0.0.1:/", mount_point, "nfs", MS_NOSUID | MS_NODEV, options) == 0)
		return true;
	t->lacks = errno == EPROTONOSUPPORT;
	return trial_fail(t, "mount of NFS 3: %s", strerror(errno));
}

static bool start(struct trial *t)
{
	return mount_nfs(t) && spawn(t, ask_server) && wait_served(t, "no LOOKUP came") && wait_task_state(t, 'D');
}

/* The second process waits in d_alloc_parallel for the first's LOOKUP of the same name. */
static bool start_behind(struct trial *t)
{
	return start(t) && spawn(t, ask_server) && wait_task_state(t, 'D');
}

static bool all_back(void *arg)
{
	struct trial *t = arg;

	for (unsigned i = 0; i < t->nslots; i++)
		if (!atomic_load(&counters->slots[i].count))
			return false;
	return true;
}

/* After the answer a client may make one more call, so the server ends last. */
static void release(struct trial *t)
{
	atomic_store(&counters->served, SERVED_ENOUGH);
	wait_until(all_back, t, 2000000);
	umount2(mount_point, MNT_FORCE | MNT_DETACH);
	end_server(t);
	rmdir(mount_point);
}

const struct workload workload_nfs_hung = {
	.name = "nfs-hung",
	.summary = "a client in D behind a request to an NFS server that is silent",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
	.gap = GAP_BARE,
};

const struct workload workload_nfs_hung_behind = {
	.name = "nfs-hung-behind",
	.summary = "the same, and a process that waits in D for that client",
	.needs = needs,
	.start = start_behind,
	.release = release,
	.meets = true,
	.gap = GAP_BARE,
};
