// Records and values as people read them.
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"
#include "parity/diff.h"
#include "trace/schema.h"

static const struct {
    uint32_t status;
    const char *name;
} statuses[] = {
    {0x00000000, "STATUS_SUCCESS"},          {0x00000101, "STATUS_ALERTED"},           {0x00000102, "STATUS_TIMEOUT"},
    {0x00000103, "STATUS_PENDING"},          {0x000000C0, "STATUS_USER_APC"},          {0x80000005, "STATUS_BUFFER_OVERFLOW"},
    {0x80000006, "STATUS_NO_MORE_FILES"},    {0xC0000001, "STATUS_UNSUCCESSFUL"},      {0xC0000002, "STATUS_NOT_IMPLEMENTED"},
    {0xC0000008, "STATUS_INVALID_HANDLE"},   {0xC000000D, "STATUS_INVALID_PARAMETER"}, {0xC000000F, "STATUS_NO_SUCH_FILE"},
    {0xC0000011, "STATUS_END_OF_FILE"},      {0xC0000017, "STATUS_NO_MEMORY"},         {0xC0000022, "STATUS_ACCESS_DENIED"},
    {0xC0000023, "STATUS_BUFFER_TOO_SMALL"}, {0xC0000024, "STATUS_OBJECT_TYPE_MISMATCH"},
    {0xC0000034, "STATUS_OBJECT_NAME_NOT_FOUND"}, {0xC0000035, "STATUS_OBJECT_NAME_COLLISION"},
    {0xC000003A, "STATUS_OBJECT_PATH_NOT_FOUND"}, {0xC00000BB, "STATUS_NOT_SUPPORTED"}, {0xC0000225, "STATUS_NOT_FOUND"},
};

const char *par_status_name(uint32_t status)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].status == status)
            return statuses[i].name;
    return NULL;
}

char *par_format(const char *format, ...)
{
    va_list args;
    char *text = NULL;
    va_start(args, format);
    if (vasprintf(&text, format, args) < 0)
        text = NULL;
    va_end(args);
    return text;
}

static const char *thread_name(const struct par_diff *d, uint16_t slot, char *out, size_t size)
{
    const struct par_slot *s = slot < d->shared.slot_count ? &d->shared.slots[slot] : NULL;
    const struct par_row *row = s ? par_log_row(&d->a, slot) : NULL;
    if (!row && s)
        row = par_log_row(&d->b, slot);
    if (s && s->is_main)
        snprintf(out, size, "main");
    else if (row)
        snprintf(out, size, "t%" PRIu32, row->tid);
    else
        snprintf(out, size, "boot");
    return out;
}

static const char *name_text(const struct par_diff *d, uint32_t name)
{
    return name < d->shared.name_count ? d->shared.names[name].text : "?";
}

char *par_show_value(const struct par_diff *d, const struct par_record *r, const struct par_value *v, enum exp_type type)
{
    char thread[24];
    uint32_t low = (uint32_t)v->raw;
    (void)r;
    switch (v->meaning) {
    case PAR_HANDLE: {
        const char *object = trace_object_type_name(v->name);
        if (v->lazy)
            return par_format("0x%08" PRIx32 " (%s of a guest object)", low, object ? object : "handle");
        return par_format("0x%08" PRIx32 " (%s#%s.%" PRIu32 ")", low, v->name && object ? object : "handle",
                          thread_name(d, v->thread, thread, sizeof thread), v->ordinal + 1);
    }
    case PAR_ALLOCATED: {
        const struct mem_region *region = mem_region_of(low);
        return par_format("0x%08" PRIx32 " (%s#%s.%" PRIu32 "+0x%" PRIx32 ", %s)", low, name_text(d, v->name),
                          thread_name(d, v->thread, thread, sizeof thread), v->ordinal + 1, v->offset, region ? region->name : "no region");
    }
    case PAR_BUS:
        return par_format("0x%08" PRIx32 " (bus address of %s#%s.%" PRIu32 "+0x%" PRIx32 ")", low, name_text(d, v->name),
                          thread_name(d, v->thread, thread, sizeof thread), v->ordinal + 1, v->offset);
    case PAR_STACK:
        return par_format("0x%08" PRIx32 " (stack of %s, 0x%" PRIx32 " below its top)", low, thread_name(d, v->thread, thread, sizeof thread), v->offset);
    case PAR_KTHREAD:
    case PAR_PCR:
        return par_format("0x%08" PRIx32 " (%s of %s+0x%" PRIx32 ")", low, v->meaning == PAR_PCR ? "KPCR" : "KTHREAD",
                          thread_name(d, v->thread, thread, sizeof thread), v->offset);
    case PAR_TID:
        return par_format("%" PRIu32 " (thread %s)", low, thread_name(d, v->thread, thread, sizeof thread));
    default:
        break;
    }
    if ((type == EXP_STATUS || type == EXP_ERROR) && par_status_name(low) && type == EXP_STATUS)
        return par_format("0x%08" PRIx32 " (%s)", low, par_status_name(low));
    const struct mem_region *region = exp_type_is_pointer(type) || type == EXP_ADDRESS ? mem_region_of(low) : NULL;
    if (region && low)
        return par_format("0x%08" PRIx32 " (%s)", low, region->name);
    return v->raw > UINT32_MAX ? par_format("0x%016" PRIx64, v->raw) : par_format("0x%" PRIx64, v->raw);
}

static void append(char *out, size_t size, size_t *used, const char *format, ...) __attribute__((format(printf, 4, 5)));

static void append(char *out, size_t size, size_t *used, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out + *used, size - *used, format, args);
    va_end(args);
    if (n > 0)
        *used = *used + (size_t)n < size ? *used + (size_t)n : size - 1;
}

static void append_value(const struct par_diff *d, char *out, size_t size, size_t *used, const struct par_value *v)
{
    char thread[24];
    const char *object = v->meaning == PAR_HANDLE && v->name ? trace_object_type_name(v->name) : NULL;
    if (v->meaning == PAR_HANDLE && !v->lazy)
        append(out, size, used, "%s#%s.%" PRIu32, object ? object : "handle", thread_name(d, v->thread, thread, sizeof thread), v->ordinal + 1);
    else if (v->raw == (uint64_t)(int64_t)(int32_t)v->raw || v->raw <= UINT32_MAX)
        append(out, size, used, "0x%" PRIx32, (uint32_t)v->raw);
    else
        append(out, size, used, "0x%" PRIx64, v->raw);
}

char *par_show_record(const struct par_diff *d, const struct par_record *r, bool ours)
{
    char out[1600];
    size_t used = 0;
    const struct exp_row *row = d->shared.names[r->call].row;
    (void)ours;
    append(out, sizeof out, &used, "%s(", name_text(d, r->call));
    for (unsigned i = 0; i < r->arg_count; i++) {
        bool named = row && i < row->arg_count && row->args[i].name;
        append(out, sizeof out, &used, "%s%s%s", i ? ", " : "", named ? row->args[i].name : "", named ? "=" : "");
        append_value(d, out, sizeof out, &used, &par_args_of(r)[i]);
        if (r->text_hash && r->text_arg == i)
            append(out, sizeof out, &used, " \"%.*s\"", (int)r->text_length, par_text_of(r));
    }
    if (!(r->flags & PAR_HAS_ARGS))
        append(out, sizeof out, &used, "?");
    append(out, sizeof out, &used, ")");
    if (!(r->flags & PAR_RETURNED))
        append(out, sizeof out, &used, " does not come back");
    else if (r->flags & PAR_HAS_RESULT && !(r->flags & PAR_IS_VOID)) {
        append(out, sizeof out, &used, " = ");
        append_value(d, out, sizeof out, &used, par_result_of(r));
    }
    for (unsigned i = 0; i < r->pair_count; i++) {
        append(out, sizeof out, &used, "%s*%u=", i ? ", " : " {", r->pair_args[i]);
        append_value(d, out, sizeof out, &used, &par_pairs_of(r)[i]);
    }
    if (r->pair_count)
        append(out, sizeof out, &used, "}");
    // What came from the log may be anything: a report is clean text.
    for (size_t i = 0; i < used; i++)
        if ((unsigned char)out[i] < 0x20 || (unsigned char)out[i] > 0x7E)
            out[i] = '?';
    return strndup(out, used);
}
