#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/file.h>
#include <unistd.h>

/*
 * A line is never longer than its reader accepts (64 KiB). Its fixed words, numbers and keys take less than RESERVE: 16
 * blockers of 12 functions, 64 states and 64 steps are 6 KiB. Texts get the rest and are truncated to fit.
 */
#define RESERVE 8192
static char line[60 * 1024];
static size_t length;

void emit_begin(void)
{
	length = 0;
}

void emit(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int n = vsnprintf(line + length, sizeof(line) - length, format, args);
	va_end(args);
	if (n > 0)
		length += (size_t)n;
	if (length > sizeof(line) - 2)
		length = sizeof(line) - 2;
}

void emit_string(const char *text)
{
	if (!text) {
		emit("null");
		return;
	}
	emit("\"");
	/* never cut inside an escape: a truncated text is still valid JSON */
	for (const unsigned char *c = (const unsigned char *)text; *c && length < sizeof(line) - RESERVE; c++) {
		if (*c == '"' || *c == '\\')
			emit("\\%c", *c);
		else if (*c < 0x20 || *c >= 0x7f)
			emit("\\u%04x", *c); /* not UTF-8: a comm may hold any bytes */
		else
			emit("%c", *c);
	}
	emit("\"");
}

static bool write_all(const char *from, size_t left)
{
	while (left) {
		ssize_t n = write(STDOUT_FILENO, from, left);

		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0) {
			from += n;
			left -= (size_t)n;
		}
	}
	return true;
}

bool emit_end(void)
{
	line[length++] = '\n';
	/* results exceed PIPE_BUF, so heartbeats could land inside them; the kernel frees a killed holder's flock */
	while (flock(shared_lock_fd(), LOCK_EX) < 0 && errno == EINTR)
		;
	bool ok = write_all(line, length);

	flock(shared_lock_fd(), LOCK_UN);
	return ok;
}
