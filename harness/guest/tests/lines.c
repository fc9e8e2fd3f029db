/* A line of the protocol is JSON of bounded length, whatever bytes a log has, and however many. */
#define _GNU_SOURCE
#include "check.h"

#include <string.h>

#define MOST (64 * 1024) /* what its reader accepts */
#define CHUNK 6000       /* of a tool's log */

static char said[2 * MOST], text[300000];

static size_t emit_text(size_t length)
{
	memset(text, '\1', length);
	text[length] = '\0';
	capture_begin();
	emit_begin();
	emit("{\"ev\":\"log\",\"text\":");
	emit_string(text);
	emit(",\"more\":");
	emit_string("\"\\\177\xff");
	emit("}");
	emit_end();
	return capture_end(said, sizeof(said));
}

/* The number of whole escapes between the quotes, if `rest` follows them; 0: something else. */
static size_t escapes(const char *rest)
{
	char *c = said + strlen("{\"ev\":\"log\",\"text\":\"");
	size_t n = 0;

	while (!strncmp(c, "\\u0001", 6))
		c += 6, n++;
	return strcmp(c, rest) ? 0 : n;
}

int main(void)
{
	shared_create();
	size_t n = emit_text(CHUNK);
	check(escapes("\",\"more\":\"\\\"\\\\\\u007f\\u00ff\"}\n") == CHUNK, "a part of a log that is all control characters is there to its end");
	check(n < MOST, "in a line that is read whole");
	n = emit_text(sizeof(text) - 1);
	check(escapes("\",\"more\":\"\"}\n") > CHUNK, "a text without end is cut, at a whole character, and the line goes on behind it");
	check(n < MOST, "and is read whole, too");
	capture_begin();
	emit_begin();
	emit("[");
	for (int i = 0; i < 1000; i++) {
		emit("%s", i ? "," : "");
		emit_string("name of a process");
	}
	emit("]");
	emit_end();
	n = capture_end(said, sizeof(said));
	check(said[0] == '[' && !strcmp(said + n - 3, "\"]\n") && n < MOST, "many texts are a line as well");
	capture_begin();
	emit_begin();
	emit_string(NULL);
	emit_end();
	capture_end(said, sizeof(said));
	check(!strcmp(said, "null\n"), "no text is null");
	shared_end();
	return checks_end();
}
