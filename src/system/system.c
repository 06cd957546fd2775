#include "system/system.h"

#include <nettle/sha2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exports/exports.h"
#include "system/state.h"
#include "system/wire.h"

static void hex(const uint8_t *bytes, size_t count, char *out)
{
    for (size_t i = 0; i < count; i++)
        sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void hash_title(struct sys *s)
{
    struct sha256_ctx ctx;
    uint8_t digest[SHA256_DIGEST_SIZE];
    sha256_init(&ctx);
    sha256_update(&ctx, s->file.title.size, s->file.title.data);
    sha256_update(&ctx, s->file.patch.size, s->file.patch.data); // nothing without a patch
    sha256_digest(&ctx, sizeof digest, digest);
    hex(digest, sizeof digest, s->title_hash);
}

static bool share_title(struct sys *s)
{
    s->xex = s->first->xex;
    memcpy(s->title_name, s->first->title_name, sizeof s->title_name);
    memcpy(s->title_hash, s->first->title_hash, sizeof s->title_hash);
    memcpy(s->game_folder, s->first->game_folder, sizeof s->game_folder);
    return true;
}

static bool open_title(struct sys *s, struct error *err)
{
    if (s->first)
        return share_title(s);
    const char *path = s->config.title_path;
    struct xex_file_options options = {s->config.retail_key, s->config.patch_path, s->config.ignore_hashes};
    if (!xex_file_open(&s->file, path, &options, err))
        return false;
    s->xex = s->file.xex;
    const char *first;
    uint32_t faults = xex_hash_faults(s->xex, &first);
    if (faults)
        log_write(s->config.log, LOG_WARN, "loader", "%u digests do not match; the first: %s", faults, first);
    if (s->file.patch_path[0])
        log_write(s->config.log, LOG_INFO, "loader", "patched with %s", s->file.patch_path);
    if (xex_image_error(s->xex)) {
        if (err)
            *err = *xex_image_error(s->xex);
        return error_context(err, "%s", path);
    }
    const char *slash = strrchr(path, '/');
    snprintf(s->title_name, sizeof s->title_name, "%s", slash ? slash + 1 : path);
    if (s->config.game_folder)
        snprintf(s->game_folder, sizeof s->game_folder, "%s", s->config.game_folder);
    else
        snprintf(s->game_folder, sizeof s->game_folder, "%.*s", slash ? (int)(slash - path) : 1, slash ? path : ".");
    if (!s->game_folder[0])
        strcpy(s->game_folder, "/");
    hash_title(s);
    return true;
}

static bool mount(struct sys *s, struct error *err)
{
    static const char device[] = "\\Device\\Harddisk0\\Partition1";
    if (!stor_create(&s->storage, err) || !stor_mount_host(s->storage, device, s->game_folder, !s->config.writable, err))
        return false;
    if (stor_link(s->storage, "game:", device) != STOR_OK || stor_link(s->storage, "d:", device) != STOR_OK)
        return error_set(err, ERR_STATE, "cannot link game: and d:");
    return true;
}

// The call table of the log, from the export rows.
static bool describe_exports(struct sys *s, struct error *err)
{
    s->exports = calloc(exp_row_count, sizeof *s->exports);
    if (!s->exports)
        return error_set(err, ERR_MEMORY, "no memory for the event log's tables");
    for (size_t i = 0; i < exp_row_count; i++) {
        const struct exp_row *row = &exp_rows[i];
        struct trace_export *e = &s->exports[i];
        *e = (struct trace_export){.module = exp_module_name(row->module), .name = row->name, .ordinal = row->ordinal,
                                   .arg_count = row->arg_count, .returns_void = row->result == EXP_VOID,
                                   .returns_time = row->result == EXP_TIME, .unimplemented = row->state == EXP_ABSENT};
        for (unsigned a = 0; a < row->arg_count; a++)
            if (exp_type_is_wide(row->args[a].type))
                e->wide_args |= UINT64_C(1) << a;
    }
    return true;
}

static bool open_trace(struct sys *s, struct error *err)
{
    if (!s->config.trace_path)
        return true;
    if (!describe_exports(s, err))
        return false;
    char boot[32], frames[32];
    snprintf(boot, sizeof boot, "%llu", (unsigned long long)STOR_TIME);
    snprintf(frames, sizeof frames, "%llu", (unsigned long long)s->config.frame_limit);
    const char *keys[] = {
        "build", "xenolith 0.1.0", "title.sha256", s->title_hash, "profile", s->config.profile == KRNL_REFERENCE ? "reference" : "console",
        "pace", s->config.pace == SYS_PACE_VBLANK ? "vblank" : "none", "on-missing", s->config.on_missing == KRNL_MISSING_STOP ? "stop" : "continue",
        "boot-time", boot, "frames", frames, NULL,
    };
    struct trace_header header = {.title = s->title_name, .keys = keys};
    return trace_create(&s->trace, s->config.trace_path, s->exports, exp_row_count, &header, err);
}

static bool make_kernel(struct sys *s, struct error *err)
{
    struct krnl_config config = {
        .profile = s->config.profile, .on_missing = s->config.on_missing, .boot_time = STOR_TIME, .frame_limit = s->config.frame_limit,
        .instruction_limit = s->config.instruction_limit, .retail_key = s->config.retail_key, .ignore_hashes = s->config.ignore_hashes,
        .title_name = s->title_name, .trace_gpu = s->config.trace_gpu, .print = s->config.print, .print_user = s->config.print_user,
        .poll = s->config.poll, .poll_user = s->config.poll_user,
    };
    sys_wire_video(s, &config.video);
    return krnl_create(&s->kernel, &config, s->mem, s->cpu, s->storage, s->trace, s->config.log, err) && krnl_boot(s->kernel, err) &&
           krnl_load(s->kernel, s->xex, err);
}

static void warn(void *user, const char *text)
{
    const struct sys *s = user;
    log_write(s->config.log, LOG_WARN, "recompiler", "%s", text);
}

// A cache that cannot be used costs time only.
static bool choose_tier(struct sys *s, struct error *err)
{
    if (s->first)
        return cpu_repeat(s->cpu, s->first->cpu, err);
    if (!cpu_set_tier(s->cpu, s->config.tier, err))
        return false;
    char title[17];
    snprintf(title, sizeof title, "%.16s", s->title_hash);
    struct cpu_cache_config cache = {.folder = s->config.cache_folder, .title = title, .limit_bytes = s->config.cache_limit, .warn = warn, .user = s};
    struct error why = {0};
    if (!cpu_set_cache(s->cpu, &cache, &why))
        warn(s, why.message);
    return true;
}

bool sys_build(struct sys *s, struct error *err)
{
    return open_title(s, err) && mount(s, err) && mem_create(&s->mem, err) && cpu_create(&s->cpu, s->mem, err) && choose_tier(s, err) &&
           open_trace(s, err) && sys_wire_gpu(s, err) && make_kernel(s, err);
}

bool sys_create(struct sys **out, const struct sys_config *config, struct error *err)
{
    struct sys *s = calloc(1, sizeof *s);
    if (!s)
        return error_set(err, ERR_MEMORY, "out of memory");
    s->config = *config;
    if (!sys_build(s, err)) {
        sys_destroy(s);
        return false;
    }
    *out = s;
    return true;
}

void sys_destroy(struct sys *s)
{
    if (!s)
        return;
    krnl_destroy(s->kernel);
    trace_close(s->trace, NULL);
    gpu_destroy(s->gpu);
    stor_destroy(s->storage);
    cpu_destroy(s->cpu);
    mem_destroy(s->mem);
    xex_file_close(&s->file);
    free(s->exports);
    free(s);
}

void sys_run(struct sys *s, struct krnl_result *result)
{
    krnl_run(s->kernel, result);
}

bool sys_finish_trace(struct sys *s, const struct krnl_result *result, struct error *err)
{
    if (!s->trace)
        return true;
    krnl_trace_exit_state(s->kernel, result);
    struct trace *t = s->trace;
    s->trace = NULL;
    krnl_forget_trace(s->kernel);
    return trace_close(t, err);
}

struct kernel *sys_kernel(struct sys *s)
{
    return s->kernel;
}

struct mem *sys_memory(struct sys *s)
{
    return s->mem;
}

const struct gpu *sys_gpu(const struct sys *s)
{
    return s->gpu;
}

struct cpu *sys_cpu(struct sys *s)
{
    return s->cpu;
}

const struct xex *sys_title(const struct sys *s)
{
    return s->xex;
}

const char *sys_game_folder(const struct sys *s)
{
    return s->game_folder;
}
