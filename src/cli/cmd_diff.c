#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/progress.h"
#include "parity/parity.h"
#include "parity/report.h"

enum { DIFF_SAME = 0, DIFF_DIVERGED = 1, DIFF_ERROR = 2, MAX_RUNS = 64 };

static void usage(FILE *out)
{
    fputs("usage: xenolith diff REFERENCE OURS [OPTIONS]\n"
          "       xenolith diff --reference R1 R2 R3... [--] OURS [OPTIONS]\n\n"
          "Finds how far two event logs of one title agree, where they first truly differ, and what kind of difference it is.\n"
          "Logs: our binary form, schema v1 JSON Lines, bare lines {idx, call, payload}, text logs of xenia; .gz and .zst; - is\n"
          "standard input. Two entry states (JSON) are compared as states. Several runs of the reference make an envelope: what\n"
          "varies among them is no divergence.\n\n"
          "  --json [FILE]   the result as JSON, to FILE or standard output (docs/parity.md)\n"
          "  --html FILE     one self-contained page to look at: events side by side, timelines, rules, regions\n"
          "  --frames N      both logs end at their N-th VdSwap\n"
          "  --by-ordinal    wrong regions (beta) are listed but do not end the matched prefix\n"
          "  --no-rule NAME  compare without this rule; may be repeated\n"
          "  --strict        without any rule\n"
          "  --rules         list the rules and classes\n"
          "  --window N      calls looked ahead for resynchronisation (4096)\n"
          "Exit status: 0 the same, 1 diverged, 2 error.\n\n"
          "Example: xenolith diff reference.jsonl ours.xtrace\n", out);
}

struct arguments {
    const char *references[MAX_RUNS], *ours, *json, *html;
    size_t count;
    bool json_wanted, rules;
    struct par_options options;
};

static void list_rules(void)
{
    puts("Rules: what may differ and mean the same");
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++)
        printf("  %-22s %s (%s)\n", par_rule_name((enum par_rule)i), par_rule_does((enum par_rule)i), par_rule_why((enum par_rule)i));
    puts("Classes: what kind of difference it is");
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        printf("  %-22s %s\n", par_class_name((enum par_class)i), par_class_meaning((enum par_class)i));
}

static bool take_rule(struct arguments *a, const char *name)
{
    enum par_rule rule;
    if (name && par_rule_by_name(name, &rule)) {
        a->options.rules_off |= (uint64_t)1 << rule;
        return true;
    }
    fprintf(stderr, "xenolith diff: no rule '%s'; --rules lists them\n", name ? name : "");
    return false;
}

static bool take_number(const char *option, const char *text, uint64_t *out)
{
    char *end;
    *out = text ? strtoull(text, &end, 10) : 0;
    if (text && *text >= '0' && *text <= '9' && !*end)
        return true;
    fprintf(stderr, "xenolith diff: %s needs a number\n", option);
    return false;
}

// Whether the word after --json names the file to write. What exists is written over only behind both logs, or when it is an
// earlier result: a log is never taken for it.
static bool is_json_file(const char *word, size_t logs_so_far)
{
    size_t length = word ? strlen(word) : 0;
    if (!length || (word[0] == '-' && word[1]))
        return false;
    if (logs_so_far >= 2)
        return true;
    if (length <= 5 || strcmp(word + length - 5, ".json") != 0)
        return false;
    char head[24] = "";
    FILE *f = fopen(word, "rb");
    size_t n = f ? fread(head, 1, sizeof head - 1, f) : 0;
    if (f)
        fclose(f);
    return !f || !n || strstr(head, "\"matched_prefix\"");
}

static bool parse(struct arguments *a, int argc, char **argv)
{
    const char *logs[MAX_RUNS + 1];
    size_t log_count = 0;
    uint64_t n = 0;
    bool literal = false;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (literal || word[0] != '-' || !word[1]) {
            if (log_count > MAX_RUNS) {
                fputs("xenolith diff: too many logs\n", stderr);
                return false;
            }
            logs[log_count++] = word;
        } else if (!strcmp(word, "--")) {
            literal = false;
        } else if (!strcmp(word, "--reference")) {
            continue; // the last log is ours in any case
        } else if (!strcmp(word, "--json")) {
            a->json_wanted = true;
            if (is_json_file(value, log_count))
                a->json = argv[++i];
        } else if (!strncmp(word, "--json=", 7)) {
            a->json_wanted = true;
            a->json = word + 7;
        } else if (!strcmp(word, "--html") && value) {
            a->html = argv[++i];
        } else if (!strcmp(word, "--no-rule")) {
            if (!take_rule(a, value))
                return false;
            i++;
        } else if (!strcmp(word, "--strict")) {
            a->options.rules_off = ~(uint64_t)0;
        } else if (!strcmp(word, "--by-ordinal")) {
            a->options.by_ordinal = true;
        } else if (!strcmp(word, "--rules")) {
            a->rules = true;
        } else if (!strcmp(word, "--frames") || !strcmp(word, "--window")) {
            if (!take_number(word, value, &n))
                return false;
            *(word[2] == 'f' ? &a->options.frames : (uint64_t *)&a->options.window) = n;
            i++;
        } else {
            fprintf(stderr, "xenolith diff: unknown option '%s'; see --help\n", word);
            return false;
        }
    }
    if (a->rules)
        return true;
    if (log_count < 2) {
        fputs("xenolith diff: which REFERENCE and OURS? See --help\n", stderr);
        return false;
    }
    a->ours = logs[log_count - 1];
    a->count = log_count - 1;
    memcpy(a->references, logs, a->count * sizeof *logs);
    return true;
}

static void show_progress(void *user, uint64_t events, uint64_t bytes, uint64_t total)
{
    char words[40];
    snprintf(words, sizeof words, "%llu million events", (unsigned long long)(events / 1000000));
    progress_show(user, bytes, total, words);
}

static bool write_json(const char *path, const struct par_result *r)
{
    FILE *f = path && strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (!f) {
        perror(path);
        return false;
    }
    par_write_json(f, r);
    return f == stdout ? fflush(f) == 0 : fclose(f) == 0;
}

static bool write_html(const char *path, const struct par_result *r)
{
    struct error err = {0};
    FILE *f = fopen(path, "w");
    if (!f) {
        perror(path);
        return false;
    }
    bool ok = par_write_html(f, r, &err);
    if (!ok)
        fprintf(stderr, "xenolith diff: %s\n", err.message);
    bool written = fclose(f) == 0;
    if (!written)
        perror(path);
    return ok && written;
}

static int compare_logs(struct arguments *a)
{
    struct error err = {0};
    struct par_result *r;
    struct progress progress;
    progress_begin(&progress);
    if (progress.wanted) {
        a->options.progress = show_progress;
        a->options.user = &progress;
    }
    bool ok = par_compare(&r, a->references, a->count, a->ours, &a->options, &err);
    progress_end(&progress);
    if (!ok) {
        fprintf(stderr, "xenolith diff: %s\n", err.message);
        return DIFF_ERROR;
    }
    int status = r->same ? DIFF_SAME : DIFF_DIVERGED;
    if (a->json_wanted && !write_json(a->json, r))
        status = DIFF_ERROR;
    if (a->html && !write_html(a->html, r))
        status = DIFF_ERROR;
    if (!a->json_wanted || a->json)
        par_write_text(stdout, r);
    par_result_free(r);
    return status;
}

static void print_state_json(FILE *out, const struct par_state_result *r)
{
    struct json_object *o = json_object_new_object(), *list = json_object_new_array();
    for (size_t i = 0; i < r->count; i++) {
        struct json_object *row = json_object_new_object();
        json_object_object_add(row, "where", json_object_new_string(r->rows[i].where));
        json_object_object_add(row, "reference", json_object_new_string(r->rows[i].reference));
        json_object_object_add(row, "ours", json_object_new_string(r->rows[i].ours));
        json_object_object_add(row, "run_dependent", json_object_new_boolean(r->rows[i].expected && !r->rows[i].by_rule));
        json_object_object_add(row, "rule", r->rows[i].by_rule ? json_object_new_string(par_rule_name(PAR_RULE_IMPORT)) : NULL);
        json_object_array_add(list, row);
    }
    json_object_object_add(o, "same", json_object_new_boolean(!r->unexpected));
    json_object_object_add(o, "state_differences", list);
    struct json_object *rules = json_object_new_object();
    if (r->import_slots)
        json_object_object_add(rules, par_rule_name(PAR_RULE_IMPORT), json_object_new_uint64(r->import_slots));
    json_object_object_add(o, "rules", rules);
    fprintf(out, "%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
    json_object_put(o);
}

// States at entry: compared as such, before any event.
static int compare_states(const struct arguments *a)
{
    struct error err = {0};
    struct par_state_result r;
    if (!par_compare_states(&r, a->references[0], a->ours, a->options.rules_off, &err)) {
        fprintf(stderr, "xenolith diff: %s\n", err.message);
        return DIFF_ERROR;
    }
    FILE *json = a->json ? fopen(a->json, "w") : stdout;
    if (a->json_wanted && json)
        print_state_json(json, &r);
    if (json && json != stdout)
        fclose(json);
    for (size_t i = 0; i < r.count && (!a->json_wanted || a->json); i++)
        printf("%s%s: %s / %s\n", r.rows[i].where, r.rows[i].by_rule ? " (import-slot)" : r.rows[i].expected ? " (run-dependent)" : "", r.rows[i].reference, r.rows[i].ours);
    if (!a->json_wanted || a->json)
        printf("%s  state at entry: %zu differences, %zu more that depend on the run or the host\n", r.unexpected ? "DIVERGED" : "SAME", r.unexpected,
               r.count - r.unexpected);
    int status = a->json_wanted && !json ? DIFF_ERROR : r.unexpected ? DIFF_DIVERGED : DIFF_SAME;
    par_state_free(&r);
    return status;
}

COMMAND(diff, "compare two event logs: the first true divergence and its kind")
{
    struct arguments a = {0};
    if (argc == 2 && !strcmp(argv[1], "--help")) {
        usage(stdout);
        return DIFF_SAME;
    }
    if (!parse(&a, argc, argv))
        return DIFF_ERROR;
    if (a.rules) {
        list_rules();
        return DIFF_SAME;
    }
    if (a.count == 1 && par_is_entry_state(a.references[0]) && par_is_entry_state(a.ours))
        return compare_states(&a);
    return compare_logs(&a);
}
