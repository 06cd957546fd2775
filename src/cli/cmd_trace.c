#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "cli/trace_export.h"
#include "cli/trace_fleet.h"
#include "exports/exports.h"
#include "parity/convert.h"
#include "trace/copy.h"
#include "trace/reader.h"

enum { CYCLES_PER_SECOND_IN_10_NS = 32 }; // 3.2 GHz: 32 cycles are 10 ns

struct options {
    const char *file, *kind, *call;
    bool json, has_tid;
    uint64_t tid, from, count;
};

static void usage(FILE *out)
{
    fputs("usage: xenolith trace cat FILE [--tid N] [--from I] [--count N] [--kind K] [--call NAME] [--json]\n"
          "       xenolith trace stat FILE\n"
          "       xenolith trace convert IN OUT [--to binary|schema|bare|text] [--tid N]\n"
          "       xenolith trace export --perfetto|--parquet|--rowbinary OUT LOG...\n"
          "       xenolith trace query SQL LOG...\n\n"
          "Reads an event log: our binary form, or JSON Lines of schema v1 (plain or zstd), or standard input (-).\n"
          "cat   prints one line an event: #index, t<thread>, virtual time, what happened.\n"
          "      --tid N     events of this guest thread only\n"
          "      --from I    start at the event with global index I\n"
          "      --count N   at most N events\n"
          "      --kind K    events of this kind only, such as kernel.call\n"
          "      --call NAME calls and returns of this export only\n"
          "      --json      schema v1 JSON Lines instead\n"
          "stat  counts events by kind, by thread and by call.\n"
          "convert makes another form of a log, by OUT's name (.jsonl schema v1, .bare bare lines, .log .txt text log, else\n"
          "      binary) or --to. IN may be any of these, and .gz or .zst. Bare lines hold one thread: --tid, or the first.\n"
          "export and query have their own --help.\n"
          "A log that is cut off or damaged is read as far as possible, with a note on stderr and exit status 0.\n\n"
          "Example: xenolith trace cat dolphin.xtrace --call NtCreateFile --count 20\n", out);
}

static bool number_option(const char *name, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = text ? strtoull(text, &end, 0) : 0;
    if (text && *text >= '0' && *text <= '9' && !*end && !errno)
        return true;
    fprintf(stderr, "xenolith trace: %s needs a number, not '%s'\n", name, text ? text : "");
    return false;
}

static bool parse_options(struct options *o, int argc, char **argv)
{
    *o = (struct options){.count = UINT64_MAX};
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        const struct {
            const char *name;
            uint64_t *number;
            const char **text;
        } rows[] = {{"--tid", &o->tid, NULL}, {"--from", &o->from, NULL}, {"--count", &o->count, NULL},
                    {"--kind", NULL, &o->kind}, {"--call", NULL, &o->call}};
        size_t row = 0;
        while (row < sizeof rows / sizeof *rows && strcmp(argv[i], rows[row].name) != 0)
            row++;
        if (row < sizeof rows / sizeof *rows) {
            if (rows[row].number && !number_option(argv[i], value, rows[row].number))
                return false;
            if (!value) {
                fprintf(stderr, "xenolith trace: %s needs a value\n", argv[i]);
                return false;
            }
            if (rows[row].text)
                *rows[row].text = value;
            o->has_tid = o->has_tid || row == 0;
            i++;
        } else if (!strcmp(argv[i], "--json")) {
            o->json = true;
        } else if (!o->file && (argv[i][0] != '-' || !argv[i][1])) {
            o->file = argv[i];
        } else {
            fprintf(stderr, "xenolith trace: unexpected '%s'; see `xenolith trace --help`\n", argv[i]);
            return false;
        }
    }
    if (!o->file)
        fputs("xenolith trace: which FILE?\n", stderr);
    return o->file != NULL;
}

static void print_text(const char *text)
{
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < 0x20 || c == 0x7F || c == '"')
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void print_field(const struct trace_reader *r, const struct trace_field *field, const struct trace_record *record, uint64_t value)
{
    const char *type = trace_reader_object_type(r, value);
    switch (field->style) {
    case TRACE_STYLE_SIGNED:
        printf("%" PRId64, (int64_t)value);
        break;
    case TRACE_STYLE_HEX:
        printf("0x%" PRIx64, value);
        break;
    case TRACE_STYLE_HEX8:
        printf("0x%08" PRIx64, value);
        break;
    case TRACE_STYLE_BOOL:
        fputs(value ? "yes" : "no", stdout);
        break;
    case TRACE_STYLE_TYPE:
        if (type)
            fputs(type, stdout);
        else
            printf("%" PRIu64, value);
        break;
    case TRACE_STYLE_MODE:
        fputs(value ? "any" : "all", stdout);
        break;
    case TRACE_STYLE_TIMEOUT:
        if (value == UINT64_MAX)
            fputs("never", stdout);
        else
            printf("%" PRId64 "00ns", (int64_t)value);
        break;
    case TRACE_STYLE_EXPORT:
        if (record->call)
            fputs(record->call->name, stdout);
        else
            printf("export#%" PRIu64, value);
        break;
    default:
        printf("%" PRIu64, value);
        break;
    }
}

static void print_name(const struct trace_record *record)
{
    if (record->call)
        fputs(record->call->name, stdout);
    else
        printf("export#%" PRIu64, record->event.fields[0]);
}

// " {arg0=0x1, arg1=0x2}" from the pairs at fields[from].
static void print_pairs(const struct trace_event *e, unsigned from)
{
    for (unsigned i = from; i + 1 < e->count; i += 2)
        printf("%sarg%" PRIu64 "=0x%" PRIx64, i == from ? " {" : ", ", e->fields[i], e->fields[i + 1]);
    if (from + 1 < e->count)
        putchar('}');
}

// Our own row for an export that a log names, or NULL.
static const struct exp_row *find_row(const struct trace_export *export)
{
    int module = export ? exp_module_by_name(export->module) : -1;
    return module < 0 ? NULL : exp_find_name((enum exp_module)module, export->name);
}

static void print_call(const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    const struct exp_row *row = find_row(record->call);
    unsigned given = e->count ? e->count - 1 : 0;
    unsigned args = record->call && record->call->arg_count < given ? record->call->arg_count : given;
    print_name(record);
    putchar('(');
    for (unsigned i = 0; i < args; i++) {
        bool named = row && i < row->arg_count && row->args[i].name;
        printf("%s%s%s0x%" PRIx64, i ? ", " : "", named ? row->args[i].name : "", named ? "=" : "", e->fields[1 + i]);
        for (unsigned k = 0; k < e->text_count; k++)
            if (e->texts[k].field == i) {
                putchar(' ');
                print_text(e->texts[k].text);
            }
    }
    putchar(')');
    print_pairs(e, 1 + args);
    printf(" from %08x\n", e->where.lr);
}

static void print_return(const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    uint64_t r3 = e->count > 1 ? e->fields[1] : 0;
    if (record->call && record->call->returns_void)
        fputs("  = nothing", stdout);
    else if (r3 == (uint64_t)(int64_t)(int32_t)r3 || r3 <= UINT32_MAX)
        printf("  = 0x%08x", (uint32_t)r3);
    else
        printf("  = 0x%016" PRIx64, r3);
    print_pairs(e, 2);
    fputs(" of ", stdout);
    print_name(record);
    putchar('\n');
}

static void print_other(const struct trace_reader *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    fputs(record->kind->name, stdout);
    for (unsigned i = 0; i < e->count; i++) {
        const struct trace_field *field = trace_kind_field(record->kind, i);
        if (i < 64 && (record->absent >> i & 1))
            continue;
        if (!field) {
            printf(" +%" PRIu64, e->fields[i]);
            continue;
        }
        printf(" %s=", field->name);
        print_field(r, field, record, e->fields[i]);
    }
    for (unsigned i = 0; i < e->text_count; i++) {
        bool named = e->texts[i].field < record->kind->text_count;
        printf(" %s=", named ? record->kind->texts[e->texts[i].field] : "text");
        print_text(e->texts[i].text);
    }
    putchar('\n');
}

static void print_record(const struct trace_reader *r, const struct trace_record *record)
{
    const struct trace_event *e = &record->event;
    uint64_t ns = e->where.cycle / CYCLES_PER_SECOND_IN_10_NS * 10 + e->where.cycle % CYCLES_PER_SECOND_IN_10_NS * 10 / CYCLES_PER_SECOND_IN_10_NS;
    printf("#%" PRIu64 " t%u @%" PRIu64 ".%09" PRIu64 "s ", e->index, e->where.tid, ns / 1000000000, ns % 1000000000);
    if (e->kind == TRACE_CALL)
        print_call(record);
    else if (e->kind == TRACE_RETURN)
        print_return(record);
    else
        print_other(r, record);
}

static void note_damage(const struct trace_reader *r, const char *path)
{
    const struct trace_damage d = trace_reader_damage(r);
    bool binary = trace_reader_summary(r).binary;
    if (d.truncated)
        fprintf(stderr, "xenolith trace: note: %s is cut off (its writer was stopped or still runs); shown up to the last whole %s\n",
                path, binary ? "chunk" : "line");
    if (d.bad_chunks)
        fprintf(stderr, "xenolith trace: note: %s: %" PRIu64 " damaged chunk(s) passed over, the first at byte %" PRIu64
                "; %" PRIu64 " events lost\n", path, d.bad_chunks, d.first_bad, d.lost_events);
    else if (d.lost_events)
        fprintf(stderr, "xenolith trace: note: %s: %" PRIu64 " events lost\n", path, d.lost_events);
    if (d.bad_lines)
        fprintf(stderr, "xenolith trace: note: %s: %" PRIu64 " line(s) passed over that are no event, the first is line %" PRIu64 "\n",
                path, d.bad_lines, d.first_bad);
}

static bool wanted(const struct options *o, const struct trace_record *record)
{
    if (o->has_tid && record->event.where.tid != o->tid)
        return false;
    if (o->kind && strcmp(o->kind, record->kind->name) != 0)
        return false;
    if (o->call)
        return record->call && !record->import && !strcmp(o->call, record->call->name);
    return !record->import || o->kind;
}

static int cat(struct trace_reader *r, const struct options *o)
{
    struct error err = {0};
    struct trace *json = NULL;
    struct trace_record record;
    uint64_t unknown = 0;
    if (o->json && !trace_create_stdout(&json, r, &err)) {
        fprintf(stderr, "xenolith trace: %s\n", err.message);
        return CLI_ERROR;
    }
    trace_reader_seek(r, o->from);
    uint64_t left = o->count;
    struct progress progress;
    progress_begin(&progress);
    if (!isatty(STDOUT_FILENO)) // what is printed there is progress enough
        trace_reader_watch(r, &progress.watch);
    while (left && trace_reader_next(r, &record)) {
        if (!wanted(o, &record))
            continue;
        left--;
        if (!json)
            print_record(r, &record);
        else if (!trace_copy(json, r, &record))
            unknown++;
    }
    progress_end(&progress);
    if (unknown)
        fprintf(stderr, "xenolith trace: note: %" PRIu64 " events of kinds that this build does not know left out\n", unknown);
    if (!trace_close(json, &err) || fflush(stdout) != 0) {
        fprintf(stderr, "xenolith trace: standard output: %s\n", json ? err.message : strerror(errno));
        return CLI_ERROR;
    }
    note_damage(r, o->file);
    return CLI_OK;
}

// A named count; rows are looked up in order, the last one found first.
struct tally {
    char name[128];
    uint64_t count, number;
};

struct tallies {
    struct tally *rows;
    size_t count, capacity, last;
};

static bool tally_is(const struct tally *row, const char *name, uint64_t number)
{
    return name ? !strcmp(row->name, name) : row->number == number;
}

// Counts by name, or by number where there is no name. False without memory.
static bool tally(struct tallies *t, const char *name, uint64_t number)
{
    size_t i = t->last < t->count && tally_is(&t->rows[t->last], name, number) ? t->last : 0;
    while (i < t->count && !tally_is(&t->rows[i], name, number))
        i++;
    if (i == t->capacity) {
        size_t capacity = t->capacity ? t->capacity * 2 : 64;
        struct tally *grown = realloc(t->rows, capacity * sizeof *grown);
        if (!grown)
            return false;
        t->rows = grown;
        t->capacity = capacity;
    }
    if (i == t->count) {
        t->rows[t->count] = (struct tally){.number = number};
        snprintf(t->rows[t->count].name, sizeof t->rows->name, "%s", name ? name : "");
        t->count++;
    }
    t->last = i;
    t->rows[i].count++;
    return true;
}

static int by_count(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    int names = strcmp(x->name, y->name);
    return names ? names : x->number < y->number ? -1 : x->number > y->number;
}

static int by_number(const void *a, const void *b)
{
    const struct tally *x = a, *y = b;
    return x->number < y->number ? -1 : x->number > y->number;
}

static void print_tallies(const char *title, struct tallies *t, bool numbers)
{
    printf("\n%s\n", title);
    if (t->count)
        qsort(t->rows, t->count, sizeof *t->rows, numbers ? by_number : by_count);
    for (size_t i = 0; i < t->count; i++)
        if (numbers)
            printf("%12" PRIu64 "  %" PRIu64 "\n", t->rows[i].count, t->rows[i].number);
        else
            printf("%12" PRIu64 "  %s\n", t->rows[i].count, t->rows[i].name);
    free(t->rows);
}

static int stat(struct trace_reader *r, const struct options *o)
{
    struct tallies kinds = {0}, threads = {0}, calls = {0}, missing = {0};
    struct trace_record record;
    uint64_t events = 0, last_cycle = 0;
    bool ok = true;
    struct progress progress;
    progress_begin(&progress);
    trace_reader_watch(r, &progress.watch);
    while (ok && trace_reader_next(r, &record)) {
        const char *call = record.call ? record.call->name : "export without a name";
        events++;
        last_cycle = record.event.where.cycle > last_cycle ? record.event.where.cycle : last_cycle;
        ok = tally(&kinds, record.kind->name, 0) && tally(&threads, NULL, record.event.where.tid);
        if (ok && record.event.kind == TRACE_CALL)
            ok = tally(&calls, call, 0);
        if (ok && record.event.kind == TRACE_MISSING)
            ok = tally(&missing, call, 0);
    }
    progress_end(&progress);
    const struct trace_summary s = trace_reader_summary(r);
    printf("file      %s (%s, engine %s)\n", o->file, s.binary ? "binary" : "schema v1", *s.engine ? s.engine : "unknown");
    printf("title     %s\n", *s.title ? s.title : "not named");
    for (size_t i = 0; i < s.key_count; i++)
        printf("          %s: %s\n", s.keys[2 * i], s.keys[2 * i + 1]);
    printf("events    %" PRIu64 "\n", events);
    uint64_t ns = last_cycle / CYCLES_PER_SECOND_IN_10_NS * 10;
    printf("duration  %" PRIu64 ".%09" PRIu64 " s of virtual time\n", ns / 1000000000, ns % 1000000000);
    if (!s.file_bytes)
        puts("size      unknown (standard input)");
    else if (!events)
        printf("size      %" PRIu64 " bytes\n", s.file_bytes);
    else
        printf("size      %" PRIu64 " bytes, %.2f an event\n", s.file_bytes, (double)s.file_bytes / (double)events);
    print_tallies("events by kind", &kinds, false);
    print_tallies("events by thread", &threads, true);
    print_tallies("calls", &calls, false);
    print_tallies(missing.count ? "missing exports called" : "no missing export called", &missing, false);
    note_damage(r, o->file);
    if (!ok)
        fputs("xenolith trace: out of memory: counts are incomplete\n", stderr);
    return ok && fflush(stdout) == 0 ? CLI_OK : CLI_ERROR;
}

static bool parse_form(const char *name, enum par_form *out)
{
    static const char *const names[PAR_FORM_COUNT] = {"binary", "schema", "bare", "text"};
    for (unsigned i = 0; name && i < PAR_FORM_COUNT; i++)
        if (!strcmp(names[i], name)) {
            *out = (enum par_form)i;
            return true;
        }
    fprintf(stderr, "xenolith trace: --to is binary, schema, bare or text, not '%s'\n", name ? name : "");
    return false;
}

static int convert(int argc, char **argv)
{
    const char *in = NULL, *out = NULL;
    bool has_form = false;
    enum par_form form = PAR_BINARY;
    uint64_t tid = 0;
    for (int i = 2; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--to")) {
            if (!parse_form(value, &form))
                return CLI_USAGE;
            has_form = true;
            i++;
        } else if (!strcmp(argv[i], "--tid")) {
            if (!number_option("--tid", value, &tid))
                return CLI_USAGE;
            i++;
        } else if (!in && (argv[i][0] != '-' || !argv[i][1])) {
            in = argv[i];
        } else if (!out && (argv[i][0] != '-' || !argv[i][1])) {
            out = argv[i];
        } else {
            fprintf(stderr, "xenolith trace: unexpected '%s'; see `xenolith trace --help`\n", argv[i]);
            return CLI_USAGE;
        }
    }
    if (!in || !out) {
        fputs("xenolith trace: convert needs IN and OUT\n", stderr);
        return CLI_USAGE;
    }
    struct error err = {0};
    struct par_converted done;
    struct progress progress;
    progress_begin(&progress);
    bool ok = par_convert(in, out, has_form ? form : par_form_by_path(out), (uint32_t)tid, &progress.watch, &done, &err);
    progress_end(&progress);
    if (!ok) {
        fprintf(stderr, "xenolith trace: %s\n", err.message);
        return CLI_ERROR;
    }
    if (done.bad)
        fprintf(stderr, "xenolith trace: note: %s: %" PRIu64 " line(s) or chunk(s) passed over, the first at %" PRIu64 "\n", in, done.bad, done.first_bad);
    if (done.truncated)
        fprintf(stderr, "xenolith trace: note: %s is cut off\n", in);
    fprintf(stderr, "%" PRIu64 " events written, %" PRIu64 " have no place in this form\n", done.events, done.left_out);
    return CLI_OK;
}

COMMAND(trace, "show an event log (cat), count what is in it (stat), make another form of it (convert, export), ask it in SQL (query)")
{
    if (argc > 1 && !strcmp(argv[1], "export"))
        return cli_trace_export(argc, argv);
    if (argc > 1 && !strcmp(argv[1], "query"))
        return cli_trace_query(argc, argv);
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help")) {
            usage(stdout);
            return CLI_OK;
        }
    if (argc > 1 && !strcmp(argv[1], "convert"))
        return convert(argc, argv);
    struct options o;
    bool is_cat = argc > 1 && !strcmp(argv[1], "cat");
    if (!is_cat && (argc < 2 || strcmp(argv[1], "stat") != 0)) {
        usage(stderr);
        return CLI_USAGE;
    }
    if (!parse_options(&o, argc, argv))
        return CLI_USAGE;
    struct error err = {0};
    struct trace_reader *r;
    if (!trace_reader_open(&r, o.file, &err)) {
        fprintf(stderr, "xenolith trace: %s\n", err.message);
        return CLI_ERROR;
    }
    int status = is_cat ? cat(r, &o) : stat(r, &o);
    trace_reader_close(r);
    return status;
}
