#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "cli/cli.h"
#include "cli/json.h"
#include "exports/exports.h"
#include "system/system.h"
#include "xex/keys.h"

static const char help[] =
    "usage: xenolith check TITLE.xex -n INSTRUCTIONS [--profile console|reference] [--key HEX] [--keys FILE]\n"
    "                      [--patch FILE] [--ignore-hashes]\n"
    "\n"
    "Runs a title for that many instructions and prints a digest of the run as JSON: instructions, calls by name, swaps, draws,\n"
    "state hash. The same title gives the same digest on every machine: keep it as a golden file.\n"
    "\n"
    "Example: xenolith check hello.xex -n 1000000\n";

static const char *stop_name(enum krnl_stop stop)
{
    static const char *const names[] = {
        [KRNL_RUNNING] = "running", [KRNL_STOP_EXIT] = "exit", [KRNL_STOP_FRAMES] = "frames",
        [KRNL_STOP_INSTRUCTIONS] = "instructions", [KRNL_STOP_TIME] = "time", [KRNL_STOP_CRASH] = "crash",
        [KRNL_STOP_MISSING] = "missing", [KRNL_STOP_WEDGED] = "wedged", [KRNL_STOP_HOST] = "host",
    };
    return names[stop];
}

static void add(json_object *to, const char *key, uint64_t value)
{
    json_object_object_add(to, key, cli_json(json_object_new_uint64(value)));
}

static json_object *calls(const struct kernel *k, uint64_t *total, uint64_t *missing)
{
    json_object *o = cli_json(json_object_new_object());
    *total = *missing = 0;
    for (size_t i = 0; i < exp_row_count; i++) {
        uint64_t n = krnl_calls(k, i);
        *total += n;
        if (exp_rows[i].state == EXP_ABSENT)
            *missing += n;
        if (n)
            add(o, exp_rows[i].name, n);
    }
    return o;
}

// False where the host has no memory: json-c leaves out silently what it cannot allocate, but errno tells.
static bool print_digest(struct sys *s, const struct krnl_result *result)
{
    struct kernel *k = sys_kernel(s);
    const struct gpu_stats *g = gpu_stats(sys_gpu(s));
    json_object *o = cli_json(json_object_new_object());
    uint64_t total, missing;
    char hash[33];
    errno = 0;
    json_object *by_name = calls(k, &total, &missing);
    add(o, "instructions", krnl_instructions(k));
    add(o, "virtual_cycles", krnl_now(k));
    json_object_object_add(o, "stop", cli_json(json_object_new_string(stop_name(result->stop))));
    add(o, "exit_code", result->exit_code);
    add(o, "calls", total);
    add(o, "missing", missing);
    add(o, "swaps", krnl_frames(k));
    add(o, "gpu_packets", g->packets);
    add(o, "draws", g->draws);
    bool ok = sys_state_hash(s, hash);
    if (!ok)
        hash[0] = 0;
    json_object_object_add(o, "state", cli_json(json_object_new_string(hash)));
    json_object_object_add(o, "calls_by_name", by_name);
    const char *text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY);
    ok = ok && text && errno != ENOMEM;
    if (ok)
        puts(text);
    json_object_put(o);
    return ok;
}

// Once a second, on a terminal only.
struct progress {
    const struct kernel *kernel;
    uint64_t limit;
    struct timespec shown;
    bool line;
};

static bool show_progress(void *user)
{
    struct progress *p = user;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (p->kernel && now.tv_sec - p->shown.tv_sec + (now.tv_nsec < p->shown.tv_nsec ? -1 : 0) >= 1) {
        fprintf(stderr, "\r%" PRIu64 " of %" PRIu64 " million instructions\033[K", krnl_instructions(p->kernel) / 1000000, p->limit / 1000000);
        p->line = true;
        p->shown = now;
    }
    return false;
}

static int check(const struct sys_config *config, struct progress *p)
{
    struct error err = {0};
    struct sys *s;
    if (!sys_create(&s, config, &err)) {
        fprintf(stderr, "xenolith check: %s\n", err.message);
        return CLI_ERROR;
    }
    struct sandbox_request request = {.read = {sys_game_folder(s)}};
    struct sandbox_state state;
    sandbox_enter(&request, &state); // what it lacks is the host's; the digest is the same
    p->kernel = sys_kernel(s);
    struct krnl_result result;
    sys_run(s, &result);
    if (p->line)
        fputs("\r\033[K", stderr);
    bool ok = result.stop != KRNL_STOP_HOST && print_digest(s, &result);
    if (!ok)
        fprintf(stderr, "xenolith check: %s\n", result.stop == KRNL_STOP_HOST ? result.message : "out of memory");
    sys_destroy(s);
    return ok ? CLI_OK : CLI_ERROR;
}

COMMAND(check, "run a title for N instructions and print a stable digest")
{
    static const struct option options[] = {{"profile", required_argument, NULL, 'p'}, {"key", required_argument, NULL, 'k'},
                                            {"keys", required_argument, NULL, 'f'}, {"patch", required_argument, NULL, 'P'},
                                            {"ignore-hashes", no_argument, NULL, 'i'}, {"help", no_argument, NULL, 'h'}, {0}};
    struct sys_config config = {.on_missing = KRNL_MISSING_CONTINUE};
    const char *key = NULL, *keys = NULL;
    char *end = NULL;
    int c;
    optind = 1;
    while ((c = getopt_long(argc, argv, "n:", options, NULL)) != -1) {
        if (c == 'h') {
            fputs(help, stdout);
            return CLI_OK;
        } else if (c == 'n')
            config.instruction_limit = strtoull(optarg, &end, 0);
        else if (c == 'p') {
            config.profile = !strcmp(optarg, "reference") ? KRNL_REFERENCE : KRNL_CONSOLE;
            if (config.profile == KRNL_CONSOLE && strcmp(optarg, "console") != 0) {
                fprintf(stderr, "xenolith check: --profile takes console or reference, not '%s'\n", optarg);
                return CLI_USAGE;
            }
        }
        else if (c == 'k')
            key = optarg;
        else if (c == 'P')
            config.patch_path = optarg;
        else if (c == 'i')
            config.ignore_hashes = true;
        else if (c == 'f')
            keys = optarg;
        else
            return CLI_USAGE;
    }
    if (optind != argc - 1 || !end || *end || !config.instruction_limit) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    struct xex_keys found;
    struct error err = {0};
    if (!xex_find_keys(&found, key, keys, &err)) {
        fprintf(stderr, "xenolith check: %s\n", err.message);
        return CLI_ERROR;
    }
    config.retail_key = found.has_retail ? found.retail : NULL;
    config.title_path = argv[optind];
    struct progress progress = {.limit = config.instruction_limit};
    clock_gettime(CLOCK_MONOTONIC, &progress.shown);
    if (isatty(STDERR_FILENO)) {
        config.poll = show_progress;
        config.poll_user = &progress;
    }
    return check(&config, &progress);
}
