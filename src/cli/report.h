// report.h: what a run says when a title ends badly.
#pragma once
#include <stdio.h>

#include "kernel/kernel.h"
#include "system/system.h"

// Cause, thread, registers, backtrace. `map`: a linker's map with names, NULL: none. `older`: why the registers are not those of the end
// (sys_find_registers); NULL: they are.
void cli_report(FILE *out, struct sys *s, const struct krnl_result *result, const char *map, const char *older);
// The absent exports that were called, with counts; nothing where there were none.
void cli_report_missing(FILE *out, struct kernel *k);
