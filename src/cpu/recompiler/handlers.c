// handlers.c: every instruction as a function of its own, for compiling to bitcode with clang. Never linked.
#include <stdbool.h>

#include "ppc/ppc.h"

// What the cloner answers itself (specialise.c).
bool rc_known_fast(void) __attribute__((const));
bool rc_tracks_singles(void) __attribute__((const));
bool rc_known_single(const uint64_t *slot) __attribute__((const));
float rc_get_single(const uint64_t *slot) __attribute__((pure));
void rc_keep_single(uint64_t *slot, float value);
void rc_set_single(uint64_t *slot, float value);
bool rc_known_minus_zero(const union ppc_vector *slot) __attribute__((const));
void rc_forget(const uint64_t *slot);
void rc_leave(void) __attribute__((noreturn));
bool rc_checked_later(double result) __attribute__((const));
bool rc_checked_later_single(float result) __attribute__((const));
bool rc_keeps_compares(void) __attribute__((const));
void rc_keep_compare(uint8_t *field, uint64_t a, uint64_t b);
void rc_keep_double_compare(uint8_t *field, uint64_t a, uint64_t b);
#define FP_KNOWN_FAST() rc_known_fast()
#define FP_TRACKS_SINGLES() rc_tracks_singles()
#define FP_KNOWN_SINGLE(s, n) rc_known_single(&(s)->fpr[n])
#define FP_GET_SINGLE(s, n) rc_get_single(&(s)->fpr[n])
#define FP_KEEP_SINGLE(s, field, n) rc_keep_single(&(field), rc_get_single(&(s)->fpr[n]))
#define FP_SET_SINGLE(s, n, value) rc_set_single(&(s)->fpr[n], value)
#define VMX_KNOWN_MINUS_ZERO(s, n) rc_known_minus_zero(&(s)->vr[n])
#define FP_LEAVE() rc_leave()
#define FP_CHECKED_LATER(result) rc_checked_later(result)
#define FP_CHECKED_LATER_SINGLE(result) rc_checked_later_single(result)
#define CR_KEEPS_COMPARES() rc_keeps_compares()
#define CR_KEEP_DOUBLE_COMPARE(s, field, a, b) rc_keep_double_compare(&(s)->cr[4 * (field)], a, b)
#define CR_KEEP_COMPARE(s, field, a, b) rc_keep_compare(&(s)->cr[4 * (field)], a, b)
#define FP_FORGET(field) rc_forget(&(field))

#include "ppc/semantics/all.h"

#define HANDLER(type, id)                                                                                              \
    type rc_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc);                                         \
    type rc_##id(struct ppc_state *s, uint8_t *m, uint32_t insn, uint32_t pc)                                          \
    {                                                                                                                  \
        return op_##id(s, m, insn, pc);                                                                                \
    }
#define HANDLER_PLAIN(id) HANDLER(void, id)
#define HANDLER_MEMORY(id) HANDLER(void, id)
#define HANDLER_EXIT(id) HANDLER(void, id)
#define HANDLER_BRANCH(id) HANDLER(bool, id)
#define HANDLER_INDIRECT(id) HANDLER(bool, id)
#define OPCODE(id, text, value, mask, kind, variant, operands) HANDLER_##kind(id)
#pragma clang diagnostic ignored "-Wpedantic"
#include "ppc/opcodes.def"
