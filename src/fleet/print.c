// Results of queries as text, JSON and CSV.
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/duckdb.h"

enum { MAX_COLUMNS = 1000 };

__extension__ typedef __int128 wide_signed; // HUGEINT, which sums of numbers are
__extension__ typedef unsigned __int128 wide_unsigned;

struct printer {
    const struct duckdb *duck;
    FILE *out;
    enum fleet_style style;
};

static bool is_valid(const struct duckdb *duck, duckdb_vector vector, uint64_t i)
{
    const uint64_t *validity = duck->vector_get_validity(vector);
    return !validity || (validity[i / 64] >> i % 64 & 1);
}

static bool is_number(int type)
{
    return (type >= DUCKDB_TINYINT && type <= DUCKDB_DOUBLE) || type == DUCKDB_HUGEINT || type == DUCKDB_UHUGEINT || type == DUCKDB_DECIMAL;
}

// ---- Values

static void put_json_text(FILE *out, const char *text, size_t size)
{
    putc('"', out);
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (c < 0x20 || c == 0x7F)
            fprintf(out, "\\u%04x", c);
        else
            putc(c, out);
    }
    putc('"', out);
}

// A cell of the table for people: no control characters reach a terminal.
static void put_plain_text(FILE *out, const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x20 || c == 0x7F)
            fprintf(out, "\\x%02x", c);
        else
            putc(c, out);
    }
}

static void put_text(const struct printer *p, const struct duckdb_text *text, bool nested)
{
    const char *data = text->size <= DUCKDB_INLINED ? (const char *)text + sizeof text->size : text->rest;
    if (p->style == FLEET_JSON || nested)
        put_json_text(p->out, data, text->size);
    else if (p->style == FLEET_TEXT)
        put_plain_text(p->out, data, text->size);
    else
        fwrite(data, 1, text->size, p->out);
}

static void put_unsigned(FILE *out, wide_unsigned value)
{
    char digits[40];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + (int)(value % 10));
        value /= 10;
    } while (value);
    fwrite(digits + at, 1, sizeof digits - at, out);
}

static void put_signed(FILE *out, wide_signed value)
{
    if (value < 0)
        putc('-', out);
    put_unsigned(out, value < 0 ? -(wide_unsigned)value : (wide_unsigned)value);
}

static wide_signed integer_at(int type, const void *data, uint64_t i)
{
    switch (type) {
    case DUCKDB_TINYINT: return ((const int8_t *)data)[i];
    case DUCKDB_SMALLINT: return ((const int16_t *)data)[i];
    case DUCKDB_INTEGER: return ((const int32_t *)data)[i];
    case DUCKDB_BIGINT: return ((const int64_t *)data)[i];
    case DUCKDB_UTINYINT: return ((const uint8_t *)data)[i];
    case DUCKDB_USMALLINT: return ((const uint16_t *)data)[i];
    case DUCKDB_UINTEGER: return ((const uint32_t *)data)[i];
    case DUCKDB_UBIGINT: return ((const uint64_t *)data)[i];
    default: break;
    }
    wide_signed huge;
    memcpy(&huge, (const char *)data + 16 * i, sizeof huge);
    return huge;
}

static void put_real(const struct printer *p, double value, int digits)
{
    if (p->style == FLEET_JSON && !isfinite(value))
        fputs("null", p->out);
    else
        fprintf(p->out, "%.*g", digits, value);
}

static void put_decimal(const struct printer *p, duckdb_logical_type type, const void *data, uint64_t i)
{
    wide_signed value = integer_at(p->duck->decimal_internal_type(type), data, i);
    wide_unsigned size = value < 0 ? -(wide_unsigned)value : (wide_unsigned)value, unit = 1;
    unsigned scale = p->duck->decimal_scale(type);
    for (unsigned k = 0; k < scale; k++)
        unit *= 10;
    fputs(value < 0 ? "-" : "", p->out);
    put_unsigned(p->out, size / unit);
    if (!scale)
        return;
    putc('.', p->out);
    for (wide_unsigned place = unit / 10, rest = size % unit; place; place /= 10)
        putc('0' + (int)(rest / place % 10), p->out);
}

static void put_value(const struct printer *p, duckdb_vector vector, duckdb_logical_type type, uint64_t i, bool nested);

static void put_list(const struct printer *p, duckdb_vector vector, duckdb_logical_type type, uint64_t i)
{
    const struct duckdb_list list = ((const struct duckdb_list *)p->duck->vector_get_data(vector))[i];
    duckdb_vector child = p->duck->list_vector_get_child(vector);
    duckdb_logical_type element = p->duck->list_type_child_type(type);
    putc('[', p->out);
    for (uint64_t k = 0; k < list.count; k++) {
        fputs(k ? ", " : "", p->out);
        put_value(p, child, element, list.at + k, true);
    }
    putc(']', p->out);
    p->duck->destroy_logical_type(&element);
}

static void put_struct(const struct printer *p, duckdb_vector vector, duckdb_logical_type type, uint64_t i)
{
    uint64_t count = p->duck->struct_type_child_count(type);
    putc('{', p->out);
    for (uint64_t k = 0; k < count; k++) {
        char *name = p->duck->struct_type_child_name(type, k);
        duckdb_logical_type member = p->duck->struct_type_child_type(type, k);
        fputs(k ? ", " : "", p->out);
        put_json_text(p->out, name, strlen(name));
        fputs(": ", p->out);
        put_value(p, p->duck->struct_vector_get_child(vector, k), member, i, true);
        p->duck->destroy_logical_type(&member);
        p->duck->free(name);
    }
    putc('}', p->out);
}

// `nested`: inside of a list or structure, where texts are quoted in every style.
static void put_value(const struct printer *p, duckdb_vector vector, duckdb_logical_type type, uint64_t i, bool nested)
{
    int id = p->duck->get_type_id(type);
    const void *data = p->duck->vector_get_data(vector);
    if (id == DUCKDB_NULL || !is_valid(p->duck, vector, i)) {
        fputs(p->style == FLEET_JSON || nested ? "null" : p->style == FLEET_TEXT ? "-" : "", p->out);
        return;
    }
    switch (id) {
    case DUCKDB_BOOLEAN: fputs(((const bool *)data)[i] ? "true" : "false", p->out); break;
    case DUCKDB_FLOAT: put_real(p, (double)((const float *)data)[i], 9); break;
    case DUCKDB_DOUBLE: put_real(p, ((const double *)data)[i], p->style == FLEET_TEXT ? 6 : 17); break;
    case DUCKDB_DECIMAL: put_decimal(p, type, data, i); break;
    case DUCKDB_VARCHAR: put_text(p, (const struct duckdb_text *)data + i, nested); break;
    case DUCKDB_UHUGEINT: put_unsigned(p->out, (wide_unsigned)integer_at(id, data, i)); break;
    case DUCKDB_LIST: put_list(p, vector, type, i); break;
    case DUCKDB_STRUCT: put_struct(p, vector, type, i); break;
    default: put_signed(p->out, integer_at(id, data, i)); break;
    }
}

static bool can_show(const struct duckdb *duck, duckdb_logical_type type)
{
    int id = duck->get_type_id(type);
    bool ok = is_number(id) || id == DUCKDB_BOOLEAN || id == DUCKDB_VARCHAR || id == DUCKDB_NULL;
    if (id == DUCKDB_LIST) {
        duckdb_logical_type element = duck->list_type_child_type(type);
        ok = can_show(duck, element);
        duck->destroy_logical_type(&element);
    } else if (id == DUCKDB_STRUCT) {
        ok = true;
        for (uint64_t k = 0; k < duck->struct_type_child_count(type) && ok; k++) {
            duckdb_logical_type member = duck->struct_type_child_type(type, k);
            ok = can_show(duck, member);
            duck->destroy_logical_type(&member);
        }
    }
    return ok;
}

// ---- Tables

struct table {
    struct printer printer;
    struct duckdb_result *result;
    uint64_t columns, rows;
    duckdb_logical_type *types;
};

static void put_csv_cell(FILE *out, const char *text, size_t size)
{
    if (!memchr(text, ',', size) && !memchr(text, '"', size) && !memchr(text, '\n', size) && !memchr(text, '\r', size)) {
        fwrite(text, 1, size, out);
        return;
    }
    putc('"', out);
    for (size_t i = 0; i < size; i++) {
        if (text[i] == '"')
            putc('"', out);
        putc(text[i], out);
    }
    putc('"', out);
}

static void put_json_row(struct table *t, duckdb_data_chunk chunk, uint64_t i)
{
    const struct duckdb *duck = t->printer.duck;
    fputs(t->rows ? ",\n{" : "[\n{", t->printer.out);
    for (uint64_t c = 0; c < t->columns; c++) {
        const char *name = duck->column_name(t->result, c);
        fputs(c ? ", " : "", t->printer.out);
        put_json_text(t->printer.out, name, strlen(name));
        fputs(": ", t->printer.out);
        put_value(&t->printer, duck->data_chunk_get_vector(chunk, c), t->types[c], i, false);
    }
    putc('}', t->printer.out);
}

// Cells one after the other, each ended by a zero byte, into the printer's output.
static void put_cells(struct table *t, duckdb_data_chunk chunk, uint64_t i)
{
    for (uint64_t c = 0; c < t->columns; c++) {
        put_value(&t->printer, t->printer.duck->data_chunk_get_vector(chunk, c), t->types[c], i, false);
        putc(0, t->printer.out);
    }
}

static void put_csv_cells(FILE *out, const char *at, uint64_t columns)
{
    for (uint64_t c = 0; c < columns; c++) {
        size_t size = strlen(at);
        fputs(c ? "," : "", out);
        put_csv_cell(out, at, size);
        at += size + 1;
    }
    putc('\n', out);
}

static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text; text++)
        width += (*text & 0xC0) != 0x80;
    return width;
}

// The whole result: widths are known at its end.
static bool put_aligned(const struct table *t, FILE *out, const char *cells)
{
    size_t *widths = calloc(t->columns, sizeof *widths);
    if (!widths)
        return false;
    const char *at = cells;
    for (uint64_t row = 0; row <= t->rows; row++)
        for (uint64_t c = 0; c < t->columns; c++) {
            size_t width = width_of(at);
            widths[c] = width > widths[c] ? width : widths[c];
            at += strlen(at) + 1;
        }
    at = cells;
    for (uint64_t row = 0; row <= t->rows; row++)
        for (uint64_t c = 0; c < t->columns; c++) {
            bool last = c + 1 == t->columns, right = is_number(t->printer.duck->get_type_id(t->types[c]));
            int space = (int)(widths[c] - width_of(at));
            fprintf(out, "%*s%s%*s", right ? space : 0, "", at, right || last ? 0 : space, "");
            fputs(last ? "\n" : "  ", out);
            at += strlen(at) + 1;
        }
    free(widths);
    return true;
}

static bool print_json(struct table *t)
{
    duckdb_data_chunk chunk;
    while ((chunk = t->printer.duck->fetch_chunk(*t->result)) != NULL) {
        uint64_t size = t->printer.duck->data_chunk_get_size(chunk);
        for (uint64_t i = 0; i < size; i++, t->rows++)
            put_json_row(t, chunk, i);
        t->printer.duck->destroy_data_chunk(&chunk);
    }
    fputs(t->rows ? "\n]\n" : "[]\n", t->printer.out);
    return true;
}

// CSV goes out chunk by chunk, text at the end.
static bool print_cells(struct table *t)
{
    const struct duckdb *duck = t->printer.duck;
    FILE *out = t->printer.out;
    char *text = NULL;
    size_t size;
    bool csv = t->printer.style == FLEET_CSV;
    FILE *cells = t->printer.out = open_memstream(&text, &size);
    if (!cells)
        return false;
    for (uint64_t c = 0; c < t->columns; c++)
        fprintf(cells, "%s%c", duck->column_name(t->result, c), 0);
    duckdb_data_chunk chunk;
    bool ok = fflush(cells) == 0;
    if (csv && ok)
        put_csv_cells(out, text, t->columns);
    while (ok && (chunk = duck->fetch_chunk(*t->result)) != NULL) {
        uint64_t count = duck->data_chunk_get_size(chunk);
        for (uint64_t i = 0; i < count && ok; i++, t->rows++) {
            if (csv)
                rewind(cells);
            put_cells(t, chunk, i);
            if (!csv)
                continue;
            ok = fflush(cells) == 0;
            if (ok)
                put_csv_cells(out, text, t->columns);
        }
        duck->destroy_data_chunk(&chunk);
    }
    ok = fclose(cells) == 0 && ok;
    ok = ok && (csv || put_aligned(t, out, text));
    free(text);
    return ok;
}

bool fleet_print_result(const struct duckdb *duck, struct duckdb_result *result, FILE *out, enum fleet_style style, uint64_t *rows, struct error *err)
{
    struct table t = {{duck, out, style}, result, duck->column_count(result), 0, NULL};
    bool ok = true;
    if (rows)
        *rows = 0;
    if (!t.columns)
        return true;
    if (t.columns > MAX_COLUMNS)
        return error_set(err, ERR_LIMIT, "%" PRIu64 " columns; at most %d are shown", t.columns, MAX_COLUMNS);
    t.types = calloc(t.columns, sizeof *t.types);
    if (!t.types)
        return error_set(err, ERR_MEMORY, "no memory for a result");
    for (uint64_t c = 0; c < t.columns; c++) {
        t.types[c] = duck->column_logical_type(result, c);
        if (ok && !can_show(duck, t.types[c]))
            ok = error_set(err, ERR_UNSUPPORTED, "column %s has a type that is not shown: select %s::VARCHAR", duck->column_name(result, c),
                           duck->column_name(result, c));
    }
    if (ok && !(style == FLEET_JSON ? print_json(&t) : print_cells(&t)))
        ok = error_set(err, ERR_MEMORY, "no memory for a result of %" PRIu64 " rows", t.rows);
    for (uint64_t c = 0; c < t.columns; c++)
        duck->destroy_logical_type(&t.types[c]);
    free(t.types);
    if (rows)
        *rows = t.rows;
    return ok;
}
