// link.h: an ELF object's code and constants as position-independent bytes.
// Threads: everything here is pure.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

// Lays out the allocated sections of an x86-64 ELF object and applies their relocations, all of which must be relative and
// within the object. offsets[i] is where the symbol "u<i>" lies, for i below `count`. The caller frees *out.
bool rc_link(const uint8_t *object, size_t size, uint32_t count, uint8_t **out, size_t *out_size, uint32_t *offsets,
             struct error *err);
