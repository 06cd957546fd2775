// symbols.h: names of guest addresses: imports, .pdata functions, the entry point, a linker's map.
// Life: a zeroed struct symbols; symbols_add_* in any order; symbols_settle; look-ups; symbols_finish.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"
#include "xex/xex.h"

// Where the same address has several names, the first source wins.
enum source { FROM_MAP, FROM_IMPORT, FROM_ENTRY, FROM_PDATA };

struct symbol {
    gva address;
    uint32_t size; // bytes; 0: unknown
    enum source source;
    uint32_t order; // among equals, as they came
    char *name;
};

struct symbols {
    struct symbol *at; // by address once settled
    size_t count, capacity;
};

// Imports, functions and entry point of a title. Fails with ERR_MEMORY.
bool symbols_add_title(struct symbols *l, const struct xex *x, struct error *err);
// The public symbols of an MSVC .map file. Fails with ERR_FORMAT where it has none.
bool symbols_add_map(struct symbols *l, const char *path, struct error *err);
// Sorts, and keeps one name an address.
void symbols_settle(struct symbols *l);
void symbols_finish(struct symbols *l);

// The symbol at exactly this address, NULL: none. symbols_from gives the index of the first at or after it.
const struct symbol *symbols_at(const struct symbols *l, gva address);
size_t symbols_from(const struct symbols *l, gva address);
// "name+0x12" of the function that holds the address; false (out is "") where nothing is known near it.
bool symbols_describe(const struct symbols *l, gva address, char *out, size_t size);
// In the shape of ppc_symbol_function: `user` is a struct symbols.
bool symbols_name(void *user, uint32_t address, char *out, size_t size);
