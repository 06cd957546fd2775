// ledger.h: one line of text for each comparison ever made of a title: what git keeps instead of logs.
// Life: par_ledger_read, par_ledger_free. Threads: independent values. Document: docs/parity-ledger.md.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "parity/parity.h"

struct par_ledger_row {
    char date[11];    // "2026-11-24"
    char commit[48];  // "c401b97a1b2c", with "+" behind it where the work tree differed
    char title[48];   // without blanks
    uint64_t matched, total, by_ordinal; // events of the main thread; total: the reference's
    uint64_t events;  // of our log
    unsigned runs;    // of the reference
    uint64_t classes[PAR_CLASS_COUNT];
    char log[33];     // XXH3-128 of our log's file, hexadecimal
};

struct par_ledger {
    struct par_ledger_row *rows; // in file order, which is time
    size_t count;
    uint64_t bad, first_bad;     // lines that are none; line number from 1
};

// A digest of one comparison. `date` and `commit` are the caller's: results do not know them.
bool par_ledger_row_make(struct par_ledger_row *out, const struct par_result *r, const char *title, const char *date, const char *commit,
                         const char *log_path, struct error *err);

// A file that does not exist is an empty ledger.
bool par_ledger_read(struct par_ledger *out, const char *path, struct error *err);
void par_ledger_free(struct par_ledger *l);
bool par_ledger_parse(struct par_ledger_row *out, const char *line);
void par_ledger_print(FILE *out, const struct par_ledger_row *row); // one line
bool par_ledger_append(const char *path, const struct par_ledger_row *row, struct error *err);
// The newest row of a title, or NULL.
const struct par_ledger_row *par_ledger_last(const struct par_ledger *l, const char *title);

// Over time, a title after the other; `title` NULL: all of them.
void par_ledger_draw_text(FILE *out, const struct par_ledger *l, const char *title);
void par_ledger_draw_svg(FILE *out, const struct par_ledger *l, const char *title);
