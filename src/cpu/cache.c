#include "cpu/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

enum {
    MAGIC = 0x55435658, // "XVCU"
    FORMAT = 1,
    ALIGNMENT = 16,
    MOST_RANGES = 1 << 16,
    MOST_ENTRIES = 1 << 16,
    MOST_CODE = 1 << 26,
    LEVEL = 1, // of zstd
    CHUNK = 1 << 18, // read at a time while looking for records
};

struct head {
    char name[16];
    uint32_t format, unused;
    uint64_t version[2];
    uint64_t check;
    uint64_t zeros;
    uint8_t more[8];
};
static const char head_name[16] = "xenolith units";

struct record {
    uint32_t magic, bytes; // the whole, padding included
    uint32_t pc, tier;
    uint32_t instructions, range_count, entry_count;
    uint32_t code_bytes, packed_bytes, code_offset;
    uint64_t words[2];
    uint64_t payload; // hash of what follows: ranges, entries, packed code
    uint64_t check;   // of all the above, seeded with the version
};

struct known {
    uint32_t pc, tier;
    uint64_t at;
    bool dead;
};

struct cache {
    pthread_mutex_t lock;
    struct cache_version version;
    struct cpu_cache_config config; // its strings: `folder` is a copy, `title` is gone
    char *folder;
    int fd;
    bool writable, warned;
    uint64_t limit;  // of the file
    uint64_t end;    // as far as records were looked for
    uint64_t sound;  // the end of the last one
    struct known *known;
    uint32_t known_count, known_capacity;
    uint32_t *slots; // by key: number in known + 1; open addressing
    uint32_t slot_count;
    uint8_t *buffer; // one record
    size_t buffer_size;
    ZSTD_DCtx *unpack;
    struct cpu_cache_stats stats;
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

// ---- The index

static uint32_t slot_of(const struct cache *c, uint32_t tier, uint32_t pc)
{
    return ((pc / 4 * 2 + tier) * 2654435761u) & (c->slot_count - 1);
}

static void put_slot(struct cache *c, uint32_t number)
{
    uint32_t i = slot_of(c, c->known[number].tier, c->known[number].pc);
    while (c->slots[i])
        i = (i + 1) & (c->slot_count - 1);
    c->slots[i] = number + 1;
}

static bool grow_index(struct cache *c)
{
    uint32_t capacity = c->known_capacity ? 2 * c->known_capacity : 1024;
    struct known *known = realloc(c->known, capacity * sizeof *known);
    if (!known)
        return false;
    c->known = known;
    uint32_t *slots = calloc(2 * (size_t)capacity, sizeof *slots);
    if (!slots)
        return false;
    free(c->slots);
    c->slots = slots;
    c->slot_count = 2 * capacity;
    c->known_capacity = capacity;
    for (uint32_t i = 0; i < c->known_count; i++)
        put_slot(c, i);
    return true;
}

static void remember(struct cache *c, const struct record *r, uint64_t at)
{
    if (c->known_count == c->known_capacity && !grow_index(c))
        return;
    c->known[c->known_count] = (struct known){r->pc, r->tier, at, false};
    put_slot(c, c->known_count++);
}

// ---- Reading

static uint64_t check_of(const struct cache *c, const struct record *r)
{
    return XXH3_64bits_withSeed(r, offsetof(struct record, check), c->version.hash[0] ^ c->version.hash[1]);
}

static uint64_t payload_bytes(const struct record *r)
{
    return (uint64_t)r->range_count * sizeof(struct cache_range) + (uint64_t)r->entry_count * 4 + r->packed_bytes;
}

static bool plausible(const struct cache *c, const struct record *r)
{
    return r->magic == MAGIC && r->check == check_of(c, r) && r->range_count <= MOST_RANGES && r->entry_count <= MOST_ENTRIES &&
           r->code_bytes <= MOST_CODE && (!r->code_bytes || r->code_offset < r->code_bytes) && r->bytes % ALIGNMENT == 0 &&
           payload_bytes(r) <= r->bytes - sizeof *r && r->bytes >= sizeof *r;
}

static bool read_at(int fd, void *out, size_t size, uint64_t at)
{
    uint8_t *p = out;
    while (size) {
        ssize_t n = pread(fd, p, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

static bool file_size(const struct cache *c, uint64_t *out)
{
    struct stat st;
    if (fstat(c->fd, &st))
        return false;
    *out = (uint64_t)st.st_size;
    return true;
}

// Looks at the records behind c->end. Where none starts, at the next aligned place.
static void look_on(struct cache *c)
{
    uint64_t size;
    if (!file_size(c, &size) || size < c->end + sizeof(struct record))
        return;
    uint8_t *chunk = malloc(CHUNK);
    uint64_t from = 0, have = 0;
    bool damaged = false;
    while (chunk && c->end + sizeof(struct record) <= size) {
        if (c->end < from || c->end + sizeof(struct record) > from + have) {
            from = c->end;
            have = size - from < CHUNK ? size - from : CHUNK;
            if (!read_at(c->fd, chunk, have, from))
                break;
        }
        struct record r;
        memcpy(&r, chunk + (c->end - from), sizeof r);
        if (plausible(c, &r)) {
            if (r.bytes > size - c->end)
                break; // somebody is writing it, or was killed then
            remember(c, &r, c->end);
            c->end += r.bytes;
            c->sound = c->end;
            damaged = false;
        } else {
            c->stats.discarded += !damaged;
            damaged = true;
            c->end += ALIGNMENT;
        }
    }
    free(chunk);
}

static bool make_room(struct cache *c, size_t size)
{
    if (size <= c->buffer_size)
        return true;
    uint8_t *bigger = realloc(c->buffer, size);
    if (!bigger)
        return false;
    c->buffer = bigger;
    c->buffer_size = size;
    return true;
}

// The record's payload is in c->buffer behind it.
static bool load(struct cache *c, const struct known *k, struct record *r, struct cache_unit *out)
{
    if (!read_at(c->fd, r, sizeof *r, k->at) || !plausible(c, r) || r->pc != k->pc || r->tier != k->tier || !make_room(c, r->bytes))
        return false;
    uint64_t size = payload_bytes(r);
    if (!read_at(c->fd, c->buffer, size, k->at + sizeof *r) || XXH3_64bits(c->buffer, size) != r->payload)
        return false;
    size_t ranges = r->range_count * sizeof(struct cache_range);
    *out = (struct cache_unit){
        .pc = r->pc, .tier = r->tier, .instructions = r->instructions,
        .ranges = (const struct cache_range *)(const void *)c->buffer, .range_count = r->range_count,
        .entries = (const uint32_t *)(const void *)(c->buffer + ranges), .entry_count = r->entry_count,
        .words = {r->words[0], r->words[1]}, .code_bytes = r->code_bytes, .code_offset = r->code_offset,
    };
    return r->entry_count && out->entries[0] == r->pc;
}

static bool unpack(struct cache *c, const struct record *r, uint8_t *place, size_t room)
{
    if (!r->code_bytes)
        return true;
    const uint8_t *packed = c->buffer + payload_bytes(r) - r->packed_bytes;
    return r->code_bytes <= room && ZSTD_decompressDCtx(c->unpack, place, room, packed, r->packed_bytes) == r->code_bytes;
}

static bool find(struct cache *c, uint32_t tier, uint32_t pc, cache_same *same, void *user, uint8_t *place, size_t room,
                 struct cache_unit *out)
{
    for (uint32_t i = slot_of(c, tier, pc); c->slot_count && c->slots[i]; i = (i + 1) & (c->slot_count - 1)) {
        struct known *k = &c->known[c->slots[i] - 1];
        struct record r;
        if (k->dead || k->pc != pc || k->tier != tier)
            continue;
        if (!load(c, k, &r, out)) {
            k->dead = true;
            c->stats.discarded++;
            continue;
        }
        if (!same(user, out))
            continue;
        if (unpack(c, &r, place, room)) {
            out->code = place;
            return true;
        }
        k->dead = true;
        c->stats.discarded++;
    }
    return false;
}

static bool knows(const struct cache *c, uint32_t tier, uint32_t pc)
{
    for (uint32_t i = c->slot_count ? slot_of(c, tier, pc) : 0; c->slot_count && c->slots[i]; i = (i + 1) & (c->slot_count - 1))
        if (c->known[c->slots[i] - 1].pc == pc && c->known[c->slots[i] - 1].tier == tier)
            return true;
    return false;
}

bool cache_find(struct cache *c, uint32_t tier, uint32_t pc, cache_same *same, void *user, bool again, uint8_t *place,
                size_t room, struct cache_unit *out)
{
    pthread_mutex_lock(&c->lock);
    if (!again && !knows(c, tier, pc)) { // the usual answer, and asking for the time takes longer
        pthread_mutex_unlock(&c->lock);
        return false;
    }
    double start = now();
    bool found = find(c, tier, pc, same, user, place, room, out);
    if (!found && again) { // perhaps somebody else has compiled it meanwhile
        uint32_t before = c->known_count;
        look_on(c);
        found = c->known_count > before && find(c, tier, pc, same, user, place, room, out);
    }
    c->stats.hits += found;
    c->stats.seconds += now() - start;
    pthread_mutex_unlock(&c->lock);
    return found;
}

// ---- Writing

// Other processes wait; a process that dies gives the lock back.
static void lock_file(const struct cache *c, bool locked)
{
    struct flock lock = {.l_type = locked ? F_WRLCK : F_UNLCK, .l_whence = SEEK_SET};
    while (fcntl(c->fd, F_OFD_SETLKW, &lock) && errno == EINTR)
        ;
}

// From now on nothing is added.
static void give_up(struct cache *c, const char *why)
{
    c->writable = false;
    if (!c->warned && c->config.warn) {
        char text[512];
        snprintf(text, sizeof text, "compiled code is not kept: %s: %s", c->folder, why);
        c->config.warn(c->config.user, text);
    }
    c->warned = true;
}

static bool write_at(const struct cache *c, const void *data, size_t size, uint64_t at)
{
    const uint8_t *p = data;
    while (size) {
        ssize_t n = pwrite(c->fd, p, size, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            if (!n)
                errno = ENOSPC;
            return false;
        }
        p += n;
        at += (uint64_t)n;
        size -= (size_t)n;
    }
    return true;
}

static bool same_words(void *user, const struct cache_unit *u)
{
    const struct cache_unit *mine = user;
    return !memcmp(u->words, mine->words, sizeof u->words) && u->range_count == mine->range_count &&
           !memcmp(u->ranges, mine->ranges, u->range_count * sizeof *u->ranges);
}

static bool has(struct cache *c, const struct cache_unit *u)
{
    for (uint32_t i = slot_of(c, u->tier, u->pc); c->slot_count && c->slots[i]; i = (i + 1) & (c->slot_count - 1)) {
        struct known *k = &c->known[c->slots[i] - 1];
        struct record r;
        struct cache_unit other;
        if (!k->dead && k->pc == u->pc && k->tier == u->tier && load(c, k, &r, &other) && same_words((void *)(uintptr_t)u, &other))
            return true;
    }
    return false;
}

// Nobody else writes now: what lies behind the last sound record is a piece of one.
static void append(struct cache *c, const uint8_t *bytes, size_t size)
{
    if (c->sound + size > c->limit) {
        give_up(c, "the limit of its size is reached");
        return;
    }
    bool ok = !ftruncate(c->fd, (off_t)c->sound) && write_at(c, bytes, size, c->sound);
    int number = errno;
    if (!ok) {
        ok = !ftruncate(c->fd, (off_t)c->sound);
        give_up(c, strerror(number));
        return;
    }
    c->end = c->sound;
    c->stats.added++;
    look_on(c);
}

// The whole record, malloc'd; its payload's hash and its own are still to be made.
static uint8_t *make_record(const struct cache_unit *u, size_t *size)
{
    size_t ranges = u->range_count * sizeof *u->ranges, entries = u->entry_count * sizeof *u->entries;
    size_t room = sizeof(struct record) + ranges + entries + (u->code_bytes ? ZSTD_compressBound(u->code_bytes) : 0) + ALIGNMENT;
    uint8_t *bytes = calloc(1, room);
    if (!bytes)
        return NULL;
    struct record *r = (struct record *)(void *)bytes;
    uint8_t *at = bytes + sizeof *r;
    memcpy(at, u->ranges, ranges);
    memcpy(at + ranges, u->entries, entries);
    size_t packed = 0;
    if (u->code_bytes)
        packed = ZSTD_compress(at + ranges + entries, room - ALIGNMENT - sizeof *r - ranges - entries, u->code, u->code_bytes, LEVEL);
    if (ZSTD_isError(packed)) {
        free(bytes);
        return NULL;
    }
    *size = (sizeof *r + ranges + entries + packed + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    *r = (struct record){
        .magic = MAGIC, .bytes = (uint32_t)*size, .pc = u->pc, .tier = u->tier, .instructions = u->instructions,
        .range_count = u->range_count, .entry_count = u->entry_count, .code_bytes = (uint32_t)u->code_bytes,
        .packed_bytes = (uint32_t)packed, .code_offset = u->code_offset, .words = {u->words[0], u->words[1]},
    };
    r->payload = XXH3_64bits(at, payload_bytes(r));
    return bytes;
}

void cache_add(struct cache *c, const struct cache_unit *u)
{
    if (u->range_count > MOST_RANGES || u->entry_count > MOST_ENTRIES || u->code_bytes > MOST_CODE)
        return;
    size_t size = 0;
    uint8_t *bytes = make_record(u, &size); // outside the lock: it takes time
    if (!bytes)
        return;
    struct record *r = (struct record *)(void *)bytes;
    r->check = check_of(c, r);
    pthread_mutex_lock(&c->lock);
    if (!c->writable) {
        if (!c->warned)
            give_up(c, "cannot be written");
    } else {
        lock_file(c, true);
        look_on(c);
        if (!has(c, u))
            append(c, bytes, size);
        lock_file(c, false);
    }
    pthread_mutex_unlock(&c->lock);
    free(bytes);
}

bool cache_has(struct cache *c, const struct cache_unit *u)
{
    pthread_mutex_lock(&c->lock);
    bool found = has(c, u);
    pthread_mutex_unlock(&c->lock);
    return found;
}

bool cache_is_empty(struct cache *c)
{
    pthread_mutex_lock(&c->lock);
    bool empty = !c->known_count;
    pthread_mutex_unlock(&c->lock);
    return empty;
}

// ---- The folder

static const char suffix[] = ".units";

struct found {
    char name[NAME_MAX + 1];
    uint64_t bytes;
    struct timespec used;
};

static bool is_ours(const char *name)
{
    size_t length = strlen(name);
    return length > sizeof suffix - 1 && !strcmp(name + length - (sizeof suffix - 1), suffix);
}

static bool older(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

// The bytes of all files, and the one that was opened longest ago, `mine` apart.
static uint64_t survey(int folder, const char *mine, struct found *oldest)
{
    uint64_t sum = 0;
    oldest->name[0] = 0;
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);
    if (!d) {
        if (fd >= 0)
            close(fd);
        return 0;
    }
    for (struct dirent *e; (e = readdir(d));) {
        struct stat st;
        if (!is_ours(e->d_name) || fstatat(folder, e->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        sum += (uint64_t)st.st_size;
        if (!strcmp(e->d_name, mine) || (oldest->name[0] && !older(&st.st_mtim, &oldest->used)))
            continue;
        snprintf(oldest->name, sizeof oldest->name, "%s", e->d_name);
        oldest->bytes = (uint64_t)st.st_size;
        oldest->used = st.st_mtim;
    }
    closedir(d);
    return sum;
}

// Where the folder is nearly full, removes what was opened longest ago until it is half empty. Returns the others' bytes.
static uint64_t evict(int folder, const char *mine, uint64_t limit)
{
    struct found oldest;
    struct stat st;
    uint64_t sum = survey(folder, mine, &oldest), nearly = limit / 4 * 3;
    if (sum > nearly)
        while (sum > limit / 2 && oldest.name[0] && !unlinkat(folder, oldest.name, 0))
            sum = survey(folder, mine, &oldest);
    if (fstatat(folder, mine, &st, AT_SYMLINK_NOFOLLOW))
        return sum;
    if ((uint64_t)st.st_size > nearly) // begins anew
        unlinkat(folder, mine, 0);
    return sum - (uint64_t)st.st_size;
}

static bool make_folders(const char *path)
{
    char part[PATH_MAX];
    if (strlen(path) >= sizeof part)
        return false;
    for (size_t i = 1;; i++) {
        if (path[i] != '/' && path[i])
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0700) && errno != EEXIST && (!path[i] || access(part, F_OK)))
            return false;
        if (!path[i])
            return true;
    }
}

static uint64_t head_check(const struct head *h)
{
    return XXH3_64bits(h, offsetof(struct head, check));
}

// Somebody else's file, or none: begins anew.
static bool begin(struct cache *c, bool *foreign)
{
    struct head h = {.format = FORMAT, .version = {c->version.hash[0], c->version.hash[1]}}, there;
    memcpy(h.name, head_name, sizeof h.name);
    h.check = head_check(&h);
    c->end = c->sound = sizeof h;
    if (read_at(c->fd, &there, sizeof there, 0) && !memcmp(&there, &h, sizeof h))
        return true;
    *foreign = true;
    return c->writable && !ftruncate(c->fd, 0) && write_at(c, &h, sizeof h, 0);
}

static bool open_file(struct cache *c, int folder, const char *name)
{
    c->fd = openat(folder, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    c->writable = c->fd >= 0;
    if (c->fd < 0)
        c->fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    return c->fd >= 0 && !fstat(c->fd, &st) && S_ISREG(st.st_mode);
}

static bool open_all(struct cache *c, struct error *err)
{
    char name[128];
    snprintf(name, sizeof name, "%.40s-%016" PRIx64 "%s", c->config.title, c->version.hash[0], suffix);
    make_folders(c->config.folder);
    int folder = open(c->config.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set(err, ERR_IO, "cache of compiled code: %s: %s", c->config.folder, strerror(errno));
    uint64_t others = evict(folder, name, c->limit);
    c->limit = others < c->limit ? c->limit - others : 0;
    bool foreign = false, ok = open_file(c, folder, name);
    int number = errno;
    if (ok && c->writable) {
        lock_file(c, true);
        ok = begin(c, &foreign);
        number = errno;
        if (ok)
            futimens(c->fd, NULL);
        lock_file(c, false);
    } else if (ok) {
        ok = begin(c, &foreign);
        number = EROFS;
    }
    close(folder);
    if (!ok)
        return error_set(err, ERR_IO, "cache of compiled code: %s/%s: %s", c->config.folder, name, strerror(number));
    look_on(c);
    return true;
}

bool cache_open(struct cache **out, const struct cpu_cache_config *config, struct cache_version version, struct error *err)
{
    struct cache *c = calloc(1, sizeof *c);
    if (!c)
        return error_set(err, ERR_MEMORY, "no memory for the cache of compiled code");
    pthread_mutex_init(&c->lock, NULL);
    c->version = version;
    c->config = *config;
    c->limit = config->limit_bytes ? config->limit_bytes : CPU_CACHE_LIMIT;
    c->fd = -1;
    c->unpack = ZSTD_createDCtx();
    c->folder = strdup(config->folder);
    bool ok = c->unpack && c->folder ? open_all(c, err) : error_set(err, ERR_MEMORY, "no memory for the cache of compiled code");
    if (!ok) {
        cache_close(c);
        return false;
    }
    *out = c;
    return true;
}

void cache_close(struct cache *c)
{
    if (!c)
        return;
    if (c->fd >= 0)
        close(c->fd);
    ZSTD_freeDCtx(c->unpack);
    free(c->folder);
    free(c->known);
    free(c->slots);
    free(c->buffer);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

void cache_stats(struct cache *c, struct cpu_cache_stats *out)
{
    pthread_mutex_lock(&c->lock);
    *out = c->stats;
    uint64_t size;
    out->file_bytes = file_size(c, &size) ? size : 0;
    pthread_mutex_unlock(&c->lock);
}
