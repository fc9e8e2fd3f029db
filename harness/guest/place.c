#define _GNU_SOURCE
#include "frostbite.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * The folder of a trial's mounts, nodes, pipes and sockets: only this user can access it, and nobody can predict its
 * name. A fixed name below /tmp could be taken first, as a link to where root would then mount.
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
