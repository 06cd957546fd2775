// layout.h: what compiled code knows of the program that runs it, as one number.
// Threads: everything here is constant.
#pragma once
#include "cpu/recompiler/interface.h"
#include "cpu/recompiler/slots.h"

// Where the state's pieces lie, how many instructions and externals there are, and what lies below guest address 0.
#define RC_LAYOUT_MIX(h, v) (((h) ^ (uint64_t)(v)) * 0x100000001B3)
#define RC_LAYOUT_ROW(field, size, count) +(offsetof(struct ppc_state, field) * 0x9E3779B1ull + (size) * 0x85EBCA77ull + (count)) * ((offsetof(struct ppc_state, field) << 1) | 1)
#define RC_LAYOUT                                                                                                      \
    RC_LAYOUT_MIX(RC_LAYOUT_MIX(RC_LAYOUT_MIX(RC_LAYOUT_MIX(RC_LAYOUT_MIX((0 RC_SLOTS(RC_LAYOUT_ROW) RC_FIXED(RC_LAYOUT_ROW)), sizeof(struct ppc_state)), \
                  PPC_OPCODE_COUNT), RC_EXTERNAL_COUNT), sizeof(struct rc_environment)), RC_ENVIRONMENT_OFFSET(targets))
