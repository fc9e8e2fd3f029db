#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/serial.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>
#include <termios.h>
#include <unistd.h>

/*
 * Gives each clone of a saved machine its own random numbers, clock and SSH keys. PID 1 waits for messages on
 * the second serial line: key=value lines, ended by an empty one (harness/lab/qemu/template/wake.ts). A template
 * is told to settle, and is then saved; a clone is told its own values. The answer is the clone's boot id, which
 * nobody has read before: the kernel draws it now.
 *
 * All of this runs in each clone, as code that its emulator has not seen before: few functions, none of libc's
 * large ones.
 */

#define LINE "/dev/ttyS1"
/* By then the kernel has done what it does some time after boot and after a connection, so clones need not. */
#define SETTLE_US 2000000

#define MAX_WAKE_LINE 1024

struct wake {
	unsigned char seed[SEED_BYTES];
	size_t seeded;
	long long now_us;
	unsigned char host_key[256];
	size_t host_key_size;
	char client_key[MAX_WAKE_LINE];
	bool settles;
};

static int from_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The bytes of a hexadecimal text; 0 when it is not hexadecimal, or longer than `size`. */
static size_t from_hex(const char *text, unsigned char *bytes, size_t size)
{
	size_t n = strlen(text) / 2;

	if (strlen(text) % 2 || n > size)
		return 0;
	for (size_t i = 0; i < n; i++) {
		int high = from_digit(text[2 * i]), low = from_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		bytes[i] = (unsigned char)(high << 4 | low);
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
	else if (!strncmp(line, "settle=", 7))
		w->settles = true;
}

static bool replace(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool written = fd >= 0 && write(fd, data, size) == (ssize_t)size;

	if (fd >= 0)
		close(fd);
	return written;
}

/* NULL, or what could not be done. */
static const char *renew(const struct wake *w)
{
	const struct timeval now = { .tv_sec = w->now_us / 1000000, .tv_usec = w->now_us % 1000000 };

	if (w->seeded != SEED_BYTES || !w->now_us || !w->host_key_size || !w->client_key[0])
		return "the message is incomplete";
	const char *failed = entropy_reseed(w->seed);

	if (failed)
		return failed;
	if (settimeofday(&now, NULL) < 0)
		return "settimeofday";
	if (!replace(HOST_KEY, w->host_key, w->host_key_size))
		return HOST_KEY;
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
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	char text[128] = "awake ";
	int boot = failed ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = boot < 0 ? -1 : read(boot, text + 6, sizeof(text) - 6);

	if (n < 0)
		n = snprintf(text, sizeof(text), "failed %s: %s\n", failed ? failed : path, strerror(errno));
	else
		n += 6;
	if (boot >= 0)
		close(boot);
	/* on failure the listener times out */
	if (write(fd, text, (size_t)n) < 0)
		return;
}

int line_open(void)
{
	struct serial_struct port;
	int fd = open(LINE, O_RDWR | O_NOCTTY | O_CLOEXEC);

	/* the name may exist without a serial line */
	if (fd >= 0 && (ioctl(fd, TIOCGSERIAL, &port) < 0 || port.type == PORT_UNKNOWN || !raw_line(fd))) {
		close(fd);
		return -1;
	}
	return fd;
}

bool line_read(int fd)
{
	static char text[2 * MAX_WAKE_LINE];
	size_t length = 0;

	while (length < 2 || text[length - 1] != '\n' || text[length - 2] != '\n') {
		ssize_t n = read(fd, text + length, sizeof(text) - length);

		/* also when the buffer is full: no message is that long */
		if (n <= 0)
			return false;
		length += (size_t)n;
	}
	struct wake w = { 0 };

	for (char *line = text, *end; (end = memchr(line, '\n', (size_t)(text + length - line))); line = end + 1) {
		*end = '\0';
		take(&w, line);
	}
	if (!w.settles) {
		answer(fd, renew(&w));
		return true;
	}
	sleep_us(SETTLE_US);
	return write(fd, "asleep\n", 7) == 7;
}
