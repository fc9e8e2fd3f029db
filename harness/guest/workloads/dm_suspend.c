#define _GNU_SOURCE
#include "../frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/*
 * A suspended mapped device keeps each bio until it is resumed (dm_submit_bio, queue_io), and a direct read
 * of it sleeps uninterruptibly for its bio. Its target is "error", which is part of dm-mod and needs no
 * disk: what the read returns after the resume does not matter.
 */

#define CONTROL "/dev/mapper/control"
#define NAME_PREFIX "frostline-"

struct table {
	struct dm_ioctl head;
	struct dm_target_spec target;
	char parameters[8]; /* of the target: none, but the string must exist */
};

static char name[32];

static int ask(unsigned long request, const char *device, uint32_t flags, struct table *table)
{
	int control = open(CONTROL, O_RDWR | O_CLOEXEC);

	if (control < 0)
		return -1;
	*table = (struct table){
		/* the oldest version 4: the kernel only requires the first number to be equal */
		.head = { .version = { 4, 0, 0 }, .data_size = sizeof(*table), .flags = flags,
			  .data_start = sizeof(table->head), .target_count = request == DM_TABLE_LOAD },
		.target = { .length = NODE_READ_SIZE / 512, .target_type = "error" },
	};
	snprintf(table->head.name, sizeof(table->head.name), "%s", device);
	int result = ioctl(control, request, table);
	int error = errno;

	close(control);
	errno = error;
	return result;
}

static const char *needs(void)
{
	static char problem[120];
	struct table table;

	module_load("dm_mod");
	if (ask(DM_VERSION, "", 0, &table) == 0)
		return NULL;
	snprintf(problem, sizeof(problem), CONTROL ": %s (CONFIG_BLK_DEV_DM, or its module dm-mod is not loaded)",
		 strerror(errno));
	return problem;
}

/* Suspends without waiting for I/O or freezing a file system: there is neither. */
static bool start(struct trial *t)
{
	struct table table;
	char path[32];

	snprintf(name, sizeof(name), NAME_PREFIX "%d", getpid());
	if (ask(DM_DEV_CREATE, name, 0, &table) < 0)
		return trial_fail(t, "DM_DEV_CREATE of %s: %s", name, strerror(errno));
	if (ask(DM_TABLE_LOAD, name, 0, &table) < 0 || ask(DM_DEV_SUSPEND, name, 0, &table) < 0)
		return trial_fail(t, "table of %s: %s", name, strerror(errno));
	if (ask(DM_DEV_SUSPEND, name, DM_SUSPEND_FLAG | DM_NOFLUSH_FLAG | DM_SKIP_LOCKFS_FLAG, &table) < 0)
		return trial_fail(t, "DM_DEV_SUSPEND of %s: %s", name, strerror(errno));
	snprintf(path, sizeof(path), "/dev/dm-%u", minor((dev_t)table.head.dev));
	const struct stat device = { .st_mode = S_IFBLK, .st_rdev = (dev_t)table.head.dev };

	atomic_store(&counters->served, 1);
	return node_make(t, &device, path) && spawn(t, node_read) && wait_task_state(t, 'D');
}

static bool is_removed(void *arg)
{
	struct table table;

	/* ENXIO: there is none; EBUSY: its reader, or udev's, still has it open for a moment */
	return ask(DM_DEV_REMOVE, arg, 0, &table) == 0 || errno != EBUSY;
}

static void resume_device(char *device)
{
	struct table table;

	ask(DM_DEV_SUSPEND, device, 0, &table);
}

static void remove_device(char *device)
{
	resume_device(device);
	wait_patiently(is_removed, device, 1000000);
}

static void release(struct trial *t)
{
	(void)t;
	node_remove();
	remove_device(name);
}

/* Calls fn for each of our devices; how many. A list that does not fit is cut. */
static int each_device(void (*fn)(char *device))
{
	struct {
		struct dm_ioctl head;
		char list[16 * 1024];
	} all = { .head = { .version = { 4, 0, 0 }, .data_size = sizeof(all), .data_start = sizeof(all.head) } };
	int control = open(CONTROL, O_RDWR | O_CLOEXEC), found = 0;
	bool listed = control >= 0 && ioctl(control, DM_LIST_DEVICES, &all) == 0;

	if (control >= 0)
		close(control);
	if (!listed || all.head.data_size <= sizeof(all.head))
		return 0;
	for (size_t at = 0;;) {
		struct dm_name_list *device = (void *)((char *)&all + all.head.data_start + at);

		if (!device->dev)
			break;
		if (!strncmp(device->name, NAME_PREFIX, strlen(NAME_PREFIX))) {
			fn(device->name);
			found++;
		}
		if (!device->next)
			break;
		at += device->next;
	}
	return found;
}

void dm_resume_all(void)
{
	each_device(resume_device);
}

int dm_remove_all(void)
{
	return each_device(remove_device);
}

const struct workload workload_dm_suspend = {
	.name = "dm-suspend",
	.summary = "a reader in D behind a suspended mapped device",
	.needs = needs,
	.start = start,
	.release = release,
	.meets = true,
};
