/*
 * Takes CPUs and never gives them back; run as root in a guest that will not be used again. `hog all`: nothing else is
 * scheduled. `hog N`: CPU N has no time for kernel threads except softirqs, and is told to go offline; whoever does
 * that soon holds the CPU hotplug lock forever. All else stays on the other CPUs.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* True in a child that is detached from whoever started it. */
static bool leave(void)
{
	if (fork())
		return false;
	setsid();
	for (int fd = 0; fd < 3; fd++)
		close(fd);
	return true;
}

static void take(int cpu)
{
	const struct sched_param first = { .sched_priority = 50 };
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (!leave())
		return;
	if (sched_setaffinity(0, sizeof(set), &set) < 0 || sched_setscheduler(0, SCHED_FIFO, &first) < 0)
		_exit(1);
	for (;;)
		;
}

/* A CPU without its softirqs ends no grace period, and nothing makes progress anywhere. */
static void let_softirqs(pid_t pid, int cpu)
{
	const struct sched_param above = { .sched_priority = 90 };
	char path[64], comm[64] = "", wanted[64];

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	FILE *f = fopen(path, "re");

	if (f && fgets(comm, sizeof(comm), f))
		comm[strcspn(comm, "\n")] = '\0';
	if (f)
		fclose(f);
	snprintf(wanted, sizeof(wanted), "ksoftirqd/%d", cpu);
	if (!strcmp(comm, wanted) && sched_setscheduler(pid, SCHED_FIFO, &above) < 0)
		err(1, "%s", comm);
}

/* Kernel threads that are bound to a CPU refuse. */
static void keep_away(int cpu, int count)
{
	DIR *proc = opendir("/proc");
	cpu_set_t set;

	CPU_ZERO(&set);
	for (int i = 0; i < count; i++)
		if (i != cpu)
			CPU_SET(i, &set);
	for (struct dirent *entry; proc && (entry = readdir(proc));) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0)
			continue;
		sched_setaffinity(pid, sizeof(set), &set);
		let_softirqs(pid, cpu);
	}
	if (proc)
		closedir(proc);
}

static void unplug(int cpu)
{
	char path[64];

	if (!leave())
		return;
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	int fd = open(path, O_WRONLY);

	_exit(write(fd, "0", 1) != 1);
}

int main(int argc, char **argv)
{
	FILE *limit = fopen("/proc/sys/kernel/sched_rt_runtime_us", "we");
	int count = (int)sysconf(_SC_NPROCESSORS_ONLN);

	/* by default the kernel reserves 5 % for the others */
	if (argc < 2 || !limit || fputs("-1", limit) < 0 || fclose(limit))
		return 64;
	if (strcmp(argv[1], "all")) {
		int cpu = atoi(argv[1]);

		keep_away(cpu, count);
		take(cpu);
		unplug(cpu);
		return 0;
	}
	/* take the CPU that this runs on last */
	int own = sched_getcpu();

	for (int cpu = 0; cpu < count; cpu++)
		if (cpu != own)
			take(cpu);
	take(own);
	return 0;
}
