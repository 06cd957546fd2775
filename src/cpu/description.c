#include "cpu/description.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bytes.h"

static void hash_on(uint64_t words[2], const void *bytes, size_t size)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(bytes, size, words[0] ^ (words[1] << 1));
    words[0] = h.low64;
    words[1] = h.high64;
}

static uint32_t count_ranges(const struct rc_plan *p)
{
    uint32_t count = p->count > 0;
    for (uint32_t i = 1; i < p->count; i++)
        count += p->insns[i].pc != p->insns[i - 1].pc + 4;
    return count;
}

bool description_make(const struct rc_plan *p, enum rc_tier tier, struct cache_unit *out)
{
    uint32_t count = count_ranges(p), r = 0;
    struct cache_range *ranges = calloc(count ? count : 1, sizeof *ranges);
    uint8_t *bytes = malloc(p->count ? 4 * (size_t)p->count : 1);
    if (!ranges || !bytes || !p->count) {
        free(ranges);
        free(bytes);
        return false;
    }
    *out = (struct cache_unit){.pc = p->entries[0], .tier = tier, .instructions = p->count, .ranges = ranges, .range_count = count,
                               .entries = p->entries, .entry_count = p->entry_count};
    for (uint32_t i = 0; i < p->count; i++) {
        if (i && p->insns[i].pc != p->insns[i - 1].pc + 4)
            r++;
        if (!ranges[r].count)
            ranges[r].pc = p->insns[i].pc;
        ranges[r].count++;
        be32_set(bytes + 4 * (size_t)i, p->insns[i].word);
    }
    const uint8_t *at = bytes;
    for (r = 0; r < count; at += 4 * (size_t)ranges[r++].count)
        hash_on(out->words, at, 4 * (size_t)ranges[r].count);
    free(bytes);
    return true;
}

void description_free(struct cache_unit *u)
{
    free((void *)(uintptr_t)u->ranges);
    *u = (struct cache_unit){0};
}

bool description_holds(const struct mem *m, const struct cache_unit *u)
{
    uint64_t words[2] = {0};
    for (uint32_t i = 0; i < u->range_count; i++) {
        const struct cache_range *r = &u->ranges[i];
        if (r->pc % 4 || !r->count || r->count > (UINT32_MAX - r->pc) / 4)
            return false;
        const void *bytes = mem_at(m, r->pc, 4 * r->count, MEM_READ);
        if (!bytes)
            return false;
        hash_on(words, bytes, 4 * (size_t)r->count);
    }
    return u->range_count && !memcmp(words, u->words, sizeof words);
}

void cache_keep(struct cache *c, const struct rc_plan *p, enum rc_tier tier, const struct rc_code *code)
{
    struct cache_unit u;
    if (!description_make(p, tier, &u))
        return;
    if (code) {
        u.code = code->bytes;
        u.code_bytes = code->size;
        u.code_offset = code->offsets[0];
    }
    cache_add(c, &u);
    description_free(&u);
}
