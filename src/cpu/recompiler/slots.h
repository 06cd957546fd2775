// slots.h: the state divided into slots, the pieces that instructions read and write whole.
// Threads: everything here is pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ppc/ppc.h"

// SLOTS(field, size, count): arrays of slots, all that may live in host registers, in the order of their numbers.
#define RC_SLOTS(SLOTS)                                                                                                \
    SLOTS(gpr, 8, 32)                                                                                                  \
    SLOTS(fpr, 8, 32)                                                                                                  \
    SLOTS(vr, 16, 128)                                                                                                 \
    SLOTS(cr, 1, 32)                                                                                                   \
    SLOTS(lr, 8, 1)                                                                                                    \
    SLOTS(ctr, 8, 1)                                                                                                   \
    SLOTS(msr, 8, 1)                                                                                                   \
    SLOTS(xer_so, 1, 1)                                                                                                \
    SLOTS(xer_ov, 1, 1)                                                                                                \
    SLOTS(xer_ca, 1, 1)                                                                                                \
    SLOTS(xer_count, 1, 1)                                                                                             \
    SLOTS(vscr_nj, 1, 1)                                                                                               \
    SLOTS(vscr_sat, 1, 1)                                                                                              \
    SLOTS(reserved, 1, 1)                                                                                              \
    SLOTS(exit, 1, 1)                                                                                                  \
    SLOTS(vrsave, 4, 1)                                                                                                \
    SLOTS(reserve_address, 4, 1)                                                                                       \
    SLOTS(fp.fpscr, 4, 1)                                                                                              \
    SLOTS(fp.pending, 4, 1)                                                                                            \
    SLOTS(fp.a, 8, 1)                                                                                                  \
    SLOTS(fp.b, 8, 1)                                                                                                  \
    SLOTS(fp.c, 8, 1)                                                                                                  \
    SLOTS(fp.compare_a, 8, 1)                                                                                          \
    SLOTS(fp.compare_b, 8, 1)                                                                                          \
    SLOTS(target, 4, 1)

// Slots that stay in memory because others look at them at any time.
#define RC_FIXED(SLOTS)                                                                                                \
    SLOTS(pc, 4, 1)                                                                                                    \
    SLOTS(fault_address, 4, 1)                                                                                         \
    SLOTS(fault_write, 4, 1)                                                                                           \
    SLOTS(block_pc, 4, 1)                                                                                              \
    SLOTS(hw, 4, 1)                                                                                                    \
    SLOTS(cycles, 8, 1)                                                                                                \
    SLOTS(slice_end, 8, 1)

enum {
#define COUNT(field, size, count) +(count)
    RC_SLOT_COUNT = 0 RC_SLOTS(COUNT),
#undef COUNT
    RC_SET_WORDS = (RC_SLOT_COUNT + 63) / 64,
};

struct rc_slot {
    uint32_t offset, size;
};

struct rc_set {
    uint64_t words[RC_SET_WORDS];
};

// The number of the slot that starts at `offset`; -1 where none does or it is fixed.
int rc_slot_at(uint32_t offset);
struct rc_slot rc_slot(int number);
uint32_t rc_slot_size(uint32_t offset); // 0 where no slot, fixed ones included, starts

static inline bool rc_set_has(const struct rc_set *s, int slot)
{
    return s->words[slot / 64] >> (slot % 64) & 1;
}

static inline void rc_set_add(struct rc_set *s, int slot)
{
    s->words[slot / 64] |= 1ull << (slot % 64);
}

static inline void rc_set_remove(struct rc_set *s, int slot)
{
    s->words[slot / 64] &= ~(1ull << (slot % 64));
}

// Adds all of `from`; true where that changed `to`.
static inline bool rc_set_unite(struct rc_set *to, const struct rc_set *from)
{
    uint64_t changed = 0;
    for (int i = 0; i < RC_SET_WORDS; i++) {
        changed |= from->words[i] & ~to->words[i];
        to->words[i] |= from->words[i];
    }
    return changed != 0;
}

static inline void rc_set_subtract(struct rc_set *to, const struct rc_set *what)
{
    for (int i = 0; i < RC_SET_WORDS; i++)
        to->words[i] &= ~what->words[i];
}

static inline struct rc_set rc_set_common(const struct rc_set *a, const struct rc_set *b)
{
    struct rc_set r;
    for (int i = 0; i < RC_SET_WORDS; i++)
        r.words[i] = a->words[i] & b->words[i];
    return r;
}

// The slots within [offset, offset + size).
struct rc_set rc_set_of_range(uint32_t offset, uint32_t size);
