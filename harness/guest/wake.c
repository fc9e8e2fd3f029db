#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

/*
 * What every clone of one saved machine has in common is made its own: random numbers, clock, SSH keys. The
 * template sleeps in a read of its second serial line; what a clone is told there are key=value lines, ended
 * by an empty one (harness/lab/qemu/template/wake.ts). The answer is the clone's boot id, which nobody has
 * asked for before: the kernel draws it now.
 */

#define SEED_BYTES 64
#define MAX_WAKE_LINE 1024

struct wake {
	unsigned char seed[SEED_BYTES];
	size_t seeded;
	long long now_us;
	unsigned char host_key[256];
	size_t host_key_size;
	char client_key[MAX_WAKE_LINE];
};

/* Bytes of hexadecimal text; 0 when it is not that, or more than `size`. */
static size_t from_hex(const char *text, unsigned char *bytes, size_t size)
{
	size_t n = strlen(text) / 2;

	if (strlen(text) % 2 || n > size)
		return 0;
	for (size_t i = 0; i < n; i++) {
		if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
			return 0;
	}
	return n;
}

static void take(struct wake *w, const char *line)
{
	if (!strncmp(line, "seed=", 5))
		w->seeded = from_hex(line + 5, w->seed, sizeof(w->seed));
	else if (!strncmp(line, "now=", 4))
		w->now_us = atoll(line + 4);
	else if (!strncmp(line, "host=", 5))
		w->host_key_size = from_hex(line + 5, w->host_key, sizeof(w->host_key));
	else if (!strncmp(line, "client=", 7))
		snprintf(w->client_key, sizeof(w->client_key), "%s\n", line + 7);
}

/* Mixed in and used at once: without the second step output would be what the other clones' is until the next reseeding. */
static const char *reseed(const struct wake *w)
{
	struct {
		struct rand_pool_info info;
		unsigned char seed[SEED_BYTES];
	} pool = { .info = { .entropy_count = SEED_BYTES * 8, .buf_size = SEED_BYTES } };
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);
	const char *failed = NULL;

	memcpy(pool.info.buf, w->seed, SEED_BYTES);
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool) < 0)
		failed = "RNDADDENTROPY";
	/* 4.14 */
	else if (ioctl(fd, RNDRESEEDCRNG) < 0)
		failed = "RNDRESEEDCRNG";
	if (fd >= 0)
		close(fd);
	return failed;
}

static bool replace(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool written = fd >= 0 && write(fd, data, size) == (ssize_t)size;

	if (fd >= 0)
		close(fd);
	return written;
}

/* What could not be done, or NULL. */
static const char *renew(const struct wake *w)
{
	const struct timeval now = { .tv_sec = w->now_us / 1000000, .tv_usec = w->now_us % 1000000 };

	if (w->seeded != SEED_BYTES || !w->now_us || !w->host_key_size || !w->client_key[0])
		return "the message is incomplete";
	const char *failed = reseed(w);

	if (failed)
		return failed;
	if (settimeofday(&now, NULL) < 0)
		return "settimeofday";
	if (!replace("/etc/dropbear/host_key", w->host_key, w->host_key_size))
		return "/etc/dropbear/host_key";
	if (!replace("/root/.ssh/authorized_keys", w->client_key, strlen(w->client_key)))
		return "/root/.ssh/authorized_keys";
	return NULL;
}

static bool raw_line(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) < 0)
		return false;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL;
	return tcsetattr(fd, TCSANOW, &t) == 0;
}

static void answer(int fd, const char *failed)
{
	char boot[64] = "";
	FILE *f = failed ? NULL : fopen("/proc/sys/kernel/random/boot_id", "re");

	if (f && !fgets(boot, sizeof(boot), f))
		boot[0] = '\0';
	if (f)
		fclose(f);
	if (boot[0])
		dprintf(fd, "awake %s", boot);
	else
		dprintf(fd, "failed %s: %s\n", failed ? failed : "boot_id", strerror(errno));
}

int wake(const char *line_device)
{
	struct wake w = { 0 };
	char line[MAX_WAKE_LINE];
	int fd = open(line_device, O_RDWR | O_NOCTTY | O_CLOEXEC);
	FILE *in = fd < 0 ? NULL : fdopen(fd, "r");

	if (!in || !raw_line(fd)) {
		fprintf(stderr, "frostbite: %s: %s\n", line_device, strerror(errno));
		return 71;
	}
	printf("asleep\n");
	fflush(stdout);
	while (fgets(line, sizeof(line), in) && line[0] != '\n') {
		line[strcspn(line, "\n")] = '\0';
		take(&w, line);
	}
	const char *failed = renew(&w);

	answer(fd, failed);
	return failed ? 71 : 0;
}
