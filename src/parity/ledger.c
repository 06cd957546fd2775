#include "parity/ledger.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { MAX_LINE = 1024, BAR = 40 };

static const char first_line[] = "# xenolith parity ledger 1: date commit title key=value... (docs/parity-ledger.md)\n";

static bool hash_file(const char *path, char out[33], struct error *err)
{
    FILE *f = fopen(path, "rb");
    if (!f)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    XXH3_state_t *state = XXH3_createState();
    uint8_t buffer[1 << 14];
    size_t n;
    bool ok = state && XXH3_128bits_reset(state) == XXH_OK;
    while (ok && (n = fread(buffer, 1, sizeof buffer, f)) > 0)
        ok = XXH3_128bits_update(state, buffer, n) == XXH_OK;
    ok = ok && !ferror(f);
    if (ok) {
        XXH128_hash_t h = XXH3_128bits_digest(state);
        snprintf(out, 33, "%016" PRIx64 "%016" PRIx64, (uint64_t)h.high64, (uint64_t)h.low64);
    }
    XXH3_freeState(state);
    fclose(f);
    return ok || error_set(err, ERR_IO, "%s: cannot be read", path);
}

// Words of a line have no blanks.
static void copy_word(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text && *text ? text : "-");
    for (; *out; out++)
        if ((unsigned char)*out <= ' ' || *out == '=')
            *out = '_';
}

bool par_ledger_row_make(struct par_ledger_row *out, const struct par_result *r, const char *title, const char *date, const char *commit,
                         const char *log_path, struct error *err)
{
    *out = (struct par_ledger_row){.matched = r->matched_prefix, .by_ordinal = r->matched_by_ordinal};
    copy_word(out->date, sizeof out->date, date);
    copy_word(out->commit, sizeof out->commit, commit);
    copy_word(out->title, sizeof out->title, title);
    if (r->main_thread < r->thread_count)
        out->total = r->threads[r->main_thread].reference_total;
    out->runs = r->input_count ? (unsigned)r->input_count - 1 : 0;
    out->events = r->input_count ? r->inputs[r->input_count - 1].events : 0;
    memcpy(out->classes, r->by_class, sizeof out->classes);
    return hash_file(log_path, out->log, err);
}

// ---- Lines

void par_ledger_print(FILE *out, const struct par_ledger_row *row)
{
    fprintf(out, "%s %s %s matched=%" PRIu64 " total=%" PRIu64 " by_ordinal=%" PRIu64 " events=%" PRIu64 " runs=%u", row->date, row->commit,
            row->title, row->matched, row->total, row->by_ordinal, row->events, row->runs);
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        if (row->classes[i])
            fprintf(out, " %s=%" PRIu64, par_class_name((enum par_class)i), row->classes[i]);
    fprintf(out, " log=%s\n", row->log);
}

static bool take_number(const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno;
}

// Keys that a later version may add are passed over.
static bool take_pair(struct par_ledger_row *out, char *pair)
{
    char *value = strchr(pair, '=');
    uint64_t number = 0;
    if (!value)
        return false;
    *value++ = 0;
    if (!strcmp(pair, "log")) {
        snprintf(out->log, sizeof out->log, "%s", value);
        return true;
    }
    if (!take_number(value, &number))
        return false;
    const struct {
        const char *key;
        uint64_t *to;
    } keys[] = {{"matched", &out->matched}, {"total", &out->total}, {"by_ordinal", &out->by_ordinal}, {"events", &out->events}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!strcmp(pair, keys[i].key))
            *keys[i].to = number;
    if (!strcmp(pair, "runs"))
        out->runs = (unsigned)number;
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        if (!strcmp(pair, par_class_name((enum par_class)i)))
            out->classes[i] = number;
    return true;
}

bool par_ledger_parse(struct par_ledger_row *out, const char *line)
{
    char copy[MAX_LINE];
    size_t length = strcspn(line, "\r\n");
    *out = (struct par_ledger_row){0};
    if (length >= sizeof copy)
        return false;
    memcpy(copy, line, length);
    copy[length] = 0;
    char *rest, *word = strtok_r(copy, " ", &rest);
    struct {
        char *to;
        size_t size;
    } heads[] = {{out->date, sizeof out->date}, {out->commit, sizeof out->commit}, {out->title, sizeof out->title}};
    for (size_t i = 0; i < 3; i++, word = strtok_r(NULL, " ", &rest)) {
        if (!word || strlen(word) >= heads[i].size || strchr(word, '='))
            return false;
        snprintf(heads[i].to, heads[i].size, "%s", word);
    }
    bool matched = false;
    for (; word; word = strtok_r(NULL, " ", &rest)) {
        matched = matched || !strncmp(word, "matched=", 8);
        if (!take_pair(out, word))
            return false;
    }
    return matched;
}

bool par_ledger_read(struct par_ledger *out, const char *path, struct error *err)
{
    *out = (struct par_ledger){0};
    FILE *f = fopen(path, "r");
    if (!f)
        return errno == ENOENT || error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    char *line = NULL;
    size_t room = 0;
    bool ok = true;
    for (uint64_t number = 1; ok && getline(&line, &room, f) >= 0; number++) {
        struct par_ledger_row row;
        if (line[0] == '#' || line[strspn(line, " \t\r\n")] == 0)
            continue;
        if (!par_ledger_parse(&row, line)) {
            out->first_bad = out->bad++ ? out->first_bad : number;
            continue;
        }
        struct par_ledger_row *bigger = realloc(out->rows, (out->count + 1) * sizeof *bigger);
        ok = bigger != NULL;
        if (ok) {
            out->rows = bigger;
            out->rows[out->count++] = row;
        }
    }
    free(line);
    fclose(f);
    if (ok)
        return true;
    par_ledger_free(out);
    return error_set(err, ERR_MEMORY, "out of memory");
}

void par_ledger_free(struct par_ledger *l)
{
    free(l->rows);
    *l = (struct par_ledger){0};
}

bool par_ledger_append(const char *path, const struct par_ledger_row *row, struct error *err)
{
    FILE *f = fopen(path, "a");
    if (!f)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (ftell(f) == 0)
        fputs(first_line, f);
    par_ledger_print(f, row);
    return fclose(f) == 0 || error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

const struct par_ledger_row *par_ledger_last(const struct par_ledger *l, const char *title)
{
    for (size_t i = l->count; i--;)
        if (!strcmp(l->rows[i].title, title))
            return &l->rows[i];
    return NULL;
}

// ---- Pictures

static bool first_of_title(const struct par_ledger *l, size_t i, const char *wanted)
{
    if (wanted && strcmp(l->rows[i].title, wanted) != 0)
        return false;
    for (size_t k = 0; k < i; k++)
        if (!strcmp(l->rows[k].title, l->rows[i].title))
            return false;
    return true;
}

static double share(const struct par_ledger_row *row)
{
    double part = row->total ? (double)row->matched / (double)row->total : 0;
    return part > 1 ? 1 : part;
}

static void print_classes(FILE *out, const struct par_ledger_row *row, const char *none)
{
    bool any = false;
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        if (row->classes[i]) {
            fprintf(out, "%s%s %" PRIu64, any ? ", " : "", par_class_name((enum par_class)i), row->classes[i]);
            any = true;
        }
    if (!any)
        fputs(none, out);
}

static void draw_row(FILE *out, const struct par_ledger_row *row, const struct par_ledger_row *before)
{
    unsigned n = (unsigned)(share(row) * BAR + 0.5);
    char bar[BAR + 1];
    memset(bar, '.', BAR);
    memset(bar, '#', n);
    bar[BAR] = 0;
    fprintf(out, "  %s %-13s %s %10" PRIu64 " of %" PRIu64 "  ", row->date, row->commit, bar, row->matched, row->total);
    print_classes(out, row, "same");
    if (before && before->matched != row->matched)
        fprintf(out, "  (%s%" PRIu64 ")", row->matched > before->matched ? "+" : "-",
                row->matched > before->matched ? row->matched - before->matched : before->matched - row->matched);
    putc('\n', out);
}

void par_ledger_draw_text(FILE *out, const struct par_ledger *l, const char *title)
{
    for (size_t i = 0; i < l->count; i++) {
        const struct par_ledger_row *before = NULL;
        if (!first_of_title(l, i, title))
            continue;
        fprintf(out, "%s: matched prefix of the main thread\n", l->rows[i].title);
        for (size_t k = i; k < l->count; k++)
            if (!strcmp(l->rows[k].title, l->rows[i].title)) {
                draw_row(out, &l->rows[k], before);
                before = &l->rows[k];
            }
    }
}

enum { WIDTH = 900, LEFT = 60, RIGHT = 20, TOP = 34, PLOT = 150, CLASSES = 60, PANEL = TOP + PLOT + CLASSES + 46 };

static const char *class_colour(unsigned c)
{
    static const char *const colours[] = {"#6b7280", "#b3261e", "#a8480b", "#6a3fc4", "#c2185b", "#00748f", "#8a6100", "#2457c5", "#15704a",
                                          "#111111", "#7a1fa2"};
    return colours[c % (sizeof colours / sizeof *colours)];
}

static void put_escaped(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '<' || *text == '&' || *text == '>' || (unsigned char)*text >= 0x7F)
            fprintf(out, "&#%u;", (unsigned char)*text);
        else
            putc(*text, out);
}

static uint64_t differences(const struct par_ledger_row *row)
{
    uint64_t n = 0;
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        n += row->classes[i];
    return n;
}

struct panel {
    const struct par_ledger *l;
    const char *title;
    size_t count;
    uint64_t most; // differences
    unsigned top;
};

static double x_of(const struct panel *p, size_t n)
{
    return p->count < 2 ? LEFT + (WIDTH - LEFT - RIGHT) / 2.0 : LEFT + (double)n * (WIDTH - LEFT - RIGHT) / (double)(p->count - 1);
}

static void draw_line(FILE *out, const struct panel *p)
{
    size_t n = 0;
    fputs("<polyline fill=\"none\" stroke=\"#1f5fd6\" stroke-width=\"2\" points=\"", out);
    for (size_t i = 0; i < p->l->count; i++)
        if (!strcmp(p->l->rows[i].title, p->title))
            fprintf(out, "%.1f,%.1f ", x_of(p, n++), p->top + TOP + PLOT * (1 - share(&p->l->rows[i])));
    fputs("\"/>\n", out);
}

// Classes as one stacked bar for each run, and the run's words as a tooltip.
static void draw_run(FILE *out, const struct panel *p, const struct par_ledger_row *row, size_t n)
{
    double x = x_of(p, n), y = p->top + TOP + PLOT + 16 + CLASSES;
    fprintf(out, "<g><circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.5\" fill=\"#1f5fd6\"/>", x, p->top + TOP + PLOT * (1 - share(row)));
    for (unsigned c = 0; c < PAR_CLASS_COUNT; c++) {
        double h = p->most ? (double)row->classes[c] / (double)p->most * CLASSES : 0;
        if (!row->classes[c])
            continue;
        y -= h;
        fprintf(out, "<rect x=\"%.1f\" y=\"%.1f\" width=\"7\" height=\"%.1f\" fill=\"%s\"/>", x - 3.5, y, h, class_colour(c));
    }
    fputs("<title>", out);
    put_escaped(out, row->date);
    putc(' ', out);
    put_escaped(out, row->commit);
    fprintf(out, ": %" PRIu64 " of %" PRIu64 "; ", row->matched, row->total);
    print_classes(out, row, "same");
    fputs("</title></g>\n", out);
}

static void draw_panel(FILE *out, const struct panel *p)
{
    const struct par_ledger_row *first = NULL, *last = NULL;
    size_t n = 0;
    fprintf(out, "<text x=\"%d\" y=\"%u\" font-weight=\"bold\">", LEFT, p->top + 20);
    put_escaped(out, p->title);
    fputs(": matched prefix of the main thread, and differences by class</text>\n", out);
    for (unsigned percent = 0; percent <= 100; percent += 50) {
        double y = p->top + TOP + PLOT * (100 - percent) / 100.0;
        fprintf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#8884\"/><text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%u %%</text>\n",
                LEFT, WIDTH - RIGHT, y, y, LEFT - 8, y + 4, percent);
    }
    fprintf(out, "<text x=\"%d\" y=\"%u\" text-anchor=\"end\">%" PRIu64 "</text>\n", LEFT - 8, p->top + TOP + PLOT + 28, p->most);
    draw_line(out, p);
    for (size_t i = 0; i < p->l->count; i++)
        if (!strcmp(p->l->rows[i].title, p->title)) {
            last = &p->l->rows[i];
            first = first ? first : last;
            draw_run(out, p, last, n++);
        }
    fprintf(out, "<text x=\"%d\" y=\"%u\">%s</text><text x=\"%d\" y=\"%u\" text-anchor=\"end\">%s</text>\n", LEFT, p->top + PANEL - 8, first->date,
            WIDTH - RIGHT, p->top + PANEL - 8, last->date);
}

void par_ledger_draw_svg(FILE *out, const struct par_ledger *l, const char *title)
{
    unsigned panels = 0;
    for (size_t i = 0; i < l->count; i++)
        panels += first_of_title(l, i, title);
    unsigned height = panels * PANEL + 30;
    fprintf(out, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %u\" width=\"%d\" height=\"%u\" font-family=\"sans-serif\" font-size=\"12\">\n"
            "<style>text{fill:#333}@media(prefers-color-scheme:dark){text{fill:#ddd}svg{background:#14171c}}</style>\n", WIDTH, height, WIDTH, height);
    struct panel p = {.l = l};
    for (size_t i = 0; i < l->count; i++) {
        if (!first_of_title(l, i, title))
            continue;
        p.title = l->rows[i].title;
        p.count = 0;
        p.most = 0;
        for (size_t k = i; k < l->count; k++)
            if (!strcmp(l->rows[k].title, p.title)) {
                p.count++;
                p.most = differences(&l->rows[k]) > p.most ? differences(&l->rows[k]) : p.most;
            }
        draw_panel(out, &p);
        p.top += PANEL;
    }
    double x = LEFT;
    for (unsigned c = 0; c < PAR_CLASS_COUNT; c++, x += 74)
        fprintf(out, "<rect x=\"%.0f\" y=\"%u\" width=\"8\" height=\"8\" fill=\"%s\"/><text x=\"%.0f\" y=\"%u\" font-size=\"10\">%s</text>", x, height - 20,
                class_colour(c), x + 11, height - 12, par_class_name((enum par_class)c));
    fputs("\n</svg>\n", out);
}
