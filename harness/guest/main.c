#define _GNU_SOURCE
#include "frostbite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void list_one(const struct workload *w, bool first)
{
	static const char *const gaps[] = { [GAP_ANY] = "any", [GAP_BARE] = "bare", [GAP_NEVER] = "never" };
	const struct parameter *p;

	printf("%s\n  {\"name\":\"%s\",\"summary\":\"%s\",\"startGap\":\"%s\",\"parameters\":{", first ? "" : ",", w->name,
	       w->summary, gaps[w->gap]);
	for (unsigned i = 0; (p = parameter_of(w, i)); i++)
		printf("%s\"%s\":[%u,%u,%u]", i ? "," : "", p->name, p->own, p->min, p->max);
	printf("}}");
}

static int list(void)
{
	printf("[");
	for (const struct workload *const *w = workloads; *w; w++)
		list_one(*w, w == workloads);
	printf("\n]\n");
	return 0;
}

static int reenter(const char *name, const char *slot)
{
	const struct workload *w = workload_find(name);

	if (!w || !w->reentry)
		return 64;
	shared_attach();
	w->reentry((unsigned)atoi(slot));
	return 70;
}

/* In this order, since each step unblocks the next. */
static int clean(void)
{
	struct hierarchies h;

	find_hierarchies(&h);
	/* a reader of a suspended device waits for its resume, one of a throttled device for the end of its limit */
	dm_resume_all();
	int settings = settings_clean_all();
	/* processes hold mounts and devices until they are thawed and killed */
	int groups = group_clean_all(&h), devices = dm_remove_all(), mounts = mounts_clean_all();

	/* except an NFS client: only the end of its mount frees it */
	groups += group_clean_all(&h);
	printf("wrote %d settings back; removed %d groups, %d mounts and %d other things\n", settings, groups, mounts,
	       devices + leftovers_clean_all());
	return 0;
}

int main(int argc, char **argv)
{
	/* what the exec storms run: it must end at once */
	if (argc == 2 && !strcmp(argv[1], "exit"))
		return 0;
	/* the kernel's name for the first program of an initramfs */
	if (getpid() == 1 && !strcmp(argv[0], "/init"))
		return init_first();
	if (getpid() == 1 && argc == 2 && !strcmp(argv[1], "start"))
		return init_start();
	if (argc == 4 && !strcmp(argv[1], "workload"))
		return reenter(argv[2], argv[3]);
	if (argc == 3 && !strcmp(argv[1], "contain"))
		return contain(argv[2]);
	if (argc == 3 && !strcmp(argv[1], "coredump")) {
		coredump_handler(argv[2]);
		return 0;
	}
	if (argc == 2 && !strcmp(argv[1], "serve"))
		return serve(false);
	if (argc == 3 && !strcmp(argv[1], "serve") && !strcmp(argv[2], "ours"))
		return serve(true);
	if (argc == 2 && !strcmp(argv[1], "list"))
		return list();
	if (argc == 2 && !strcmp(argv[1], "clean"))
		return clean();
	fprintf(stderr, "frostbite %s\n"
			"usage: frostbite serve   run the trials that standard input describes\n"
			"       frostbite list    name the workloads\n"
			"       frostbite clean   write settings back; thaw, kill and remove left-over groups; unmount\n", FROSTBITE_VERSION);
	return 64;
}
