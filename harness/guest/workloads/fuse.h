/* fuse_server.c: a FUSE mount whose server leaves requests unanswered. */
#ifndef FUSE_H
#define FUSE_H

#include "../frostbite.h"

struct fuse_server {
	int fd;
	bool reads;       /* keeps reading after INIT */
	bool opens;       /* answers what an open and a close of its file need ... */
	uint32_t silent;  /* ... except this opcode, which sets counters->served; without `opens`, none is answered */
};

/* The file behind every name below the mount, if the server answers an open. */
#define FUSE_FILE_SIZE (1 << 20)

/* NULL, or what this kernel lacks. */
const char *fuse_needs(void);
/* Mounts at shared->path and starts the server as t->server; false with t->why set. */
bool fuse_mount(struct trial *t, struct fuse_server *server);
/* Ends the server, and with it all waits for it; then unmounts. */
void fuse_release(struct trial *t);

#endif
