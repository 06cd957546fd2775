// link.h: an ELF object's code and constants as position-independent bytes.
// Threads: everything here is pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "cpu/recompiler/lines.h"

struct linked {
    uint8_t *bytes; // the caller frees them and the rows
    size_t size;
    uint32_t *offsets; // the caller's: where the symbols "u<i>" lie
    struct line_rows lines; // addresses are places in `bytes`
};

// Lays out the allocated sections of an x86-64 ELF object and applies their relocations, all of which must be relative and
// within the object. out->offsets has room for the `count` symbols' places.
bool rc_link(const uint8_t *object, size_t size, uint32_t count, struct linked *out, struct error *err);
