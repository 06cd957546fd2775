// exports.h: the kernel API's contract: ordinals, names, typed arguments and results of xboxkrnl, xam and xbdm. No state.
// Source: the rows of xboxkrnl.def, xam.def and xbdm.def, through tools/exports.py, at build time.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum exp_module { EXP_XBOXKRNL, EXP_XAM, EXP_XBDM, EXP_MODULE_COUNT };
enum exp_state { EXP_ABSENT, EXP_PARTIAL, EXP_IMPLEMENTED };

// What an argument is. The C type in the implementation is uint32_t, but for U64/I64 (64 bits) and F64 (double).
enum exp_type {
    EXP_VOID,   // results only: r3 is left alone
    EXP_U32, EXP_I32, EXP_U16, EXP_U8, EXP_BOOL,
    EXP_U64, EXP_I64, EXP_F64,
    EXP_SIZE,    // bytes
    EXP_FLAGS,
    EXP_STATUS,  // NTSTATUS
    EXP_ERROR,   // Win32 error or HRESULT
    EXP_HANDLE,
    EXP_ADDRESS, // result: an address that an allocator or a lookup chose
    EXP_PTR,     // guest pointer to something untyped or to a structure
    EXP_IN_STR,  // char *
    EXP_IN_WSTR, // UTF-16BE *
    EXP_IN_ANSI, // ANSI_STRING *
    EXP_IN_OBJA, // OBJECT_ATTRIBUTES *
    EXP_P_U16, EXP_P_U32, EXP_P_U64, // pointer to a value read or written by the call
    EXP_P_HANDLE, EXP_P_ADDRESS,     // pointer to a handle, to an address
    EXP_P_TIME,                      // pointer to a 64-bit time
    EXP_FUNC,                        // guest code address
    EXP_TIME,                        // a time value
    EXP_TYPE_COUNT
};

struct exp_arg {
    const char *name;
    enum exp_type type;
};

struct exp_row {
    enum exp_module module;
    uint16_t ordinal;
    bool variable;
    enum exp_state state;
    const char *name;
    enum exp_type result;
    uint8_t arg_count;
    bool varargs;
    const struct exp_arg *args;
    const char *note; // what is missing (partial), where console and reference differ; "" else
};

// All rows of all modules, by module, then ordinal.
extern const struct exp_row exp_rows[];
extern const size_t exp_row_count;

// Row by ordinal or name, or NULL. exp_index gives a row's place in exp_rows.
const struct exp_row *exp_find(enum exp_module module, uint16_t ordinal);
const struct exp_row *exp_find_name(enum exp_module module, const char *name);
size_t exp_index(const struct exp_row *row);

// "xboxkrnl.exe", "xam.xex", "xbdm.xex" <-> enum. Accepts any case, with or without the ending. -1: none of them.
int exp_module_by_name(const char *name);
const char *exp_module_name(enum exp_module module);

bool exp_type_is_wide(enum exp_type type);    // takes 64 bits
bool exp_type_is_pointer(enum exp_type type); // the value is a guest address of data
