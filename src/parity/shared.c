// What both logs share: names of calls, with what the tables say about them, and threads by what they are.
#include <stdlib.h>
#include <string.h>

#include "parity/parity.h"
#include "parity/record.h"
#include "trace/buffer.h"

// Calls that give memory back: argument with the address. Allocators follow from the types in exports/*.def.
static const struct {
    const char *name;
    uint8_t argument;
} frees[] = {
    {"MmFreePhysicalMemory", 1}, {"NtFreeVirtualMemory", 0}, {"ExFreePool", 0}, {"MmDeleteKernelStack", 1}, {"RtlFreeHeap", 2},
    {"RtlDestroyHeap", 0}, {"XamFree", 0}, {"XMemFree", 0}, {"LocalFree", 0}, {"DmFreePool", 0}, {"MmUnmapIoSpace", 0},
};

// Calls that signal the object of their first argument; argument with the number of signals, -1: one. A mutant is no signal: who
// takes it first waits for nobody.
static const struct {
    const char *name;
    int count_argument;
} signallers[] = {
    {"KeSetEvent", -1}, {"NtSetEvent", -1}, {"KePulseEvent", -1}, {"NtPulseEvent", -1}, {"KeReleaseSemaphore", 2}, {"NtReleaseSemaphore", 1},
    {"NtSignalAndWaitForSingleObjectEx", -1}, {"KeSetEventBoostPriority", -1},
};

// The exceptions by name in rules.def.
static const struct {
    const char *name, *field;
    enum par_rule rule;
} masks[] = {
#define MASK(call, field, rule) {call, field, PAR_RULE_##rule},
#include "parity/rules.def"
#undef MASK
};

static void learn_masks(struct par_call_name *n)
{
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++) {
        if (strcmp(masks[i].name, n->text) != 0)
            continue;
        if (masks[i].field[0] == '*') {
            n->behind_mask = (uint8_t)(masks[i].rule + 1);
            n->behind_arg = (uint8_t)atoi(masks[i].field + 4);
        } else {
            n->result_mask = (uint8_t)(masks[i].rule + 1);
        }
    }
    if (n->row && !n->row->variable && n->row->result == EXP_TIME)
        n->result_mask = PAR_RULE_TIME + 1;
}

static void learn(struct par_call_name *n)
{
    for (int module = 0; module < EXP_MODULE_COUNT && !n->row; module++)
        n->row = exp_find_name((enum exp_module)module, n->text);
    n->waits = strstr(n->text, "WaitFor") != NULL;
    for (size_t i = 0; i < sizeof signallers / sizeof *signallers; i++)
        if (!strcmp(signallers[i].name, n->text)) {
            n->signals = true;
            n->count_arg = (uint8_t)(signallers[i].count_argument + 1);
        }
    for (size_t i = 0; i < sizeof frees / sizeof *frees; i++)
        if (!strcmp(frees[i].name, n->text))
            n->free_arg = (uint8_t)(frees[i].argument + 1);
    learn_masks(n);
    if (!n->row || n->row->variable)
        return;
    int address = -1;
    for (unsigned i = 0; i < n->row->arg_count; i++) {
        if (n->row->args[i].type == EXP_SIZE)
            n->size_arg = (uint8_t)(i + 1);
        if (n->row->args[i].type == EXP_P_ADDRESS && address < 0)
            address = (int)i;
    }
    if (n->row->result == EXP_ADDRESS && n->size_arg)
        n->allocator = PAR_ALLOCATES_RESULT;
    if (!strcmp(n->text, "NtAllocateVirtualMemory") || (address >= 0 && n->size_arg && strstr(n->text, "Alloc")))
        n->allocator = PAR_ALLOCATES_BEHIND;
}

static bool grow_names(struct par_shared *s)
{
    size_t count = s->name_slot_count ? s->name_slot_count * 2 : 2048;
    uint32_t *slots = calloc(count, sizeof *slots);
    if (!slots)
        return false;
    for (size_t i = 0; i < s->name_count; i++) {
        size_t at = s->names[i].hash & (count - 1);
        while (slots[at])
            at = (at + 1) & (count - 1);
        slots[at] = (uint32_t)i + 1;
    }
    free(s->name_slots);
    s->name_slots = slots;
    s->name_slot_count = count;
    return true;
}

uint32_t par_shared_name(struct par_shared *s, const char *name)
{
    if (s->name_count * 2 >= s->name_slot_count && !grow_names(s))
        return UINT32_MAX;
    uint64_t hash = trace_fnv1a(name, strlen(name));
    size_t at = hash & (s->name_slot_count - 1);
    for (; s->name_slots[at]; at = (at + 1) & (s->name_slot_count - 1))
        if (s->names[s->name_slots[at] - 1].hash == hash && !strcmp(s->names[s->name_slots[at] - 1].text, name))
            return s->name_slots[at] - 1;
    if (s->name_count == s->name_capacity) {
        size_t capacity = s->name_capacity ? s->name_capacity * 2 : 256;
        struct par_call_name *grown = realloc(s->names, capacity * sizeof *grown);
        if (!grown)
            return UINT32_MAX;
        s->names = grown;
        s->name_capacity = capacity;
    }
    struct par_call_name *n = &s->names[s->name_count];
    *n = (struct par_call_name){.text = strdup(name), .hash = hash};
    if (!n->text)
        return UINT32_MAX;
    learn(n);
    s->name_slots[at] = (uint32_t)++s->name_count;
    return (uint32_t)s->name_count - 1;
}

uint16_t par_shared_slot(struct par_shared *s, const struct par_slot *wanted)
{
    for (size_t i = 0; i < s->slot_count; i++)
        if (s->slots[i].key == wanted->key)
            return (uint16_t)i;
    if (s->slot_count == PAR_NO_SLOT)
        return PAR_NO_SLOT;
    if (s->slot_count == s->slot_capacity) {
        size_t capacity = s->slot_capacity ? s->slot_capacity * 2 : 32;
        struct par_slot *grown = realloc(s->slots, capacity * sizeof *grown);
        if (!grown)
            return PAR_NO_SLOT;
        s->slots = grown;
        s->slot_capacity = capacity;
    }
    s->slots[s->slot_count] = *wanted;
    return (uint16_t)s->slot_count++;
}

void par_shared_free(struct par_shared *s)
{
    for (size_t i = 0; i < s->name_count; i++)
        free(s->names[i].text);
    free(s->names);
    free(s->name_slots);
    free(s->slots);
    *s = (struct par_shared){0};
}
