// format.h: the console's printf over guest memory: one formatter for bytes and for UTF-16. Private to kernel/.
#pragma once
#include "kernel/call.h"

// Where arguments come from: registers and stack of the call, or a va_list in guest memory (8 bytes a slot).
struct format_arguments {
    struct krnl_call *c;
    bool list;
    gva at; // next slot of the list
};

// What was formatted: UTF-16 units, one a character in byte formats too. The caller frees `units`.
struct format_text {
    uint16_t *units;
    uint32_t count, capacity;
    bool no_memory; // why it failed: the host's
    bool failed; // out of host memory, too long, or a format that memory ends in
};

// `wide`: the format is UTF-16. False where nothing can be shown (text->failed).
bool krnl_format(struct format_text *text, gva format, bool wide, struct format_arguments *arguments);
