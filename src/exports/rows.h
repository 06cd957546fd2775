// rows.h: what tools/exports.py makes beside exp_rows. Only exports.c and the generated file see it.
#pragma once
#include "exports/exports.h"

// Indices into exp_rows: by module, then by the bytes of the name.
extern const uint16_t exp_rows_by_name[];
// Where each module starts in exp_rows and in exp_rows_by_name; the last element is exp_row_count.
extern const size_t exp_module_start[EXP_MODULE_COUNT + 1];
