#define _GNU_SOURCE
#include "task.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Containers of runc, crun and podman: an OCI bundle whose root file system holds only this program. */

#define RUNTIME_US 60000000
#define IN_CONTAINER "/frostline-shared"

const char *const runtime_names[] = { "none", "runc", "crun", "podman" };

static char box[64]; /* the bundle, made once per program run; "": not yet */

/* Whether v2 has controllers, which are then on no v1 hierarchy. */
static bool unified_controls(void)
{
	struct hierarchies h;
	char path[300], c;

	find_hierarchies(&h);
	snprintf(path, sizeof(path), "%s/cgroup.controllers", h.v2);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool some = fd >= 0 && read(fd, &c, 1) == 1 && c != '\n';

	if (fd >= 0)
		close(fd);
	return some;
}

const char *container_lacking(const struct request *r)
{
	static char problem[120];
	const char *const tools[] = {
		r->runtime ? runtime_names[r->runtime] : NULL,
		r->tool == TOOL_CRIU_DUMP || r->tool == TOOL_RUNC_CHECKPOINT ? "criu" : NULL,
	};

	/* podman prefers crun to runc */
	const bool by_crun = r->runtime == RUNTIME_CRUN || (r->runtime == RUNTIME_PODMAN && program_there("crun"));

	if (by_crun && r->layout == LAYOUT_HYBRID && unified_controls())
		return "crun refuses a hybrid set-up whose v2 hierarchy has controllers";
	for (size_t i = 0; i < ARRAY_SIZE(tools); i++) {
		if (!tools[i] || program_there(tools[i]))
			continue;
		snprintf(problem, sizeof(problem), "no %s in the guest: its userland has none", tools[i]);
		return problem;
	}
	return NULL;
}

static bool copy_file(const char *from, const char *to)
{
	int in = open(from, O_RDONLY | O_CLOEXEC), out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
	ssize_t n = -1;

	while (in >= 0 && out >= 0 && (n = sendfile(out, in, NULL, 1 << 20)) > 0)
		;
	int error = errno;

	if (in >= 0)
		close(in);
	if (out >= 0)
		close(out);
	errno = error;
	return n == 0;
}

/* Makes the directories of a path below `root`, except its last component. */
static void make_parents(const char *root, const char *path)
{
	char full[400];
	size_t start = (size_t)snprintf(full, sizeof(full), "%s%s", root, path) - strlen(path);

	for (char *slash = strchr(full + start + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(full, 0755);
		*slash = '/';
	}
}

static bool make_box(struct trial *t)
{
	static const char *const folders[] = { "/rootfs", "/rootfs/proc", "/rootfs/dev", "/rootfs/tmp", "/rootfs" IN_CONTAINER };
	char path[400], root[100];

	if (box[0])
		return true;
	/* not on tmpfs: CRIU would dump that too; and not under a name that someone else could have made first */
	strcpy(box, BOX_PREFIX "XXXXXX");
	if (!mkdtemp(box)) {
		box[0] = '\0';
		return trial_fail(t, "mkdtemp " BOX_PREFIX "XXXXXX: %s", strerror(errno));
	}
	snprintf(root, sizeof(root), "%s/rootfs", box);
	for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
		snprintf(path, sizeof(path), "%s%s", box, folders[i]);
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return trial_fail(t, "mkdir %s: %s", path, strerror(errno));
	}
	make_parents(root, shared->exe);
	snprintf(path, sizeof(path), "%s%s", root, shared->exe);
	if (!copy_file(shared->exe, path))
		return trial_fail(t, "copy of %s to %s: %s", shared->exe, path, strerror(errno));
	/* lets mounts below /tmp propagate to containers that already exist */
	mount(NULL, "/tmp", NULL, MS_SHARED, NULL);
	return true;
}

/* Capabilities that every runtime since runc 1.0 knows. */
#define CAPABILITIES                                                                                        \
	"\"CAP_CHOWN\",\"CAP_DAC_OVERRIDE\",\"CAP_FOWNER\",\"CAP_KILL\",\"CAP_SETUID\",\"CAP_SETGID\",\"CAP_MKNOD\"," \
	"\"CAP_SYS_ADMIN\",\"CAP_SYS_PTRACE\",\"CAP_SYS_RESOURCE\",\"CAP_SYS_RAWIO\",\"CAP_SYS_CHROOT\""

static bool write_config(struct trial *t)
{
	const struct request *r = t->request;
	char path[100];

	snprintf(path, sizeof(path), "%s/config.json", box);
	FILE *f = fopen(path, "we");

	if (!f)
		return trial_fail(t, "%s: %s", path, strerror(errno));
	fprintf(f, "{\"ociVersion\":\"1.0.2\",\"process\":{\"terminal\":false,\"user\":{\"uid\":0,\"gid\":0},"
		   "\"args\":[\"%s\",\"contain\",\"" IN_CONTAINER "\"],\"cwd\":\"/\",", shared->exe);
	/* CRIU before 3.17 and kernels before 5.13 cannot checkpoint an rseq area */
	fprintf(f, "\"env\":[\"PATH=/bin:/usr/bin\",\"GLIBC_TUNABLES=glibc.pthread.rseq=0\"],");
	fprintf(f, "\"capabilities\":{\"bounding\":[" CAPABILITIES "],\"effective\":[" CAPABILITIES
		   "],\"permitted\":[" CAPABILITIES "]}},");
	fprintf(f, "\"root\":{\"path\":\"rootfs\"},\"hostname\":\"frostline\",\"mounts\":["
		   "{\"destination\":\"/proc\",\"type\":\"proc\",\"source\":\"proc\"},"
		   "{\"destination\":\"/dev\",\"type\":\"tmpfs\",\"source\":\"tmpfs\",\"options\":[\"mode=755\"]},"
		   "{\"destination\":\"" IN_CONTAINER "\",\"type\":\"bind\",\"source\":\"%s\",\"options\":[\"bind\",\"rw\"]}",
		shared_folder());
	/* where a workload's server and clients meet; CRIU cannot dump a mount into which others mount */
	const bool meets = r->tool != TOOL_CRIU_DUMP && r->tool != TOOL_RUNC_CHECKPOINT;

	if (meets)
		fprintf(f, ",{\"destination\":\"/tmp\",\"type\":\"bind\",\"source\":\"/tmp\",\"options\":[\"rbind\",\"rslave\",\"rw\"]}");
	fprintf(f, "],\"linux\":{\"cgroupsPath\":\"/%s\",\"resources\":{\"devices\":[{\"allow\":true,\"access\":\"rwm\"}]},"
		   "\"namespaces\":[{\"type\":\"pid\"},{\"type\":\"mount\"},{\"type\":\"ipc\"},{\"type\":\"uts\"}%s]",
		t->id, r->userns ? ",{\"type\":\"user\"}" : "");
	if (meets)
		fprintf(f, ",\"rootfsPropagation\":\"rslave\"");
	if (r->userns)
		fprintf(f, ",\"uidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1000}],"
			   "\"gidMappings\":[{\"containerID\":0,\"hostID\":0,\"size\":1000}]");
	fprintf(f, "}}\n");
	return fclose(f) == 0 || trial_fail(t, "%s: %s", path, strerror(errno));
}

const char *box_path(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", box, name);
	return path;
}

/* Runs the container's runtime; on failure returns false with t->why set from its output. */
static bool run_runtime(struct trial *t, const char *const *argv, const char *what)
{
	char log[128], said[160];
	struct program program = { .argv = argv, .layout = t->request->layout, .deadline_us = RUNTIME_US };

	snprintf(log, sizeof(log), "%s", box_path("runtime.log"));
	unlink(log);
	program.log = log;
	int code = program_run(&program);

	if (code == 0)
		return true;
	if (code == NOT_STARTED)
		return trial_fail(t, "%s %s was not started: %s", argv[0], what, strerror(program_error));
	telling_line(log, said, sizeof(said));
	if (code == OVERDUE)
		return trial_fail(t, "%s %s did not end within %d s: %s", argv[0], what, RUNTIME_US / 1000000, said);
	return trial_fail(t, "%s %s ended with %d: %s", argv[0], what, code, said);
}

static bool read_pid(pid_t *pid)
{
	int value = 0;
	FILE *f = fopen(box_path("pid"), "re");

	if (f && fscanf(f, "%d", &value) != 1)
		value = 0;
	if (f)
		fclose(f);
	*pid = value;
	return value > 0;
}

bool container_find(struct trial *t)
{
	if (!read_pid(&t->init))
		return trial_fail(t, "%s has no pid", box_path("pid"));
	const char *why = group_adopt(&t->group, t->init);

	return !why || trial_fail(t, "%s", why);
}

bool container_has_ended(const struct trial *t)
{
	char state = t->init > 0 ? task_state(t->init) : 'S';

	return state == '\0' || state == 'Z' || state == 'X';
}

/* podman writes the configuration itself, and reports the pid on request. */
static bool podman_create(struct trial *t)
{
	char shared_mount[160], parent[80], rootfs[100];

	snprintf(shared_mount, sizeof(shared_mount), "%s:" IN_CONTAINER, shared_folder());
	snprintf(parent, sizeof(parent), "/%s", t->id);
	snprintf(rootfs, sizeof(rootfs), "%s/rootfs", box);
	const char *const argv[] = {
		"podman", "--cgroup-manager", "cgroupfs", "create", "--name", t->id, "--network", "host",
		"--cgroup-parent", parent, "--privileged", "--systemd=false", "--log-driver", "none", "--volume", shared_mount,
		"--volume", "/tmp:/tmp:rslave", "--env", "GLIBC_TUNABLES=glibc.pthread.rseq=0", "--rootfs", rootfs,
		shared->exe, "contain", IN_CONTAINER, NULL,
	};

	return run_runtime(t, argv, "create");
}

static bool podman_start(struct trial *t)
{
	const char *const start[] = { "podman", "start", t->id, NULL };
	const char *const inspect[] = { "podman", "inspect", "--format", "{{.State.Pid}}", t->id, NULL };
	char said[64];

	if (!run_runtime(t, start, "start") || !run_runtime(t, inspect, "inspect"))
		return false;
	telling_line(box_path("runtime.log"), said, sizeof(said));
	FILE *f = fopen(box_path("pid"), "we");
	bool is_kept = f && fprintf(f, "%d\n", atoi(said)) > 0;

	if ((f && fclose(f)) || !is_kept)
		return trial_fail(t, "%s: %s", box_path("pid"), strerror(errno));
	return container_find(t);
}

bool container_create(struct trial *t)
{
	const char *runtime = runtime_names[t->request->runtime];
	char bundle[100], pid_file[100];

	struct hierarchies h;

	find_hierarchies(&h);
	const char *taken = group_reserve(&t->group, &h, t->request->v2, t->id);

	if (taken)
		return trial_fail(t, "%s", taken);
	const char *deaf = pids_listen();

	if (deaf)
		return trial_fail(t, "the socket on which the container's processes say who they are: %s", deaf);
	if (!make_box(t) || !write_config(t))
		return false;
	if (t->request->runtime == RUNTIME_PODMAN)
		return podman_create(t);
	snprintf(bundle, sizeof(bundle), "%s", box);
	snprintf(pid_file, sizeof(pid_file), "%s/pid", box);
	unlink(pid_file);
	const char *const argv[] = {
		runtime, "create", "--bundle", bundle, "--pid-file", pid_file, t->id, NULL,
	};

	return run_runtime(t, argv, "create") && container_find(t);
}

bool container_start(struct trial *t)
{
	const char *const argv[] = { runtime_names[t->request->runtime], "start", t->id, NULL };

	if (t->request->runtime == RUNTIME_PODMAN)
		return podman_start(t);
	return run_runtime(t, argv, "start");
}

void container_end(struct trial *t)
{
	const bool podman = t->request->runtime == RUNTIME_PODMAN;
	const char *const argv[] = {
		runtime_names[t->request->runtime], podman ? "rm" : "delete", "--force", t->id, NULL,
	};
	char kept[sizeof(t->why)];

	strcpy(kept, t->why);
	run_runtime(t, argv, argv[1]);
	strcpy(t->why, kept);
	t->init = 0;
}

void container_order(unsigned slot, void (*entry)(unsigned slot))
{
	atomic_store(&shared->slots[slot].entry, (long)((uintptr_t)entry - (uintptr_t)contain));
	contain_tell();
}

void containers_end(void)
{
	if (box[0])
		remove_tree(box);
	box[0] = '\0';
}
