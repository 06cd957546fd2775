// vector_memory.h: what the instructions of the group vector_memory in opcodes.def mean.
#pragma once
#include "ppc/semantics/vmx_permute.h"

// The aligned 16 bytes around `ea`, in register order. The element loads (lvebx...) load them whole, as the hardware
// does.
ALWAYS v4u load_vector(const uint8_t *m, uint32_t ea)
{
    v4u x;
    memcpy(&x, m + (ea & ~15u), sizeof x);
    return vmx_reverse_bytes(x);
}

ALWAYS void store_vector(uint8_t *m, uint32_t ea, v4u x)
{
    x = vmx_reverse_bytes(x);
    memcpy(m + (ea & ~15u), &x, sizeof x);
}

// Writes `count` bytes (0 to 16) and nothing else: two overlapping stores of one size.
ALWAYS void store_bytes(uint8_t *to, const uint8_t *from, uint32_t count)
{
    if (count == 16)
        memcpy(to, from, 16);
    else if (count >= 8) {
        memcpy(to, from, 8);
        memcpy(to + count - 8, from + count - 8, 8);
    } else if (count >= 4) {
        memcpy(to, from, 4);
        memcpy(to + count - 4, from + count - 4, 4);
    } else if (count >= 2) {
        memcpy(to, from, 2);
        memcpy(to + count - 2, from + count - 2, 2);
    } else if (count == 1)
        *to = *from;
}

// The bytes from `ea` to the end of its 16, moved to the left end of the register; zeros behind.
ALWAYS v4u load_left(const uint8_t *m, uint32_t ea)
{
    return vmx_bytes_up(load_vector(m, ea), ea & 15);
}

// The bytes before `ea` in its 16, moved to the right end; zeros before. None where it is aligned: memory is not
// touched.
ALWAYS v4u load_right(const uint8_t *m, uint32_t ea)
{
    if (!(ea & 15))
        return splat_word(0);
    return vmx_bytes_down(load_vector(m, ea), 16 - (ea & 15));
}

ALWAYS void store_left(uint8_t *m, uint32_t ea, v4u x)
{
    x = vmx_reverse_bytes(x);
    store_bytes(m + ea, (const uint8_t *)&x, 16 - (ea & 15));
}

ALWAYS void store_right(uint8_t *m, uint32_t ea, v4u x)
{
    uint32_t count = ea & 15;
    x = vmx_reverse_bytes(x);
    store_bytes(m + (ea & ~15u), (const uint8_t *)&x + 16 - count, count);
}

// An element goes to the address it belongs to: where it stands in the register.
ALWAYS void store_element_byte(uint8_t *m, uint32_t ea, const union ppc_vector *x)
{
    store8(m, ea, x->b[~ea & 15]);
}

ALWAYS void store_element_halfword(uint8_t *m, uint32_t ea, const union ppc_vector *x)
{
    store16(m, ea & ~1u, x->h[~ea >> 1 & 7]);
}

ALWAYS void store_element_word(uint8_t *m, uint32_t ea, const union ppc_vector *x)
{
    store32(m, ea & ~3u, x->w[~ea >> 2 & 3]);
}

#define VECTOR_LOAD(id, number, function)                                                                              \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(number(insn)) = function(m, ea_x(s, insn));                                                                 \
    }
#define VECTOR_STORE(id, number, function)                                                                             \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        function(m, ea_x(s, insn), VR(number(insn)));                                                                  \
    }
#define VECTOR_STORE_ELEMENT(id, number, function)                                                                     \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        function(m, ea_x(s, insn), &s->vr[number(insn)]);                                                              \
    }
#define VECTOR_ADDRESS(id, number, body)                                                                               \
    OP(id)                                                                                                             \
    {                                                                                                                  \
        VR(number(insn)) = vmx_##body(s, ea_x(s, insn));                                                               \
    }

VECTOR_LOAD(lvebx, RT, load_vector)
VECTOR_LOAD(lvehx, RT, load_vector)
VECTOR_LOAD(lvewx, RT, load_vector)
VECTOR_LOAD(lvewx128, VD128, load_vector)
VECTOR_LOAD(lvlx, RT, load_left)
VECTOR_LOAD(lvlx128, VD128, load_left)
VECTOR_LOAD(lvlxl, RT, load_left)
VECTOR_LOAD(lvlxl128, VD128, load_left)
VECTOR_LOAD(lvrx, RT, load_right)
VECTOR_LOAD(lvrx128, VD128, load_right)
VECTOR_LOAD(lvrxl, RT, load_right)
VECTOR_LOAD(lvrxl128, VD128, load_right)
VECTOR_ADDRESS(lvsl, RT, lvsl)
VECTOR_ADDRESS(lvsl128, VD128, lvsl)
VECTOR_ADDRESS(lvsr, RT, lvsr)
VECTOR_ADDRESS(lvsr128, VD128, lvsr)
VECTOR_LOAD(lvx, RT, load_vector)
VECTOR_LOAD(lvx128, VD128, load_vector)
VECTOR_LOAD(lvxl, RT, load_vector)
VECTOR_LOAD(lvxl128, VD128, load_vector)
VECTOR_STORE_ELEMENT(stvebx, RT, store_element_byte)
VECTOR_STORE_ELEMENT(stvehx, RT, store_element_halfword)
VECTOR_STORE_ELEMENT(stvewx, RT, store_element_word)
VECTOR_STORE_ELEMENT(stvewx128, VD128, store_element_word)
VECTOR_STORE(stvlx, RT, store_left)
VECTOR_STORE(stvlx128, VD128, store_left)
VECTOR_STORE(stvlxl, RT, store_left)
VECTOR_STORE(stvlxl128, VD128, store_left)
VECTOR_STORE(stvrx, RT, store_right)
VECTOR_STORE(stvrx128, VD128, store_right)
VECTOR_STORE(stvrxl, RT, store_right)
VECTOR_STORE(stvrxl128, VD128, store_right)
VECTOR_STORE(stvx, RT, store_vector)
VECTOR_STORE(stvx128, VD128, store_vector)
VECTOR_STORE(stvxl, RT, store_vector)
VECTOR_STORE(stvxl128, VD128, store_vector)
