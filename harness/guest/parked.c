#define _GNU_SOURCE
#include "task.h"

#include <string.h>

static bool on_stack(const struct task *t, const char *const *names, size_t count)
{
	for (unsigned i = 0; i < t->depth; i++)
		for (size_t j = 0; j < count; j++)
			if (!strcmp(t->stack[i], names[j]))
				return true;
	return false;
}

/* Whether the task sleeps in this function; by wchan where stacks are hidden. */
static bool innermost(const struct task *t, const char *name)
{
	return !strcmp(t->depth ? t->stack[0] : t->wchan, name);
}

/* Where tasks sleep with freezable_schedule(), later TASK_FREEZABLE. */
static const char *const in_place[] = {
	"do_signal_stop", "ptrace_stop", "hrtimer_nanosleep", "futex_wait_queue", "futex_wait_queue_me",
	"futex_do_wait", "do_sigtimedwait", "unix_stream_read_generic", "unix_stream_data_wait", "do_wait",
	"schedule_hrtimeout_range", "schedule_hrtimeout_range_clock",
};
bool task_sleeps_in_place(const struct task *t)
{
	for (size_t i = 0; i < ARRAY_SIZE(in_place); i++)
		if (innermost(t, in_place[i]))
			return true;
	return false;
}

/* wait_for_vfork_done may be inlined into kernel_clone, _do_fork or do_fork; the system call still shows. */
static const char *const vforking[] = {
	"wait_for_vfork_done", "__do_sys_vfork", "__se_sys_vfork", "__x64_sys_vfork", "sys_vfork",
};

bool task_is_vforking(const struct task *t)
{
	return on_stack(t, vforking, ARRAY_SIZE(vforking));
}

/*
 * v1 parks tasks in __refrigerator. From 6.1 on a task frozen where it sleeps leaves S, T or t and shows R
 * (before 6.1.123 and 6.12.8) or D; see TASK_FROZEN in the history of task_index_to_char. v2 parks tasks in
 * do_freezer_trap, inlined into get_signal, which sleeps nowhere else, and counts stopped tasks as frozen
 * (cgroup_enter_frozen in do_signal_stop and ptrace_stop).
 */
bool task_is_parked(const struct task *t, bool v2)
{
	if (v2)
		return innermost(t, "do_freezer_trap") || innermost(t, "get_signal") || t->state == 'T' || t->state == 't';
	if (innermost(t, "__refrigerator"))
		return true;
	return (t->state == 'D' || t->state == 'R') && task_sleeps_in_place(t);
}
