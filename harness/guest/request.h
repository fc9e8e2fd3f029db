#ifndef FROSTBITE_REQUEST_H
#define FROSTBITE_REQUEST_H

#include "frostbite.h"

/* A request is the key=value lines between request_begin and request_end; r->error keeps what is wrong with them. */
void request_begin(struct request *r);
void request_line(struct request *r, char *line);
void request_end(struct request *r);

bool read_number(const char *text, int64_t min, int64_t max, int64_t *value);
bool read_name(const char *text, const char *const *names, size_t count, int64_t *value);
#endif
