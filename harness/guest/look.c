#define _GNU_SOURCE
#include "frostbite.h"

#include <poll.h>
#include <unistd.h>

#define LOOKS 2
#define LOOK_US 100000

/* For a group that did not freeze: reports what blocks it, now and a moment later, to show whether anything moves. */
void look_on(struct trial *t)
{
	for (int i = 0; i < LOOKS; i++) {
		find_blockers(t, 0);
		emit_begin();
		emit("{\"ev\":\"look\",\"trial\":%d,\"us\":%d,\"blockers\":", t->request->trial, i * LOOK_US);
		emit_blockers();
		emit("}");
		if (!emit_end())
			atomic_store(&stop_asked, 1);
		sleep_us(LOOK_US);
	}
}

/* Lets someone look at the group: does nothing until more input, or its end, arrives. */
void keep_group(const struct trial *t, bool frozen)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };

	atomic_store(&shared->phase, PHASE_KEPT);
	emit_begin();
	emit("{\"ev\":\"kept\",\"trial\":%d,\"frozen\":%s,\"group\":", t->request->trial, frozen ? "true" : "false");
	emit_string(t->group.path);
	emit("}");
	if (!emit_end())
		atomic_store(&stop_asked, 1);
	while (!atomic_load(&stop_asked) && poll(&input, 1, 500) <= 0)
		;
}
