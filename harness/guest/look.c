#define _GNU_SOURCE
#include "frostbite.h"

#include <poll.h>
#include <unistd.h>

#define LOOKS 2
#define LOOK_US 100000

/* Of a group that did not freeze: what is in the way now, and a moment later, for whoever asks whether it moves. */
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

/* For somebody who wants to look: nothing is done until there is input again, or its end. */
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
