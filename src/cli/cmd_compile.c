#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bytes.h"
#include "cli/cache_folder.h"
#include "cli/cli.h"
#include "system/system.h"
#include "xex/keys.h"

static const char help[] =
    "usage: xenolith compile TITLE.xex [OPTIONS]\n"
    "\n"
    "Compiles the whole title into the cache of compiled code, where `xenolith run` finds it.\n"
    "\n"
    "  --tier quick|optimised  for which tier (optimised)\n"
    "  --jobs N                threads (one for each processor)\n"
    "  --cache DIR             the cache (xenolith in $XDG_CACHE_HOME or ~/.cache)\n"
    "  --cache-limit MB        how large that folder may become (1024)\n"
    "  --key HEX, --keys FILE  the console's retail key\n"
    "  --patch FILE            the title's patch (.xexp); default: the one beside it; none: none\n"
    "  --ignore-hashes         go on, with a warning, where a digest of the title does not match\n"
    "\n"
    "Example: xenolith compile dolphin.xex --tier quick --jobs 2\n";

enum option_id { O_TIER = 256, O_JOBS, O_CACHE, O_CACHE_LIMIT, O_KEY, O_KEYS, O_PATCH, O_IGNORE, O_HELP };

static const struct option long_options[] = {
    {"tier", required_argument, NULL, O_TIER}, {"jobs", required_argument, NULL, O_JOBS}, {"cache", required_argument, NULL, O_CACHE},
    {"cache-limit", required_argument, NULL, O_CACHE_LIMIT}, {"key", required_argument, NULL, O_KEY}, {"keys", required_argument, NULL, O_KEYS},
    {"patch", required_argument, NULL, O_PATCH}, {"ignore-hashes", no_argument, NULL, O_IGNORE}, {"help", no_argument, NULL, O_HELP}, {0},
};

struct options {
    struct sys_config config;
    const char *key, *keys, *cache;
    char cache_folder[PATH_MAX];
    unsigned jobs;
    struct xex_keys found;
    bool line; // a terminal watches
};

static void show(void *user, uint64_t done, uint64_t total)
{
    enum { WIDTH = 40 };
    struct options *o = user;
    if (!o->line || !total)
        return;
    char bar[WIDTH + 1];
    memset(bar, ' ', WIDTH);
    memset(bar, '#', (size_t)(WIDTH * done / total));
    bar[WIDTH] = 0;
    fprintf(stderr, "\r[%s] %3u%%  %" PRIu64 " of %" PRIu64 " instructions\033[K", bar, (unsigned)(100 * done / total), done, total);
    if (done == total)
        fputs("\r\033[K", stderr);
}

static int report(struct options *o, struct sys *s, const struct cpu_ahead_result *r, double seconds)
{
    struct cpu_stats stats;
    cpu_stats(sys_cpu(s), &stats);
    uint64_t all = r->instructions + r->present_instructions;
    printf("units: %" PRIu64 " compiled, %" PRIu64 " in the cache before, %" PRIu64 " failed\n", r->units, r->present, r->failed);
    printf("instructions: %" PRIu64 " compiled, %" PRIu64 " different ones covered (%.2f MB of code)\n", r->instructions, r->covered,
           (double)r->covered * 4 / 1e6);
    printf("seconds: %.2f (%.2f of CPU time", seconds, r->cpu_seconds);
    if (r->instructions)
        printf(", %.1f us an instruction", r->cpu_seconds * 1e6 / (double)r->instructions);
    printf(")\n");
    if (r->instructions)
        printf("code: %" PRIu64 " bytes, %.1f a byte of guest code, and %.1f of tables\n", r->code_bytes,
               (double)r->code_bytes / (double)r->instructions / 4, (double)r->table_bytes / (double)r->instructions / 4);
    printf("cache: %" PRIu64 " bytes", stats.cache.file_bytes);
    if (all)
        printf(", %.1f a byte of guest code", (double)stats.cache.file_bytes / (double)all / 4);
    printf(", in %s\n", o->config.cache_folder);
    return CLI_OK;
}

static int compile(struct options *o, struct sys *s)
{
    struct error err = {0};
    struct cpu_ahead_result result;
    struct timespec begun, ended;
    clock_gettime(CLOCK_MONOTONIC, &begun);
    struct cpu_ahead request = {.tier = o->config.tier, .jobs = o->jobs, .progress = show, .user = o};
    bool ok = cpu_compile_ahead(sys_cpu(s), &request, &result, &err);
    clock_gettime(CLOCK_MONOTONIC, &ended);
    if (ok)
        return report(o, s, &result, (double)(ended.tv_sec - begun.tv_sec) + (double)(ended.tv_nsec - begun.tv_nsec) / 1e9);
    fprintf(stderr, "xenolith compile: %s\n", err.message);
    return CLI_ERROR;
}

static bool usage_error(const char *what, const char *value)
{
    fprintf(stderr, "xenolith compile: %s '%s'; see xenolith compile --help\n", what, value);
    return false;
}

static bool parse_number(const char *value, unsigned long limit, unsigned long *out)
{
    char *end;
    *out = strtoul(value, &end, 10);
    return *value >= '1' && *value <= '9' && !*end && *out <= limit;
}

static bool parse_option(struct options *o, int id, const char *value)
{
    unsigned long number;
    switch ((enum option_id)id) {
    case O_TIER:
        o->config.tier = !strcmp(value, "quick") ? CPU_QUICK : CPU_OPTIMISED;
        return !strcmp(value, "quick") || !strcmp(value, "optimised") || usage_error("--tier takes quick or optimised, not", value);
    case O_JOBS:
        if (!parse_number(value, 256, &number))
            return usage_error("--jobs takes a number up to 256, not", value);
        o->jobs = (unsigned)number;
        return true;
    case O_CACHE: o->cache = value; return true;
    case O_CACHE_LIMIT:
        if (!parse_number(value, 1 << 24, &number))
            return usage_error("--cache-limit takes a number of megabytes, not", value);
        o->config.cache_limit = (uint64_t)number << 20;
        return true;
    case O_KEY: o->key = value; return true;
    case O_KEYS: o->keys = value; return true;
    case O_PATCH: o->config.patch_path = value; return true;
    case O_IGNORE: o->config.ignore_hashes = true; return true;
    case O_HELP: return false;
    }
    return false;
}

static void write_log(void *user, enum log_level level, const char *tag, const char *line)
{
    (void)user;
    (void)level;
    fprintf(stderr, "xenolith compile: %s: %s\n", tag, line);
}

static int run(struct options *o)
{
    struct error err = {0};
    struct sys *s;
    struct log log = {.write = write_log, .level = LOG_WARN};
    o->config.log = &log;
    o->line = isatty(STDERR_FILENO);
    o->config.cache_folder = cli_cache_folder(o->cache, o->cache_folder, sizeof o->cache_folder);
    if (!o->config.cache_folder) {
        fprintf(stderr, "xenolith compile: nowhere to put compiled code: --cache DIR says where\n");
        return CLI_USAGE;
    }
    if (!xex_find_keys(&o->found, o->key, o->keys, &err)) {
        fprintf(stderr, "xenolith compile: %s\n", err.message);
        return CLI_ERROR;
    }
    o->config.retail_key = o->found.has_retail ? o->found.retail : NULL;
    if (!sys_create(&s, &o->config, &err)) {
        fprintf(stderr, "xenolith compile: %s\n", err.message);
        return CLI_ERROR;
    }
    int status = compile(o, s);
    sys_destroy(s);
    return status;
}

COMMAND(compile, "compile a whole title ahead of time")
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    struct options o = {.config.tier = CPU_OPTIMISED, .jobs = processors > 0 && processors < 256 ? (unsigned)processors : 1};
    int id;
    optind = 1;
    while ((id = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        if (id == O_HELP) {
            fputs(help, stdout);
            return CLI_OK;
        }
        if (id == '?' || !parse_option(&o, id, optarg))
            return CLI_USAGE;
    }
    if (optind != argc - 1) {
        fputs(help, stderr);
        return CLI_USAGE;
    }
    o.config.title_path = argv[optind];
    return run(&o);
}
