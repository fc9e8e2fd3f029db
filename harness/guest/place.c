#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Where a trial has its mounts, nodes, pipes and sockets: a folder that is open to this user alone, with a name that nobody
 * knows before. A plain name below /tmp could be taken by somebody else first, with a link to where root would then mount.
 */
static char place[] = PLACE_PREFIX "XXXXXX";
static bool is_made;

bool place_path(char *path, size_t size, const char *name)
{
	if (!is_made && !mkdtemp(place)) {
		int error = errno;

		strcpy(place, PLACE_PREFIX "XXXXXX");
		errno = error;
		return false;
	}
	is_made = true;
	snprintf(path, size, "%s/%s", place, name);
	return true;
}

bool place_has(const char *path)
{
	return is_made && !strncmp(path, place, strlen(place)) && path[strlen(place)] == '/';
}

void place_end(void)
{
	if (is_made)
		rmdir(place);
	is_made = false;
	strcpy(place, PLACE_PREFIX "XXXXXX");
}
