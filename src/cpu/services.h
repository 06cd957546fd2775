// services.h: what compiled code calls of the program besides instructions, here once and not in each unit.
// Threads: everything here is pure but for the state it is given.
#pragma once
#include "cpu/recompiler/interface.h"

// Runs `code`, which is a unit, or with the address of a quick one in `quick`, services_enter_quick.
struct rc_next services_enter(uint8_t *s, uint8_t *m, uint32_t number, uint64_t ticks, rc_function *code, rc_function *quick);

// See struct rc_environment. Only compiled code can call them.
rc_unit services_call, services_jump;
rc_function services_enter_quick;
uint32_t services_quick_call(uint8_t *s, uint8_t *m, uint32_t target, uint32_t next);
uint32_t services_quick_jump(uint8_t *s, uint8_t *m, uint32_t target);
uint32_t services_quick_return(uint8_t *s, uint8_t *m, uint32_t target, uint32_t next);
