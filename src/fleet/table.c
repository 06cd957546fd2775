// The table function: DuckDB asks for chunks of rows, they are read from the log. One thread reads one log, in its order.
#include <dlfcn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/duckdb.h"
#include "fleet/rows.h"

// One pass over a log. Its names stay until the database closes: results point to them.
struct pass {
    struct pass *next;
    struct fleet_scan *scan;
    struct fleet_rows *rows;
    struct fleet_names names;
    unsigned column_count;
    enum fleet_column columns[FLEET_COLUMN_COUNT];
    char *clean; // room for a text as UTF-8
};

struct fleet_scan {
    const struct duckdb *duck;
    const struct fleet_run *runs;
    size_t count;
    pthread_mutex_t lock; // passes run on DuckDB's threads
    struct pass *passes;
    struct fleet_counts counts;
};

// A callback is given nothing of ours: a function of DuckDB fetches it, and the library (opened RTLD_GLOBAL) that one.
static void *fetch_own(const char *function, void *info)
{
    void *symbol = dlsym(RTLD_DEFAULT, function);
    void *(*get)(void *);
    memcpy(&get, &symbol, sizeof get);
    return get ? get(info) : NULL;
}

static duckdb_logical_type type_of(const struct duckdb *duck, enum fleet_type type)
{
    static const int plain[] = {[FLEET_U8] = DUCKDB_UTINYINT, [FLEET_U32] = DUCKDB_UINTEGER, [FLEET_N32] = DUCKDB_UINTEGER, [FLEET_U64] = DUCKDB_UBIGINT,
                                [FLEET_N64] = DUCKDB_UBIGINT, [FLEET_TEXT_COLUMN] = DUCKDB_VARCHAR, [FLEET_U64S] = DUCKDB_UBIGINT,
                                [FLEET_U8S] = DUCKDB_UTINYINT, [FLEET_TEXTS_COLUMN] = DUCKDB_VARCHAR};
    duckdb_logical_type made = duck->create_logical_type(plain[type]);
    if (type != FLEET_U64S && type != FLEET_U8S && type != FLEET_TEXTS_COLUMN)
        return made;
    duckdb_logical_type list = duck->create_list_type(made);
    duck->destroy_logical_type(&made);
    return list;
}

static void bind(duckdb_bind_info info)
{
    struct fleet_scan *scan = fetch_own("duckdb_bind_get_extra_info", info);
    if (!scan)
        return;
    const struct duckdb *duck = scan->duck;
    for (unsigned i = 0; i < FLEET_COLUMN_COUNT; i++) {
        duckdb_logical_type type = type_of(duck, fleet_columns[i].type);
        duck->bind_add_result_column(info, fleet_columns[i].name, type);
        duck->destroy_logical_type(&type);
    }
    duckdb_value value = duck->bind_get_parameter(info, 0);
    uint64_t number = duck->get_uint64(value);
    duck->destroy_value(&value);
    size_t *run = malloc(sizeof *run);
    if (!run || number >= scan->count) {
        free(run);
        duck->bind_set_error(info, run ? "xenolith_log: no such run" : "xenolith_log: no memory");
        return;
    }
    *run = (size_t)number;
    duck->bind_set_bind_data(info, run, free);
}

// The end of a pass: what it met is kept, its names too, the rest goes.
static void end_pass(void *data)
{
    struct pass *p = data;
    struct fleet_scan *scan = p->scan;
    if (p->rows) {
        pthread_mutex_lock(&scan->lock);
        fleet_rows_count(p->rows, &scan->counts);
        pthread_mutex_unlock(&scan->lock);
    }
    fleet_rows_close(p->rows);
    p->rows = NULL;
    free(p->clean);
    p->clean = NULL;
}

static struct pass *begin_pass(struct fleet_scan *scan, size_t run, struct error *err)
{
    struct pass *p = calloc(1, sizeof *p);
    if (!p) {
        error_set(err, ERR_MEMORY, "no memory to read a log");
        return NULL;
    }
    pthread_mutex_lock(&scan->lock);
    p->scan = scan;
    p->next = scan->passes;
    scan->passes = p;
    pthread_mutex_unlock(&scan->lock);
    p->clean = malloc((size_t)TRACE_MAX_TEXT_BYTES * 3 + 1);
    if (!p->clean)
        error_set(err, ERR_MEMORY, "no memory to read a log");
    return p->clean && fleet_rows_open(&p->rows, &scan->runs[run], &p->names, err) ? p : NULL;
}

static void init(duckdb_init_info info)
{
    struct fleet_scan *scan = fetch_own("duckdb_init_get_extra_info", info);
    if (!scan)
        return;
    const struct duckdb *duck = scan->duck;
    struct error err = {0};
    const size_t *run = duck->init_get_bind_data(info);
    struct pass *p = begin_pass(scan, *run, &err);
    if (!p) {
        duck->init_set_error(info, err.message);
        return;
    }
    uint64_t count = duck->init_get_column_count(info);
    for (uint64_t i = 0; i < count && i < FLEET_COLUMN_COUNT; i++) {
        uint64_t column = duck->init_get_column_index(info, i);
        // For count(*) DuckDB asks for a column that is none.
        p->columns[p->column_count++] = column < FLEET_COLUMN_COUNT ? (enum fleet_column)column : FLEET_COLUMN_COUNT;
    }
    duck->init_set_max_threads(info, 1);
    duck->init_set_init_data(info, p, end_pass);
}

// ---- Filling a chunk

struct filling { // one column of it
    enum fleet_column column;
    duckdb_vector vector, child;
    void *data;          // of the vector, or of the child
    uint64_t *validity;
    struct duckdb_list *lists;
    uint64_t used, room; // of the child
};

static void start_column(const struct duckdb *duck, struct filling *f, duckdb_vector vector)
{
    f->vector = vector;
    f->data = duck->vector_get_data(vector);
    switch (fleet_columns[f->column].type) {
    case FLEET_N64:
    case FLEET_N32:
        duck->vector_ensure_validity_writable(vector);
        f->validity = duck->vector_get_validity(vector);
        break;
    case FLEET_U64S:
    case FLEET_U8S:
    case FLEET_TEXTS_COLUMN:
        f->lists = f->data;
        f->child = duck->list_vector_get_child(vector);
        break;
    default: break;
    }
}

static bool room_for(const struct duckdb *duck, struct filling *f, uint64_t more)
{
    if (f->room && f->used + more <= f->room)
        return true;
    uint64_t wanted = f->room ? f->room * 2 : 8192;
    while (wanted < f->used + more)
        wanted *= 2;
    // The size first: what lies behind it is not copied when the child grows.
    if (duck->list_vector_set_size(f->vector, f->used) || duck->list_vector_reserve(f->vector, wanted))
        return false;
    f->room = wanted;
    f->data = duck->vector_get_data(f->child);
    return true;
}

static bool put_list(struct pass *p, struct filling *f, uint64_t at, const struct fleet_row *row)
{
    const struct duckdb *duck = p->scan->duck;
    const uint64_t *values;
    unsigned count = fleet_row_list(row, f->column, &values);
    f->lists[at] = (struct duckdb_list){f->used, count};
    if (!count)
        return true;
    if (!room_for(duck, f, count))
        return false;
    if (values) {
        memcpy((uint64_t *)f->data + f->used, values, count * sizeof *values);
    } else if (f->column == FLEET_BEHIND_ARGS) {
        memcpy((uint8_t *)f->data + f->used, row->behind_args, count);
    } else {
        for (unsigned i = 0; i < count; i++) {
            size_t length = strnlen(row->texts[i].text, TRACE_MAX_TEXT_BYTES);
            duck->vector_assign_string_element_len(f->child, f->used + i, p->clean, fleet_utf8(p->clean, row->texts[i].text, length));
        }
    }
    f->used += count;
    return true;
}

static void put_text(struct duckdb_text *out, struct fleet_text text)
{
    *out = (struct duckdb_text){.size = text.size};
    if (text.size <= DUCKDB_INLINED) {
        memcpy((char *)out + sizeof out->size, text.data, text.size);
    } else {
        memcpy(out->start, text.data, sizeof out->start);
        out->rest = text.data;
    }
}

static bool put_row(struct pass *p, struct filling *f, uint64_t at, const struct fleet_row *row)
{
    if (f->column == FLEET_COLUMN_COUNT)
        return true;
    uint64_t number = row->numbers[f->column];
    if (f->validity) {
        bool known = row->known >> f->column & 1;
        if (!known)
            f->validity[at / 64] &= ~(UINT64_C(1) << at % 64);
        number = known ? number : 0;
    }
    switch (fleet_columns[f->column].type) {
    case FLEET_U8: ((uint8_t *)f->data)[at] = (uint8_t)number; return true;
    case FLEET_U32:
    case FLEET_N32: ((uint32_t *)f->data)[at] = (uint32_t)number; return true;
    case FLEET_U64:
    case FLEET_N64: ((uint64_t *)f->data)[at] = number; return true;
    case FLEET_TEXT_COLUMN: put_text((struct duckdb_text *)f->data + at, fleet_row_text(row, f->column)); return true;
    default: return put_list(p, f, at, row);
    }
}

static void scan_chunk(duckdb_function_info info, duckdb_data_chunk chunk)
{
    struct pass *p = fetch_own("duckdb_function_get_init_data", info);
    if (!p)
        return;
    const struct duckdb *duck = p->scan->duck;
    struct filling columns[FLEET_COLUMN_COUNT] = {0};
    for (unsigned i = 0; i < p->column_count; i++) {
        columns[i].column = p->columns[i];
        if (p->columns[i] != FLEET_COLUMN_COUNT)
            start_column(duck, &columns[i], duck->data_chunk_get_vector(chunk, i));
    }
    struct fleet_row row;
    uint64_t room = duck->vector_size(), count = 0;
    bool ok = true;
    while (ok && count < room && fleet_rows_next(p->rows, &row)) {
        for (unsigned i = 0; i < p->column_count && ok; i++)
            ok = put_row(p, &columns[i], count, &row);
        count++;
    }
    for (unsigned i = 0; i < p->column_count && ok; i++)
        if (columns[i].lists)
            ok = !duck->list_vector_set_size(columns[i].vector, columns[i].used);
    if (!ok || fleet_rows_failed(p->rows))
        duck->function_set_error(info, "no memory to read a log");
    duck->data_chunk_set_size(chunk, ok ? count : 0);
}

bool fleet_scan_register(struct fleet_scan **out, const struct duckdb *duck, duckdb_connection connection, const struct fleet_run *runs, size_t count,
                         struct error *err)
{
    struct fleet_scan *scan = *out = calloc(1, sizeof *scan);
    if (!scan)
        return error_set(err, ERR_MEMORY, "no memory for queries");
    *scan = (struct fleet_scan){.duck = duck, .runs = runs, .count = count};
    pthread_mutex_init(&scan->lock, NULL);
    duckdb_table_function f = duck->create_table_function();
    duckdb_logical_type number = duck->create_logical_type(DUCKDB_UBIGINT);
    duck->table_function_set_name(f, "xenolith_log");
    duck->table_function_add_parameter(f, number);
    duck->destroy_logical_type(&number);
    duck->table_function_set_extra_info(f, scan, NULL);
    duck->table_function_set_bind(f, bind);
    duck->table_function_set_init(f, init);
    duck->table_function_set_function(f, scan_chunk);
    duck->table_function_supports_projection_pushdown(f, true);
    bool ok = !duck->register_table_function(connection, f);
    duck->destroy_table_function(&f);
    return ok || error_set(err, ERR_UNSUPPORTED, "DuckDB does not take the table function xenolith_log");
}

void fleet_scan_free(struct fleet_scan *scan)
{
    if (!scan)
        return;
    while (scan->passes) {
        struct pass *p = scan->passes;
        scan->passes = p->next;
        fleet_rows_close(p->rows);
        fleet_names_free(&p->names);
        free(p->clean);
        free(p);
    }
    pthread_mutex_destroy(&scan->lock);
    free(scan);
}

struct fleet_counts fleet_scan_counts(const struct fleet_scan *scan)
{
    return scan->counts;
}
