// The reader and runner of instruction vectors (xenolith exec), with any code: whatever it does, the case ends.
#include <stdio.h>

#include "cpu/cpu.h"
#include "fuzz.h"

enum { FUZZ_BUDGET = 20000 }; // instructions of a case: a fuzzer wants many short ones

static int drop(const char *text)
{
    FUZZ_CHECK(text && *text == '{');
    return 0;
}

#define puts drop
#define cpu_run(cpu, state) ((state)->slice_end = FUZZ_BUDGET, (cpu_run)(cpu, state))
#include "../../src/cli/cmd_exec.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct runner r;
    struct error err = {0};
    if (!r.mem)
        FUZZ_CHECK(start(&r, &err));
    char *text = malloc(size + 1);
    FUZZ_CHECK(text);
    if (size)
        memcpy(text, data, size);
    text[size] = 0;
    for (char *line = text; line < text + size;) {
        char *end = memchr(line, '\n', (size_t)(text + size - line));
        size_t length = end ? (size_t)(end - line) : (size_t)(text + size - line);
        if (strspn(line, " \t\r\n") < length)
            run_line(&r, line, length);
        line += length + 1;
    }
    free(text);
    return 0;
}
