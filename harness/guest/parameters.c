#define _GNU_SOURCE
#include "request.h"

#include <string.h>

const char *const exec_names[] = { "self", "tiny" };

static const struct parameter load = { "load", 0, 0, MAX_LOAD, NULL, offsetof(struct parameters, load) };

const struct parameter *parameter_of(const struct workload *w, unsigned number)
{
	unsigned own = 0;

	for (const struct parameter *p = w->parameters; p && p->name; p++, own++)
		if (own == number)
			return p;
	return number == own ? &load : NULL;
}

static unsigned *value_of(const struct parameter *p, struct parameters *values)
{
	return (unsigned *)((char *)values + p->at);
}

void parameters_default(const struct workload *w, struct parameters *values)
{
	const struct parameter *p;

	*values = (struct parameters){ 0 };
	for (unsigned i = 0; (p = parameter_of(w, i)); i++)
		*value_of(p, values) = p->own;
}

bool parameter_set(const struct workload *w, struct parameters *values, const char *name, const char *text)
{
	const struct parameter *p;
	unsigned i = 0;
	int64_t value;

	while ((p = parameter_of(w, i)) && strcmp(p->name, name))
		i++;
	if (!p)
		return false;
	if (!(p->words ? read_name(text, p->words, p->max + 1, &value) : read_number(text, p->min, p->max, &value)))
		return false;
	*value_of(p, values) = (unsigned)value;
	return true;
}

void emit_parameters(const struct workload *w, const struct parameters *values)
{
	struct parameters copy = *values;
	const struct parameter *p;

	emit(",\"parameters\":{");
	for (unsigned i = 0; (p = parameter_of(w, i)); i++) {
		emit("%s\"%s\":", i ? "," : "", p->name);
		if (p->words)
			emit_string(p->words[*value_of(p, &copy)]);
		else
			emit("%u", *value_of(p, &copy));
	}
	emit("}");
}
