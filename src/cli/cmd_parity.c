#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/parity_config.h"
#include "parity/ledger.h"

enum { PARITY_SAME = 0, PARITY_DIVERGED = 1, PARITY_ERROR = 2 };
enum { MAX_COMMITS = 65536, COMMIT_SIZE = 48 };

static const char help[] =
    "usage: xenolith parity run CONFIG [--date YYYY-MM-DD] [--commit ID] [--dry]\n"
    "       xenolith parity log [--ledger FILE] [--title NAME] [--svg FILE]\n"
    "       xenolith parity bisect GOOD BAD CONFIG\n"
    "\n"
    "run     runs a title (or the config's command, for another engine), compares its log with the references, and appends one line\n"
    "        to the ledger: date, commit, matched prefix, differences by class, hash of the log. Date and commit are git's unless\n"
    "        given. --dry does not append. Status 0 same, 1 diverged, 2 error.\n"
    "log     draws the ledger (parity/ledger.txt): matched prefix and classes over time, as text, and as SVG.\n"
    "bisect  finds the first commit behind GOOD, up to BAD, at which the matched prefix is shorter than at GOOD. Each is checked out\n"
    "        into a git work tree of its own; the config's \"build\" and \"bisect_command\" (or \"command\") run there. Status 0: found.\n"
    "The config is JSON: title, reference, executable and options or command, bisect_command, build, ledger, log, frames,\n"
    "by_ordinal, no_rules (docs/parity-ledger.md).\n";

static int fail(const struct error *err)
{
    fprintf(stderr, "xenolith parity: %s\n", err->message);
    return PARITY_ERROR;
}

static bool compare(const struct parity_config *c, const char *log, struct par_result **out, struct error *err)
{
    const char *references[PARITY_MAX_LIST];
    for (size_t i = 0; i < c->reference_count; i++)
        references[i] = c->references[i];
    return par_compare(out, references, c->reference_count, log, &c->compare, err);
}

// ---- run

static void git_commit(const char *folder, char out[COMMIT_SIZE])
{
    char dirty[256];
    if (!parity_first_line(out, COMMIT_SIZE - 1, folder, (const char *const[]){"git", "rev-parse", "--short=12", "HEAD", NULL}))
        snprintf(out, COMMIT_SIZE, "none");
    else if (parity_first_line(dirty, sizeof dirty, folder, (const char *const[]){"git", "status", "--porcelain", "--untracked-files=no", NULL}))
        strncat(out, "+", 2);
}

struct run_options {
    const char *config, *date, *commit;
    bool dry;
};

static bool make_row(const struct parity_config *c, const struct run_options *o, const struct par_result *r, struct par_ledger_row *row,
                     struct error *err)
{
    char commit[COMMIT_SIZE], date[16];
    if (!o->commit)
        git_commit(c->folder, commit);
    if (!o->date && !parity_first_line(date, sizeof date, c->folder, (const char *const[]){"git", "log", "-1", "--format=%cs", NULL}))
        return error_set(err, ERR_ARGUMENT, "%s is in no git repository: give --date and --commit", c->folder);
    return par_ledger_row_make(row, r, c->title, o->date ? o->date : date, o->commit ? o->commit : commit, c->log, err);
}

static bool record(const struct parity_config *c, const struct run_options *o, const struct par_result *r, struct error *err)
{
    struct par_ledger_row row;
    struct par_ledger ledger;
    if (!make_row(c, o, r, &row, err) || !par_ledger_read(&ledger, c->ledger, err))
        return false;
    const struct par_ledger_row *before = par_ledger_last(&ledger, row.title);
    par_ledger_print(stdout, &row);
    if (before && before->matched != row.matched)
        printf("the prefix %s: %" PRIu64 " at %s, now %" PRIu64 "\n", row.matched > before->matched ? "grew" : "SHRANK", before->matched, before->commit,
               row.matched);
    else if (before)
        printf("the prefix is that of %s\n", before->commit);
    par_ledger_free(&ledger);
    return o->dry || par_ledger_append(c->ledger, &row, err);
}

static int run(const struct run_options *o)
{
    struct error err = {0};
    struct parity_config c;
    struct par_result *r = NULL;
    if (!parity_config_read(&c, o->config, &err))
        return fail(&err);
    int status = PARITY_ERROR;
    if (parity_make_log(&c, &err) && compare(&c, c.log, &r, &err)) {
        par_write_text(stdout, r);
        status = record(&c, o, r, &err) ? r->same ? PARITY_SAME : PARITY_DIVERGED : fail(&err);
    } else {
        fail(&err);
    }
    par_result_free(r);
    parity_config_free(&c);
    return status;
}

static int parse_run(int argc, char **argv)
{
    struct run_options o = {0};
    for (int i = 2; i < argc; i++) {
        if (!strcmp(argv[i], "--dry"))
            o.dry = true;
        else if (!strcmp(argv[i], "--date") && i + 1 < argc)
            o.date = argv[++i];
        else if (!strcmp(argv[i], "--commit") && i + 1 < argc)
            o.commit = argv[++i];
        else if (argv[i][0] != '-' && !o.config)
            o.config = argv[i];
        else {
            fprintf(stderr, "xenolith parity: unexpected '%s'; see --help\n", argv[i]);
            return PARITY_ERROR;
        }
    }
    if (!o.config) {
        fputs(help, stderr);
        return PARITY_ERROR;
    }
    return run(&o);
}

// ---- log

static int draw(const char *path, const char *title, const char *svg)
{
    struct error err = {0};
    struct par_ledger l;
    if (access(path, R_OK)) {
        error_set(&err, ERR_IO, "%s: %s", path, strerror(errno));
        return fail(&err);
    }
    if (!par_ledger_read(&l, path, &err))
        return fail(&err);
    if (l.bad)
        fprintf(stderr, "xenolith parity: %s: %" PRIu64 " line(s) are none of a ledger, the first is line %" PRIu64 "\n", path, l.bad, l.first_bad);
    par_ledger_draw_text(stdout, &l, title);
    int status = PARITY_SAME;
    FILE *out = svg ? fopen(svg, "w") : NULL;
    if (out)
        par_ledger_draw_svg(out, &l, title);
    if (svg && (!out || fclose(out))) {
        error_set(&err, ERR_IO, "%s: %s", svg, strerror(errno));
        status = fail(&err);
    }
    par_ledger_free(&l);
    return status;
}

static int parse_log(int argc, char **argv)
{
    const char *ledger = "parity/ledger.txt", *title = NULL, *svg = NULL;
    for (int i = 2; i < argc; i++) {
        const char **to = !strcmp(argv[i], "--ledger") ? &ledger : !strcmp(argv[i], "--title") ? &title : !strcmp(argv[i], "--svg") ? &svg : NULL;
        if (!to || i + 1 >= argc) {
            fprintf(stderr, "xenolith parity: unexpected '%s'; see --help\n", argv[i]);
            return PARITY_ERROR;
        }
        *to = argv[++i];
    }
    return draw(ledger, title, svg);
}

// ---- bisect

struct tried {
    char commit[COMMIT_SIZE];
    enum { UNTRIED, MATCHED, UNBUILT } state;
    uint64_t matched;
};

struct bisect {
    const struct parity_config *config;
    char folder[64]; // for work trees and logs
    struct tried *commits; // GOOD first, BAD last
    size_t count;
    unsigned runs;
};

static bool list_commits(struct bisect *b, const char *good, const char *bad, struct error *err)
{
    char range[256], command[512], line[COMMIT_SIZE];
    b->commits = calloc(MAX_COMMITS, sizeof *b->commits);
    if (!b->commits)
        return error_set(err, ERR_MEMORY, "out of memory");
    const char *folder = b->config->folder;
    if (!parity_first_line(b->commits[0].commit, COMMIT_SIZE, folder, (const char *const[]){"git", "rev-parse", "--verify", "--quiet", good, NULL}))
        return error_set(err, ERR_ARGUMENT, "'%s' is no commit of the repository of %s", good, folder);
    if (!parity_first_line(line, sizeof line, folder, (const char *const[]){"git", "rev-parse", "--verify", "--quiet", bad, NULL}))
        return error_set(err, ERR_ARGUMENT, "'%s' is no commit of the repository of %s", bad, folder);
    snprintf(range, sizeof range, "%s..%s", b->commits[0].commit, line);
    b->count = 1;
    snprintf(command, sizeof command, "git rev-list --reverse --first-parent %s > '%s/commits'", range, b->folder);
    char path[128];
    snprintf(path, sizeof path, "%s/commits", b->folder);
    FILE *f = parity_shell(command, folder) == 0 ? fopen(path, "r") : NULL;
    if (!f)
        return error_set(err, ERR_IO, "git cannot list %s", range);
    while (b->count < MAX_COMMITS && fgets(line, sizeof line, f)) {
        line[strcspn(line, "\n")] = 0;
        snprintf(b->commits[b->count++].commit, COMMIT_SIZE, "%s", line);
    }
    fclose(f);
    return b->count > 1 || error_set(err, ERR_ARGUMENT, "no commit lies between '%s' and '%s'", good, bad);
}

static bool build_and_run(const struct bisect *b, const struct tried *t, const char *tree, const char *log)
{
    const struct parity_config *c = b->config;
    const struct parity_words words = {.log = log, .executable = c->executable, .title = c->title, .worktree = tree, .commit = t->commit};
    char *build = c->build ? parity_expand(c->build, &words) : NULL, *command = parity_expand(c->bisect_command ? c->bisect_command : c->command, &words);
    bool ok = command && (!c->build || (build && parity_shell(build, tree) == 0));
    if (ok)
        parity_shell(command, tree); // its status is the title's; the log decides
    free(build);
    free(command);
    return ok && access(log, R_OK) == 0;
}

// Matched prefix at a commit. A commit that cannot be built or leaves no log is passed over.
static void try_commit(struct bisect *b, size_t i)
{
    struct tried *t = &b->commits[i];
    char tree[128], log[128];
    struct par_result *r = NULL;
    struct error err = {0};
    if (t->state != UNTRIED)
        return;
    t->state = UNBUILT;
    b->runs++;
    snprintf(tree, sizeof tree, "%s/tree", b->folder);
    snprintf(log, sizeof log, "%s/run.xtrace", b->folder);
    unlink(log);
    const char *const add[] = {"git", "worktree", "add", "--quiet", "--detach", "--force", tree, t->commit, NULL};
    const char *const drop[] = {"git", "worktree", "remove", "--force", tree, NULL};
    char unused[256];
    parity_first_line(unused, sizeof unused, b->config->folder, add);
    if (access(tree, R_OK) == 0 && build_and_run(b, t, tree, log)) {
        if (compare(b->config, log, &r, &err)) {
            t->state = MATCHED;
            t->matched = r->matched_prefix;
        } else {
            fprintf(stderr, "xenolith parity: %.12s: %s\n", t->commit, err.message);
        }
        par_result_free(r);
    }
    parity_first_line(unused, sizeof unused, b->config->folder, drop);
    if (t->state == MATCHED)
        printf("%.12s matched %" PRIu64 "\n", t->commit, t->matched);
    else
        printf("%.12s cannot be built or run: passed over\n", t->commit);
    fflush(stdout);
}

// A commit between two that can be run, near the middle; `low` where there is none.
static size_t middle(struct bisect *b, size_t low, size_t high)
{
    size_t centre = low + (high - low) / 2;
    for (size_t away = 0; away < high - low; away++) {
        const size_t candidates[] = {centre + away, centre - away};
        for (unsigned k = 0; k < 2; k++) {
            size_t i = candidates[k];
            if (i <= low || i >= high || (k && !away) || (!k && centre + away >= high) || (k && away > centre))
                continue;
            try_commit(b, i);
            if (b->commits[i].state == MATCHED)
                return i;
        }
    }
    return low;
}

static bool say_found(const struct bisect *b, size_t low, size_t high)
{
    char subject[256] = "";
    const struct tried *good = &b->commits[low], *bad = &b->commits[high];
    parity_first_line(subject, sizeof subject, b->config->folder, (const char *const[]){"git", "log", "-1", "--format=%cs %s", bad->commit, NULL});
    printf("the prefix shrank at %.12s: %" PRIu64 " -> %" PRIu64 " (%s); %u runs\n", bad->commit, good->matched, bad->matched, subject, b->runs);
    if (high - low > 1)
        printf("or at one of the %zu commits before it, which cannot be built or run\n", high - low - 1);
    return true;
}

static bool search(struct bisect *b, struct error *err)
{
    size_t low = 0, high = b->count - 1;
    try_commit(b, low);
    try_commit(b, high);
    if (b->commits[low].state != MATCHED || b->commits[high].state != MATCHED)
        return error_set(err, ERR_STATE, "GOOD and BAD must both build and run");
    const uint64_t good = b->commits[low].matched;
    if (b->commits[high].matched >= good)
        return error_set(err, ERR_STATE, "the prefix did not shrink: %" PRIu64 " at GOOD, %" PRIu64 " at BAD", good, b->commits[high].matched);
    size_t i;
    while (high - low > 1 && (i = middle(b, low, high)) != low) {
        if (b->commits[i].matched < good)
            high = i;
        else
            low = i;
    }
    return say_found(b, low, high);
}

static int bisect(const char *good, const char *bad, const char *path)
{
    struct error err = {0};
    struct parity_config c;
    struct bisect b = {.config = &c, .folder = "/tmp/xenolith-bisect-XXXXXX"};
    if (!parity_config_read(&c, path, &err))
        return fail(&err);
    bool ok = c.command || c.bisect_command || error_set(&err, ERR_ARGUMENT, "%s: bisect needs \"bisect_command\" or \"command\"", path);
    bool made = ok && mkdtemp(b.folder);
    if (ok && !made)
        ok = error_set(&err, ERR_IO, "%s: %s", b.folder, strerror(errno));
    ok = ok && list_commits(&b, good, bad, &err) && search(&b, &err);
    if (made) {
        char command[128];
        snprintf(command, sizeof command, "rm -rf '%s'", b.folder);
        parity_shell(command, NULL);
    }
    free(b.commits);
    parity_config_free(&c);
    return ok ? PARITY_SAME : fail(&err);
}

COMMAND(parity, "run a title against its reference, keep the ledger, find what shrank the prefix")
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--help")) {
            fputs(help, stdout);
            return CLI_OK;
        }
    if (argc > 1 && !strcmp(argv[1], "run"))
        return parse_run(argc, argv);
    if (argc > 1 && !strcmp(argv[1], "log"))
        return parse_log(argc, argv);
    if (argc == 5 && !strcmp(argv[1], "bisect"))
        return bisect(argv[2], argv[3], argv[4]);
    fputs(help, stderr);
    return PARITY_ERROR;
}
