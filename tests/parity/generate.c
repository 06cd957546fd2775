// Writes a log of any length for measuring: generate EVENTS OUT [SKEW]. SKEW changes when things happen, and nothing else.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "trace/trace.h"

static const struct trace_export exports[] = {
    {"xboxkrnl.exe", "KeTlsGetValue", 340, 1, 0, false, false, false},
    {"xboxkrnl.exe", "RtlEnterCriticalSection", 293, 1, 0, true, false, false},
    {"xboxkrnl.exe", "RtlLeaveCriticalSection", 304, 1, 0, true, false, false},
    {"xboxkrnl.exe", "NtReadFile", 240, 8, 0, false, false, false},
};

int main(int argc, char **argv)
{
    struct error err = {0};
    struct trace *t;
    if (argc < 3 || !trace_create(&t, argv[2], exports, sizeof exports / sizeof *exports, NULL, &err)) {
        fprintf(stderr, "usage: generate EVENTS OUT [SKEW]\n%s\n", err.message);
        return 2;
    }
    uint64_t events = strtoull(argv[1], NULL, 10), skew = argc > 3 ? strtoull(argv[3], NULL, 10) : 0, state = 1;
    struct trace_where at = {0, 0, 0, 0};
    trace_emit_fields(t, TRACE_THREAD_CREATE, &at, (uint64_t[18]){6, 0xF8000008, 0x82000100, [12] = 0x70190000, [13] = 0x70150000, [16] = 1, [17] = 1}, 18);
    for (uint64_t i = 0; i + 2 <= events; i += 2) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        unsigned pick = (unsigned)(state >> 33) % 16, call = pick < 8 ? 0 : pick < 11 ? 1 : pick < 14 ? 2 : 3;
        at = (struct trace_where){6, (uint32_t)(i >> 12 & 3), i * (50 + skew), 0x82090000 + 4 * (uint32_t)(state >> 40 & 255)};
        uint64_t fields[9] = {call, call ? 0x82271000 + (state >> 50 & 0xFF0) : state >> 60, 0, 0, 0, 0x7018F000, 0x40010000 + (state >> 44 & 0xFFF0), 0x800, 0};
        trace_emit_fields(t, TRACE_CALL, &at, fields, 1 + exports[call].arg_count);
        at.cycle += 20;
        trace_emit_fields(t, TRACE_RETURN, &at, (uint64_t[]){call, call ? 0 : 0x4000DA10 + (state >> 60)}, 2);
    }
    if (!trace_close(t, &err)) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    return 0;
}
