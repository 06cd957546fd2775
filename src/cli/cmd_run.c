#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "cli/cache_folder.h"
#include "cli/cli.h"
#include "cli/report.h"
#include "cli/shadow_case.h"
#include "cli/symbols.h"
#include "exports/exports.h"
#include "system/system.h"
#include "xex/keys.h"

static const char help[] =
    "usage: xenolith run TITLE.xex [OPTIONS]\n"
    "\n"
    "Boots a title without a window and runs it until it ends.\n"
    "\n"
    "  --frames N              stop after N swaps, with status 0\n"
    "  --max-time SECONDS      stop after so much host time, with status 103\n"
    "  --trace FILE            record every event; a FILE that ends in .jsonl is JSON Lines of schema v1\n"
    "  --trace-gpu             record GPU packets and register accesses too\n"
    "  --state-at-entry FILE   write the state before the first guest instruction, as JSON\n"
    "  --state-hash            print a hash of the whole state at the end\n"
    "  --on-missing stop|continue   what a call into an absent export does (stop)\n"
    "  --profile console|reference  whose behaviour, where the two differ (console)\n"
    "  --pace none|vblank      whether swaps wait for the virtual vblank (none)\n"
    "  --tier interpreter|quick|optimised|auto   how guest code runs (interpreter)\n"
    "  --cache DIR|none        where compiled code is kept (xenolith in $XDG_CACHE_HOME or ~/.cache)\n"
    "  --cache-limit MB        how large that folder may become (1024)\n"
    "  --perf-map              write /tmp/perf-PID.map, from which perf takes the names of compiled functions\n"
    "  --shadow                run the interpreter and the tier (quick) side by side and stop where they differ\n"
    "  --map FILE              names of functions for reports (MSVC .map)\n"
    "  --game FOLDER           what the title sees as game: (the folder of TITLE)\n"
    "  --writable              let the title change files there\n"
    "  --key HEX, --keys FILE  the console's retail key\n"
    "  --patch FILE            the title's patch (.xexp); default: the one beside it; none: none\n"
    "  --ignore-hashes         go on, with a warning, where a digest of the title does not match\n"
    "  --no-sandbox            keep the files and system calls that running a title does not need\n"
    "  --stats                 print what was executed\n"
    "  --verbose               more messages\n"
    "\n"
    "Example: xenolith run dolphin.xex --frames 600 --trace dolphin.xtrace\n"
    "The status is the title's own (0-99), or from 100 up as docs/exit-statuses.md says.\n";

struct options {
    struct sys_config config;
    const char *entry_state, *map, *key, *keys, *cache;
    char cache_folder[PATH_MAX];
    double max_time;
    bool state_hash, stats, verbose, no_sandbox, perf_map, shadow;
    bool differed;        // --shadow found something
    FILE *perf;           // --perf-map
    struct symbols names; // for it
    struct xex_keys found;
    struct timespec begun, deadline, shown;
    struct sys *sys;   // while it runs
    bool progress, line; // a terminal watches; a line of progress stands there now
};

// Time from the program's start to the first guest instruction.
struct start {
    double wall, cpu;
    double thread; // CPU time of this thread
};

enum option_id { O_FRAMES = 256, O_MAX_TIME, O_TRACE, O_TRACE_GPU, O_ENTRY, O_HASH, O_MISSING, O_PROFILE, O_PACE, O_TIER, O_CACHE, O_CACHE_LIMIT, O_PERF_MAP, O_SHADOW, O_MAP, O_GAME,
                 O_WRITABLE, O_KEY, O_KEYS, O_PATCH, O_IGNORE, O_STATS, O_VERBOSE, O_NO_SANDBOX, O_HELP };

static bool usage_error(const char *what, const char *value)
{
    fprintf(stderr, "xenolith run: %s '%s'; see xenolith run --help\n", what, value);
    return false;
}

static bool choose(const char *value, const char *zero, const char *one, const char *option, int *out)
{
    if (!strcmp(value, zero))
        *out = 0;
    else if (!strcmp(value, one))
        *out = 1;
    else {
        fprintf(stderr, "xenolith run: --%s takes %s or %s, not '%s'\n", option, zero, one, value);
        return false;
    }
    return true;
}

static bool choose_tier(const char *value, enum cpu_tier *out)
{
    static const char *const names[] = {
        [CPU_INTERPRETER] = "interpreter", [CPU_QUICK] = "quick", [CPU_OPTIMISED] = "optimised", [CPU_AUTO] = "auto"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (!strcmp(value, names[i])) {
            *out = (enum cpu_tier)i;
            return true;
        }
    return false;
}

static bool parse_option(struct options *o, int id, const char *value)
{
    char *end;
    int choice = 0;
    switch ((enum option_id)id) {
    case O_FRAMES:
        o->config.frame_limit = strtoull(value, &end, 10);
        return (*value >= '0' && *value <= '9' && !*end) || usage_error("--frames takes a number, not", value);
    case O_MAX_TIME:
        o->max_time = strtod(value, &end);
        return (end != value && !*end && o->max_time > 0) || usage_error("--max-time takes seconds, not", value);
    case O_TRACE: o->config.trace_path = value; return true;
    case O_TRACE_GPU: o->config.trace_gpu = true; return true;
    case O_ENTRY: o->entry_state = value; return true;
    case O_HASH: o->state_hash = true; return true;
    case O_MISSING:
        if (!choose(value, "stop", "continue", "on-missing", &choice))
            return false;
        o->config.on_missing = choice ? KRNL_MISSING_CONTINUE : KRNL_MISSING_STOP;
        return true;
    case O_PROFILE:
        if (!choose(value, "console", "reference", "profile", &choice))
            return false;
        o->config.profile = choice ? KRNL_REFERENCE : KRNL_CONSOLE;
        return true;
    case O_PACE:
        if (!choose(value, "none", "vblank", "pace", &choice))
            return false;
        o->config.pace = choice ? SYS_PACE_VBLANK : SYS_PACE_NONE;
        return true;
    case O_TIER:
        return choose_tier(value, &o->config.tier) || usage_error("--tier takes interpreter, quick, optimised or auto, not", value);
    case O_CACHE: o->cache = value; return true;
    case O_CACHE_LIMIT:
        o->config.cache_limit = strtoull(value, &end, 10) << 20;
        return (*value >= '1' && *value <= '9' && !*end && end - value < 9) || usage_error("--cache-limit takes a number of megabytes, not", value);
    case O_PERF_MAP: o->perf_map = true; return true;
    case O_SHADOW: o->shadow = true; return true;
    case O_MAP: o->map = value; return true;
    case O_GAME: o->config.game_folder = value; return true;
    case O_WRITABLE: o->config.writable = true; return true;
    case O_KEY: o->key = value; return true;
    case O_KEYS: o->keys = value; return true;
    case O_PATCH: o->config.patch_path = value; return true;
    case O_IGNORE: o->config.ignore_hashes = true; return true;
    case O_STATS: o->stats = true; return true;
    case O_VERBOSE: o->verbose = true; return true;
    case O_NO_SANDBOX: o->no_sandbox = true; return true;
    case O_HELP: return false;
    }
    return false;
}

static const struct option long_options[] = {
    {"frames", required_argument, NULL, O_FRAMES}, {"max-time", required_argument, NULL, O_MAX_TIME},
    {"trace", required_argument, NULL, O_TRACE}, {"trace-gpu", no_argument, NULL, O_TRACE_GPU},
    {"state-at-entry", required_argument, NULL, O_ENTRY}, {"state-hash", no_argument, NULL, O_HASH},
    {"on-missing", required_argument, NULL, O_MISSING}, {"profile", required_argument, NULL, O_PROFILE},
    {"pace", required_argument, NULL, O_PACE}, {"tier", required_argument, NULL, O_TIER},
    {"cache", required_argument, NULL, O_CACHE}, {"cache-limit", required_argument, NULL, O_CACHE_LIMIT},
    {"perf-map", no_argument, NULL, O_PERF_MAP}, {"shadow", no_argument, NULL, O_SHADOW}, {"map", required_argument, NULL, O_MAP}, {"game", required_argument, NULL, O_GAME},
    {"writable", no_argument, NULL, O_WRITABLE}, {"key", required_argument, NULL, O_KEY}, {"keys", required_argument, NULL, O_KEYS},
    {"patch", required_argument, NULL, O_PATCH}, {"ignore-hashes", no_argument, NULL, O_IGNORE},
    {"stats", no_argument, NULL, O_STATS}, {"verbose", no_argument, NULL, O_VERBOSE},
    {"no-sandbox", no_argument, NULL, O_NO_SANDBOX}, {"help", no_argument, NULL, O_HELP}, {0},
};

static void write_log(void *user, enum log_level level, const char *tag, const char *line)
{
    static const char *const names[] = {"error", "warning", "info", "debug", "missing", "title"};
    (void)user;
    fprintf(stderr, "xenolith: %s: %s: %s\n", names[level], tag, line);
}

static void clear_progress(struct options *o)
{
    if (o->line)
        fputs("\r\033[K", stderr);
    o->line = false;
}

static void print_guest(void *user, const char *text)
{
    clear_progress(user);
    fputs(text, stdout);
    fflush(stdout);
}

// Once a second, on a terminal only.
static void show_progress(struct options *o, const struct timespec *now)
{
    if (!o->progress || !o->sys || now->tv_sec - o->shown.tv_sec + (now->tv_nsec < o->shown.tv_nsec ? -1 : 0) < 1)
        return;
    const struct kernel *k = sys_kernel(o->sys);
    fprintf(stderr, "\r%ld s: %" PRIu64 " million instructions, %" PRIu64 " frames\033[K", (long)(now->tv_sec - o->begun.tv_sec),
            krnl_instructions(k) / 1000000, krnl_frames(k));
    o->line = true;
    o->shown = *now;
}

static bool time_is_up(void *user)
{
    struct options *o = user;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    show_progress(o, &now);
    if (o->differed)
        return true;
    if (!o->max_time)
        return false;
    return now.tv_sec > o->deadline.tv_sec || (now.tv_sec == o->deadline.tv_sec && now.tv_nsec >= o->deadline.tv_nsec);
}

static void start_timer(struct options *o)
{
    o->progress = isatty(STDERR_FILENO);
    if (!o->max_time && !o->progress && !o->shadow)
        return;
    clock_gettime(CLOCK_MONOTONIC, &o->deadline);
    o->shown = o->deadline;
    int64_t ns = o->deadline.tv_nsec + (int64_t)((o->max_time - (double)(int64_t)o->max_time) * 1e9);
    o->deadline.tv_sec += (time_t)o->max_time + ns / 1000000000;
    o->deadline.tv_nsec = ns % 1000000000;
    o->config.poll = time_is_up;
    o->config.poll_user = o;
}

static int exit_status(const struct krnl_result *r)
{
    switch (r->stop) {
    case KRNL_STOP_EXIT:
        return r->exit_code <= 99 ? (int)r->exit_code : 99;
    case KRNL_STOP_FRAMES:
    case KRNL_STOP_INSTRUCTIONS:
    case KRNL_RUNNING:
        return CLI_OK;
    case KRNL_STOP_TIME:
        return CLI_TIMEOUT;
    case KRNL_STOP_CRASH:
        return CLI_GUEST_CRASH;
    case KRNL_STOP_MISSING:
        return CLI_MISSING;
    case KRNL_STOP_WEDGED:
        return CLI_WEDGED;
    case KRNL_STOP_HOST:
        return CLI_ERROR;
    }
    return CLI_ERROR;
}

static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double thread_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// What the run took: known before a report, which may take more.
struct spent {
    double seconds, thread;
    struct cpu_stats cpu;
};

static void print_stats(struct sys *s, const struct start *start, const struct spent *spent)
{
    double seconds = spent->seconds;
    struct kernel *k = sys_kernel(s);
    const struct gpu_stats *g = gpu_stats(sys_gpu(s));
    uint64_t calls = 0;
    for (size_t i = 0; i < exp_row_count; i++)
        calls += krnl_calls(k, i);
    uint64_t n = krnl_instructions(k);
    fprintf(stderr, "seconds to the first guest instruction: %.4f (%.4f of CPU time)\n", start->wall, start->cpu);
    fprintf(stderr, "instructions: %" PRIu64 "\nhost seconds: %.3f (%.1f million instructions a second; %.3f of CPU time of the running thread)\nvirtual seconds: %.6f\n", n, seconds,
            (double)n / seconds / 1e6, spent->thread, (double)krnl_now(k) / 3.2e9);
    fprintf(stderr, "kernel calls: %" PRIu64 "\nframes: %" PRIu64 "\nGPU packets: %" PRIu64 ", draws: %" PRIu64 ", swaps: %" PRIu64 "\n", calls,
            krnl_frames(k), g->packets, g->draws, g->swaps);
    const struct cpu_stats c = spent->cpu;
    if (c.units || c.failed || c.loaded)
        fprintf(stderr, "compiled: %" PRIu64 " units, %" PRIu64 " instructions, %" PRIu64 " bytes of code, %.3f seconds; %" PRIu64 " units failed\n",
                c.units, c.instructions, c.code_bytes, c.seconds, c.failed);
    if (c.replaced)
        fprintf(stderr, "optimised later: %" PRIu64 " units\n", c.replaced);
    if (c.cache.file_bytes)
        fprintf(stderr, "cache: %" PRIu64 " hits (%" PRIu64 " instructions, %.3f seconds), %" PRIu64 " misses, %" PRIu64 " added, %" PRIu64
                " discarded, %" PRIu64 " bytes\n", c.cache.hits, c.loaded_instructions, c.cache.seconds, c.cache.misses, c.cache.added,
                c.cache.discarded, c.cache.file_bytes);
}

static int no_memory(const char *command)
{
    fprintf(stderr, "xenolith %s: out of memory\n", command);
    return CLI_ERROR;
}

static void report(struct options *o, struct sys *s, const struct krnl_result *result)
{
    struct error err = {0};
    bool known = cpu_registers_known(sys_cpu(s));
    if (!known && o->progress)
        fprintf(stderr, "%s: again, for its registers\n", result->message); // that may take as long as the run did
    known = known || sys_find_registers(s, result, &err);
    clear_progress(o);
    cli_report(stderr, s, result, o->map, known ? NULL : err.message);
}

static int finish(struct options *o, struct sys *s, const struct krnl_result *result, const struct start *start, double seconds)
{
    struct error err = {0};
    int status = exit_status(result);
    struct spent spent = {.seconds = seconds, .thread = thread_seconds() - start->thread};
    cpu_stats(sys_cpu(s), &spent.cpu);
    if (!o->differed && result->stop != KRNL_STOP_FRAMES && result->stop != KRNL_STOP_EXIT)
        report(o, s, result);
    cli_report_missing(stderr, sys_kernel(s));
    if (spent.cpu.problem[0])
        fprintf(stderr, "xenolith run: nothing was compiled: %s\n", spent.cpu.problem);
    if (o->stats)
        print_stats(s, start, &spent);
    if (o->state_hash) {
        char hash[33];
        if (sys_state_hash(s, hash))
            printf("state %s\n", hash);
        else
            status = no_memory("run");
    }
    if (!sys_finish_trace(s, result, &err)) {
        fprintf(stderr, "xenolith run: %s\n", err.message);
        status = CLI_ERROR;
    }
    return status;
}

static double seconds_since(const struct timespec *start)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

// The title's files, and the map that a report may read, stay; everything else was opened before. The recompiler's shared object
// and what it needs are opened when the first unit is compiled; its cache is open already.
static void enter_sandbox(const struct options *o, struct sys *s)
{
    struct sandbox_state state = {.message = "none: --no-sandbox"};
    bool compiles = o->config.tier != CPU_INTERPRETER;
    struct sandbox_request request = {
        .read = {sys_game_folder(s), o->map, compiles ? cpu_library_folder(sys_cpu(s)) : NULL, compiles ? "/usr/lib" : NULL},
        .write = {o->config.writable ? sys_game_folder(s) : NULL, compiles ? getenv("XENOLITH_RC_DUMP") : NULL},
        .new_code = compiles,
    };
    if (o->shadow && !o->no_sandbox)
        snprintf(state.message, sizeof state.message, "none: --shadow may have to write a file");
    else if (!o->no_sandbox)
        sandbox_enter(&request, &state);
    log_write(o->config.log, LOG_INFO, "sandbox", "%s", state.message);
}

// ---- --shadow

static const char shadow_file[] = "xenolith-shadow.jsonl";

static void differs(void *user, const struct cpu_difference *d)
{
    struct options *o = user;
    clear_progress(o);
    o->differed = true;
    fputs("xenolith run: ", stderr);
    shadow_case_explain(stderr, d);
    if (shadow_case_write(shadow_file, d))
        fprintf(stderr, "xenolith run: a test vector of it: %s (xenolith exec)\n", shadow_file);
    else
        fprintf(stderr, "xenolith run: no test vector can be written to %s\n", shadow_file);
}

static void print_shadow(struct sys *s)
{
    struct cpu_shadow_stats t;
    cpu_shadow_stats(sys_cpu(s), &t);
    fprintf(stderr, "shadow: %" PRIu64 " pieces, %" PRIu64 " instructions compared, %" PRIu64 " in the interpreter alone, %" PRIu64 " differences\n",
            t.pieces, t.instructions, t.alone, t.differences);
}

// ---- --perf-map

static void write_code(void *user, const void *host, size_t bytes, gva pc, enum cpu_tier tier)
{
    struct options *o = user;
    char name[300];
    if (!symbols_describe(&o->names, pc, name, sizeof name))
        snprintf(name, sizeof name, "guest");
    fprintf(o->perf, "%" PRIxPTR " %zx %s [%08x %s]\n", (uintptr_t)host, bytes, name, pc, tier == CPU_QUICK ? "quick" : "optimised");
    fflush(o->perf); // whoever looks does so while we run, or after a crash
}

static bool open_perf_map(struct options *o, struct sys *s, struct error *err)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/perf-%ld.map", (long)getpid());
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    o->perf = fd < 0 ? NULL : fdopen(fd, "w");
    if (!o->perf)
        return error_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    if (!symbols_add_title(&o->names, sys_title(s), err) || (o->map && !symbols_add_map(&o->names, o->map, err)))
        return false;
    symbols_settle(&o->names);
    cpu_on_code(sys_cpu(s), write_code, o);
    return true;
}

static bool watch(struct options *o, struct sys *s, struct error *err)
{
    return (!o->perf_map || open_perf_map(o, s, err)) && (!o->shadow || cpu_set_shadow(sys_cpu(s), differs, o, err));
}

static int run(struct options *o)
{
    struct error err = {0};
    struct sys *s;
    struct log log = {.write = write_log, .level = o->verbose ? LOG_INFO : LOG_WARN};
    o->config.log = &log;
    o->config.print = print_guest;
    o->config.print_user = o;
    start_timer(o);
    if (o->shadow && o->config.tier == CPU_INTERPRETER)
        o->config.tier = CPU_QUICK;
    if (!xex_find_keys(&o->found, o->key, o->keys, &err)) {
        fprintf(stderr, "xenolith run: %s\n", err.message);
        return CLI_ERROR;
    }
    if (o->config.tier != CPU_INTERPRETER)
        o->config.cache_folder = cli_cache_folder(o->cache, o->cache_folder, sizeof o->cache_folder);
    o->config.retail_key = o->found.has_retail ? o->found.retail : NULL;
    if (!sys_create(&s, &o->config, &err)) {
        fprintf(stderr, "xenolith run: %s\n", err.message);
        return CLI_ERROR;
    }
    if (!watch(o, s, &err)) {
        fprintf(stderr, "xenolith run: %s\n", err.message);
        sys_destroy(s);
        return CLI_ERROR;
    }
    if (o->entry_state && !sys_write_entry_state(s, o->entry_state, &err)) {
        fprintf(stderr, "xenolith run: %s\n", err.message);
        sys_destroy(s);
        return CLI_ERROR;
    }
    enter_sandbox(o, s);
    struct krnl_result result;
    struct start start = {seconds_since(&o->begun), cpu_seconds(), thread_seconds()};
    struct timespec running;
    clock_gettime(CLOCK_MONOTONIC, &running);
    o->sys = s;
    sys_run(s, &result);
    clear_progress(o);
    int status = finish(o, s, &result, &start, seconds_since(&running));
    if (o->shadow)
        print_shadow(s);
    if (o->differed)
        status = CLI_ERROR;
    sys_destroy(s);
    symbols_finish(&o->names);
    if (o->perf)
        fclose(o->perf);
    return status;
}

COMMAND(run, "boot a title and run it, recording what it asks of the machine")
{
    struct options o = {0};
    int id;
    clock_gettime(CLOCK_MONOTONIC, &o.begun);
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
