// report.h: what people look at after a comparison: one page that needs no network.
// Threads: none kept; all functions are pure but for the file that they write.
#pragma once
#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "parity/parity.h"

// One self-contained HTML page about `r`: template report.html, data as par_write_json gives them. Its size is bounded by what
// `r` lists (max_listed divergences with their windows), not by the logs. False: out of memory; write errors stay in `out`.
bool par_write_html(FILE *out, const struct par_result *r, struct error *err);
