// locate.h: which of the guest's instructions compiled code was at, from the host's program counter.
// Life: locate_free gives back what locate_add took; zero is an empty one.
// Threads: locate_pc may be called in a signal handler of the thread that calls the others.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct locate {
    struct located {
        const uint8_t *start;
        size_t size;
    } *pieces; // by rising address
    uint32_t count, capacity;
};

// Code with its table (struct rc_code). Pieces come by rising address. False: no memory, or no sound table.
bool locate_add(struct locate *l, const uint8_t *start, size_t size);
void locate_free(struct locate *l);

// The address of the instruction that accesses guest memory at `host`, perhaps + RC_TICKS_HELD; RC_NO_PLACE where no table knows.
uint32_t locate_pc(const struct locate *l, uintptr_t host);
