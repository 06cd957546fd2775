// Names and words of classes and rules, expanded from their tables.
#include <string.h>

#include "parity/parity.h"

static const struct {
    const char *name, *meaning, *next;
} classes[] = {
#define CLASS(id, name, meaning, next) {name, meaning, next},
#include "parity/classes.def"
#undef CLASS
};

static const struct {
    const char *name, *does, *why;
} rules[] = {
#define RULE(id, name, does, why) {name, does, why},
#include "parity/rules.def"
#undef RULE
};

const char *par_class_name(enum par_class c)
{
    return c < PAR_CLASS_COUNT ? classes[c].name : "none";
}

const char *par_class_meaning(enum par_class c)
{
    return c < PAR_CLASS_COUNT ? classes[c].meaning : "";
}

const char *par_class_next(enum par_class c)
{
    return c < PAR_CLASS_COUNT ? classes[c].next : "";
}

const char *par_rule_name(enum par_rule r)
{
    return r < PAR_RULE_COUNT ? rules[r].name : "none";
}

const char *par_rule_does(enum par_rule r)
{
    return r < PAR_RULE_COUNT ? rules[r].does : "";
}

const char *par_rule_why(enum par_rule r)
{
    return r < PAR_RULE_COUNT ? rules[r].why : "";
}

bool par_rule_by_name(const char *name, enum par_rule *out)
{
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++)
        if (!strcmp(rules[i].name, name)) {
            *out = (enum par_rule)i;
            return true;
        }
    return false;
}
