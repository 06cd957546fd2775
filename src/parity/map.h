// map.h: 64-bit numbers by 64-bit numbers. Zero is empty. Internal to parity/.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

struct par_map_row {
    uint64_t key, value; // key 0: free
};

struct par_map {
    struct par_map_row *rows;
    size_t count, capacity; // capacity: a power of two
};

static inline size_t par_map_place(const struct par_map *m, uint64_t key)
{
    uint64_t hash = key * 0x9E3779B97F4A7C15u;
    size_t at = (size_t)(hash ^ hash >> 32) & (m->capacity - 1);
    while (m->rows[at].key && m->rows[at].key != key)
        at = (at + 1) & (m->capacity - 1);
    return at;
}

// Address of the value, or NULL. `key` must not be 0. Good until the next par_map_put.
static inline uint64_t *par_map_get(const struct par_map *m, uint64_t key)
{
    if (!m->capacity || !key)
        return NULL;
    size_t at = par_map_place(m, key);
    return m->rows[at].key ? &m->rows[at].value : NULL;
}

// The value's address, made zero when new; NULL without memory or for key 0.
static inline uint64_t *par_map_put(struct par_map *m, uint64_t key)
{
    if (!key)
        return NULL;
    if (m->count * 2 >= m->capacity) {
        struct par_map grown = {.capacity = m->capacity ? m->capacity * 2 : 64, .count = m->count};
        grown.rows = calloc(grown.capacity, sizeof *grown.rows);
        if (!grown.rows)
            return NULL;
        for (size_t i = 0; i < m->capacity; i++)
            if (m->rows[i].key)
                grown.rows[par_map_place(&grown, m->rows[i].key)] = m->rows[i];
        free(m->rows);
        *m = grown;
    }
    size_t at = par_map_place(m, key);
    if (!m->rows[at].key) {
        m->rows[at].key = key;
        m->count++;
    }
    return &m->rows[at].value;
}

static inline void par_map_free(struct par_map *m)
{
    free(m->rows);
    *m = (struct par_map){0};
}
