// rows.h: a log as a stream of rows. Internal to fleet/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fleet/fleet.h"
#include "trace/trace.h"

enum fleet_column {
#define COLUMN(id, name, type, what) FLEET_##id,
#include "fleet/columns.def"
#undef COLUMN
    FLEET_COLUMN_COUNT
};

enum fleet_type { FLEET_U8, FLEET_U32, FLEET_U64, FLEET_N64, FLEET_N32, FLEET_TEXT_COLUMN, FLEET_U64S, FLEET_U8S, FLEET_TEXTS_COLUMN };

struct fleet_column_info {
    const char *name;
    enum fleet_type type;
};
extern const struct fleet_column_info fleet_columns[FLEET_COLUMN_COUNT];

// A text that lives as long as its fleet_names.
struct fleet_text {
    const char *data;
    uint32_t size;
};

// Texts that come again and again, each kept once.
struct fleet_names {
    struct fleet_text *slots; // open addressing, a power of two
    size_t slot_count, used;
};

// Not NULL-terminated in general; `data` NULL: no memory.
struct fleet_text fleet_name(struct fleet_names *n, const char *text);
void fleet_names_free(struct fleet_names *n);

struct fleet_row {
    uint64_t numbers[FLEET_COLUMN_COUNT]; // columns of numbers; others unused
    uint32_t known;                       // bit of a column that may be NULL: it is not
    struct fleet_text run, title, kind, call;
    unsigned argument_count, behind_count, text_count;
    uint64_t arguments[TRACE_MAX_FIELDS];
    uint64_t behind_values[TRACE_MAX_FIELDS];
    uint8_t behind_args[TRACE_MAX_FIELDS];
    struct trace_text texts[TRACE_MAX_TEXTS]; // any bytes; good until the next row
};

struct fleet_text fleet_row_text(const struct fleet_row *row, enum fleet_column column);
// The numbers of a list column; NULL for behind_args, whose bytes are in the row.
unsigned fleet_row_list(const struct fleet_row *row, enum fleet_column column, const uint64_t **values);

struct fleet_rows;

// `names` must outlive the rows. Closing NULL is allowed.
bool fleet_rows_open(struct fleet_rows **out, const struct fleet_run *run, struct fleet_names *names, struct error *err);
void fleet_rows_close(struct fleet_rows *r);

// False at the end, and when memory ends (`fleet_rows_failed`).
bool fleet_rows_next(struct fleet_rows *r, struct fleet_row *out);
bool fleet_rows_failed(const struct fleet_rows *r);
// Adds what this log is; complete when fleet_rows_next has returned false.
void fleet_rows_count(const struct fleet_rows *r, struct fleet_counts *counts);

// `text` as UTF-8: a copy in `out` (3 bytes of room for each byte), bytes that are none as U+FFFD. Returns its size.
size_t fleet_utf8(char *out, const char *text, size_t size);
