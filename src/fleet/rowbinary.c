// RowBinary: numbers little-endian, texts and lists with a varint length before, NULL as a byte 1 and nothing behind it.
#include <string.h>

#include "fleet/rows.h"
#include "trace/buffer.h"

static bool put_number(struct trace_buffer *b, uint64_t value, unsigned bytes)
{
    if (!trace_buffer_reserve(b, 8))
        return false;
    for (unsigned i = 0; i < bytes; i++)
        b->data[b->used++] = (uint8_t)(value >> 8 * i);
    return true;
}

static bool put_bytes(struct trace_buffer *b, const char *text, size_t size)
{
    if (!trace_buffer_varint(b, size) || !trace_buffer_reserve(b, size + 1))
        return false;
    memcpy(b->data + b->used, text, size);
    b->used += size;
    return true;
}

static bool put_list(struct trace_buffer *b, const struct fleet_row *row, enum fleet_column column)
{
    const uint64_t *values;
    unsigned count = fleet_row_list(row, column, &values);
    bool ok = trace_buffer_varint(b, count);
    for (unsigned i = 0; i < count && ok; i++)
        ok = values ? put_number(b, values[i], 8) : column == FLEET_TEXTS ? put_bytes(b, row->texts[i].text, strlen(row->texts[i].text))
                                                                         : put_number(b, row->behind_args[i], 1);
    return ok;
}

static bool put_nullable(struct trace_buffer *b, const struct fleet_row *row, enum fleet_column column, unsigned bytes)
{
    bool known = row->known >> column & 1;
    return put_number(b, !known, 1) && (!known || put_number(b, row->numbers[column], bytes));
}

static bool put_column(struct trace_buffer *b, const struct fleet_row *row, enum fleet_column column)
{
    struct fleet_text text;
    switch (fleet_columns[column].type) {
    case FLEET_U8: return put_number(b, row->numbers[column], 1);
    case FLEET_U32: return put_number(b, row->numbers[column], 4);
    case FLEET_U64: return put_number(b, row->numbers[column], 8);
    case FLEET_N64: return put_nullable(b, row, column, 8);
    case FLEET_N32: return put_nullable(b, row, column, 4);
    case FLEET_TEXT_COLUMN:
        text = fleet_row_text(row, column);
        return put_bytes(b, text.data, text.size);
    default: return put_list(b, row, column);
    }
}

static bool write_run(FILE *out, struct fleet_rows *rows, struct trace_buffer *b, const char *path, struct error *err)
{
    struct fleet_row row;
    while (fleet_rows_next(rows, &row)) {
        b->used = 0;
        for (unsigned i = 0; i < FLEET_COLUMN_COUNT; i++)
            if (!put_column(b, &row, i))
                return error_set(err, ERR_MEMORY, "%s: no memory for a row", path);
        if (fwrite(b->data, 1, b->used, out) != b->used)
            return error_set(err, ERR_IO, "rows cannot be written");
    }
    return !fleet_rows_failed(rows) || error_set(err, ERR_MEMORY, "%s: no memory to read it", path);
}

bool fleet_write_rowbinary(FILE *out, const struct fleet_run *runs, size_t count, struct fleet_counts *counts, struct error *err)
{
    struct fleet_names names = {0};
    struct trace_buffer b = {0};
    bool ok = true;
    *counts = (struct fleet_counts){0};
    for (size_t i = 0; i < count && ok; i++) {
        struct fleet_rows *rows;
        if (!fleet_rows_open(&rows, &runs[i], &names, err)) {
            ok = false;
            break;
        }
        ok = write_run(out, rows, &b, runs[i].path, err);
        fleet_rows_count(rows, counts);
        fleet_rows_close(rows);
    }
    trace_buffer_free(&b);
    fleet_names_free(&names);
    return ok;
}

void fleet_print_clickhouse_columns(FILE *out)
{
    static const char *const types[] = {
        [FLEET_U8] = "UInt8", [FLEET_U32] = "UInt32", [FLEET_U64] = "UInt64", [FLEET_N64] = "Nullable(UInt64)", [FLEET_N32] = "Nullable(UInt32)",
        [FLEET_TEXT_COLUMN] = "String", [FLEET_U64S] = "Array(UInt64)", [FLEET_U8S] = "Array(UInt8)", [FLEET_TEXTS_COLUMN] = "Array(String)",
    };
    for (unsigned i = 0; i < FLEET_COLUMN_COUNT; i++)
        fprintf(out, "    %s %s%s\n", fleet_columns[i].name, types[fleet_columns[i].type], i + 1 < FLEET_COLUMN_COUNT ? "," : "");
}
