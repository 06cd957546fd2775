// shadow_case.h: what `run --shadow` says of a difference, for a person and as a test vector of `xenolith exec`.
#pragma once
#include <stdio.h>

#include "cpu/cpu.h"

void shadow_case_explain(FILE *out, const struct cpu_difference *d);
// One line of JSON: the piece's code, its start, and what the interpreter made of it. False: it cannot be written, or the code
// lies too far apart for a vector.
bool shadow_case_write(const char *path, const struct cpu_difference *d);
