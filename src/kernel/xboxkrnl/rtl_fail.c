// Calls by which a title says that it cannot go on; the limits of its stack.
#include <stdlib.h>

#include "kernel/api.h"
#include "kernel/state.h"
#include "kernel/xboxkrnl/format.h"

void RtlAssert(struct krnl_call *c, uint32_t assertion, uint32_t file, uint32_t line, uint32_t message)
{
    char what[128] = "", where[128] = "", why[128] = "";
    mem_get_string(c->mem, assertion, what, sizeof what);
    mem_get_string(c->mem, file, where, sizeof where);
    if (message)
        mem_get_string(c->mem, message, why, sizeof why);
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "the title's assertion failed: %s (%s:%u) %s", what, where, line, why);
}

void RtlRaiseStatus(struct krnl_call *c, uint32_t status)
{
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "the title raised status 0x%08x from 0x%08x", status,
              (uint32_t)c->cpu->lr);
}

// ---- Handlers of exceptions: none is dispatched here, since raising one ends the run. So a title gets here only by itself.

void RtlUnwind(struct krnl_call *c, uint32_t frame, uint32_t target, uint32_t record, uint32_t result)
{
    (void)frame, (void)record, (void)result;
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "the title unwinds its stack to 0x%08x, from 0x%08x: exceptions are not built", target,
              (uint32_t)c->cpu->lr);
}

uint32_t krnl___C_specific_handler(struct krnl_call *c, uint32_t record, uint32_t frame, uint32_t context, uint32_t dispatcher)
{
    (void)c, (void)record, (void)frame, (void)context, (void)dispatcher;
    return 1; // ExceptionContinueSearch
}

// A message in printf's form, then the end.
void RtlRip(struct krnl_call *c)
{
    struct format_text text = {0};
    struct format_arguments arguments = {.c = c};
    char bytes[256];
    gva format = (uint32_t)krnl_next_argument(c);
    if (format)
        krnl_format(&text, format, false, &arguments);
    unsigned n = 0;
    for (; n < text.count && n < sizeof bytes - 1; n++)
        bytes[n] = text.units[n] >= ' ' ? (char)text.units[n] : ' ';
    bytes[n] = 0;
    free(text.units);
    c->pending = true;
    krnl_stop(c->k, KRNL_STOP_CRASH, c->thread, "the title called RtlRip: %s", bytes);
}

void RtlGetStackLimits(struct krnl_call *c, uint32_t end_ptr, uint32_t base_ptr)
{
    mem_set32(c->mem, end_ptr, c->thread->stack_limit);
    mem_set32(c->mem, base_ptr, c->thread->stack_base);
}
