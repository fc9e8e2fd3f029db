#define _GNU_SOURCE
#include "request.h"

#include <string.h>

const char *const exec_names[] = { "self", "tiny" };

const struct parameter *parameters_of(const struct workload *w)
{
	static const struct parameter none[] = { { 0 } };

	return w->parameters ? w->parameters : none;
}

const struct parameter parameter_load = { "load", 0, 0, 16, NULL };

/* Finds a parameter by its name; every workload has `load`. */
static const struct parameter *find(const struct workload *w, const char *name)
{
	for (const struct parameter *p = parameters_of(w); p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return strcmp(name, parameter_load.name) ? NULL : &parameter_load;
}

static unsigned *place(struct parameters *values, const char *name)
{
	return !strcmp(name, "loops") ? &values->loops : !strcmp(name, "threads") ? &values->threads
	     : !strcmp(name, "exec") ? &values->exec : &values->load;
}

void parameters_default(const struct workload *w, struct parameters *values)
{
	*values = (struct parameters){ .load = parameter_load.own };
	for (const struct parameter *p = parameters_of(w); p->name; p++)
		*place(values, p->name) = p->own;
}

bool parameter_set(const struct workload *w, struct parameters *values, const char *name, const char *text)
{
	const struct parameter *p = find(w, name);
	int64_t value;

	if (!p)
		return false;
	if (!(p->words ? read_name(text, p->words, p->max + 1, &value) : read_number(text, p->min, p->max, &value)))
		return false;
	*place(values, name) = (unsigned)value;
	return true;
}

static void emit_value(const struct parameter *p, unsigned value, bool first)
{
	emit("%s\"%s\":", first ? "" : ",", p->name);
	if (p->words)
		emit_string(p->words[value]);
	else
		emit("%u", value);
}

void emit_parameters(const struct workload *w, const struct parameters *values)
{
	struct parameters copy = *values;
	bool first = true;

	emit(",\"parameters\":{");
	for (const struct parameter *p = parameters_of(w); p->name; p++, first = false)
		emit_value(p, *place(&copy, p->name), first);
	emit_value(&parameter_load, copy.load, first);
	emit("}");
}
