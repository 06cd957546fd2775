// The decoding table against the definition: the one row whose mask and value fit.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ppc/ppc.h"

// Rows of the same primary opcode, so that the search is fast enough for millions of words.
static enum ppc_opcode search(uint32_t insn)
{
    enum ppc_opcode found = PPC_OP_INVALID;
    static unsigned start[65];
    static uint16_t rows[PPC_OPCODE_COUNT];
    if (!start[64])
        for (unsigned primary = 0, n = 0; primary < 64; primary++) {
            for (unsigned i = 0; i < PPC_OPCODE_COUNT; i++)
                if (ppc_opcodes[i].value >> 26 == primary)
                    rows[n++] = (uint16_t)i;
            start[primary + 1] = n;
        }
    for (unsigned i = start[insn >> 26]; i < start[(insn >> 26) + 1]; i++)
        if ((insn & ppc_opcodes[rows[i]].mask) == ppc_opcodes[rows[i]].value) {
            if (found != PPC_OP_INVALID)
                fail_msg("%08x is %s and %s", insn, ppc_opcodes[found].text, ppc_opcodes[rows[i]].text);
            found = (enum ppc_opcode)rows[i];
        }
    return found;
}

static void check(uint32_t insn)
{
    enum ppc_opcode want = search(insn), have = ppc_decode(insn);
    if (want != have)
        fail_msg("%08x decodes as row %d, not %d", insn, have, want);
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005 + 1442695040888963407;
    return (uint32_t)(*seed >> 32);
}

static void random_words(void **state)
{
    (void)state;
    uint64_t seed = 1;
    for (unsigned i = 0; i < 10000000; i++)
        check(next_random(&seed));
}

// Every row, with all other bits clear, set and random, and with each single bit turned.
static void edges_of_rows(void **state)
{
    (void)state;
    uint64_t seed = 2;
    for (unsigned i = 0; i < PPC_OPCODE_COUNT; i++) {
        const struct ppc_opcode_info *row = &ppc_opcodes[i];
        const uint32_t words[] = {row->value, row->value | ~row->mask, row->value | (next_random(&seed) & ~row->mask)};
        for (unsigned w = 0; w < 3; w++) {
            assert_int_equal(ppc_decode(words[w]), i);
            for (unsigned bit = 0; bit < 32; bit++)
                check(words[w] ^ 1u << bit);
        }
    }
}

// Every primary opcode with every value of the low eleven bits.
static void extended_opcodes(void **state)
{
    (void)state;
    for (uint32_t primary = 0; primary < 64; primary++)
        for (uint32_t low = 0; low < 2048; low++) {
            check(primary << 26 | low);
            check(primary << 26 | 0x03FFF800 | low);
            check(primary << 26 | 0x00200000 | low);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_words),
        cmocka_unit_test(edges_of_rows),
        cmocka_unit_test(extended_opcodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
