#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The kernel's log. A result includes the trial's part of it: the console may be missing or incomplete. */
const char *kmsg_path = "/dev/kmsg";

#define MAX_LINES 16
/* More than any trial makes; a flood is not read to its end. */
#define MAX_RECORDS 8192

static int log_fd = -1;
static char kept[MAX_LINES][240];
static unsigned nkept;
static int64_t last_us;

/* Signs of trouble; lab/kernel.ts classifies the lines. */
static const char *const troubles[] = {
	"Kernel panic", "Oops", "BUG: ", "kernel BUG", "general protection fault", "WARNING: ", "LOCKUP", "lockup", "stall",
	"blocked for more than", "blocked in I/O wait", "ut of memory: Kill", "oom-kill:",
};

static bool tells_trouble(const char *text)
{
	for (size_t i = 0; i < ARRAY_SIZE(troubles); i++)
		if (strstr(text, troubles[i]))
			return true;
	return false;
}

/* "4,1234,56789,-;text": level and facility, number, time; lines written by programs have a facility. */
static void take(const char *record)
{
	unsigned priority;
	long long us;
	const char *text = strchr(record, ';');

	if (!text || sscanf(record, "%u,%*u,%lld,", &priority, &us) != 2)
		return;
	last_us = us;
	if (priority < 8 && nkept < MAX_LINES && tells_trouble(text + 1))
		snprintf(kept[nkept++], sizeof(kept[0]), "%s", text + 1);
}

/* Each read returns one record; its further lines begin with a space. */
static void read_all(void)
{
	char text[2048], *save = NULL;

	for (unsigned i = 0; i < MAX_RECORDS; i++) {
		ssize_t n = read(log_fd, text, sizeof(text) - 1);

		/* EPIPE: records were lost before they were read */
		if (n < 0 && (errno == EPIPE || errno == EINTR))
			continue;
		if (n <= 0)
			return;
		text[n] = '\0';
		for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
			if (l[0] != ' ')
				take(l);
	}
}

int64_t kmsg_begin(void)
{
	if (log_fd < 0)
		log_fd = open(kmsg_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (log_fd < 0)
		return -1;
	read_all();
	nkept = 0;
	return last_us;
}

void emit_kmsg(void)
{
	if (log_fd >= 0)
		read_all();
	if (!nkept)
		return;
	emit(",\"kernel\":[");
	for (unsigned i = 0; i < nkept; i++) {
		emit("%s", i ? "," : "");
		emit_string(kept[i]);
	}
	emit("]");
}
