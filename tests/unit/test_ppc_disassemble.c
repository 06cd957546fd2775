// Known texts, one for each kind of operand and extended mnemonic; and no word of any kind upsets it.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ppc/ppc.h"

static const struct {
    uint32_t insn;
    const char *text;
} known[] = {
    {0x80610010, "lwz r3, 16(r1)"},
    {0x8060FFFC, "lwz r3, -4(0)"},
    {0x9421FFF0, "stwu r1, -16(r1)"},
    {0xF8010008, "std r0, 8(r1)"},
    {0x7C64282E, "lwzx r3, r4, r5"},
    {0x7C60282E, "lwzx r3, 0, r5"},
    {0x38600001, "li r3, 1"},
    {0x3C608200, "lis r3, -32256"},
    {0x38830001, "addi r4, r3, 1"},
    {0x7C7F1B78, "mr r31, r3"},
    {0x7C7F1B79, "mr. r31, r3"},
    {0x7C6318F8, "not r3, r3"},
    {0x60000000, "nop"},
    {0x7FFFFB78, "db16cyc"},
    {0x7C642A14, "add r3, r4, r5"},
    {0x7C642E15, "addo. r3, r4, r5"},
    {0x7C642850, "sub r3, r5, r4"},
    {0x2C030000, "cmpwi r3, 0"},
    {0x2F03FFFF, "cmpwi cr6, r3, -1"},
    {0x2B23FFFF, "cmpldi cr6, r3, 65535"},
    {0x7C032000, "cmpw r3, r4"},
    {0x7F232040, "cmpld cr6, r3, r4"},
    {0x5463103A, "slwi r3, r3, 2"},
    {0x5463F0BE, "srwi r3, r3, 2"},
    {0x5463063E, "clrlwi r3, r3, 24"},
    {0x5463103E, "rotlwi r3, r3, 2"},
    {0x5463183C, "rlwinm r3, r3, 3, 0, 30"},
    {0x7863F083, "srdi. r3, r3, 2"},
    {0x78631764, "sldi r3, r3, 2"},
    {0x4E800020, "blr"},
    {0x4E800421, "bctrl"},
    {0x4D9A0020, "beqlr cr6"},
    {0x48000010, "b 0x82000010"},
    {0x4BFFFFF1, "bl 0x81fffff0"},
    {0x48000012, "ba 0x10"},
    {0x41820008, "beq 0x82000008"},
    {0x41E20008, "beq+ 0x82000008"},
    {0x40DAFFF8, "bne- cr6, 0x81fffff8"},
    {0x4200FFF8, "bdnz 0x81fffff8"},
    {0x41000008, "bdnzt lt, 0x82000008"},
    {0x40010008, "bdnzf gt, 0x82000008"},
    {0x7D8802A6, "mflr r12"},
    {0x7C6903A6, "mtctr r3"},
    {0x7C6102A6, "mfxer r3"},
    {0x7C6C42E6, "mftb r3"},
    {0x7C7F02A6, "mfspr r3, 31"},
    {0x0FE30000, "twui r3, 0"},
    {0x0CC30000, "twllei r3, 0"},
    {0x7FE00008, "trap"},
    {0x4C633242, "creqv so, so, 4*cr1+eq"},
    {0x4CC63182, "crclr 4*cr1+eq"},
    {0x44000002, "sc 0"},
    {0xFC61103A, "fmadd f3, f1, f0, f2"},
    {0xFC6100B3, "fmul. f3, f1, f2"},
    {0xFC01A800, "fcmpu cr0, f1, f21"},
    {0xFF80010C, "mtfsfi cr7, 0"},
    {0xFC00004C, "mtfsb1 0"},
    {0x10611246, "vcmpgtuh v3, v1, v2"},
    {0x10611646, "vcmpgtuh. v3, v1, v2"},
    {0x1060038C, "vspltisw v3, 0"},
    {0x107F038C, "vspltisw v3, -1"},
    {0x10611484, "vor v3, v1, v2"},
    {0x10621484, "vmr v3, v2"},
    {0x1062116E, "vmaddfp v3, v2, v5, v2"},
    {0x1400001F, "vaddfp128 v96, v0, v96"},
    {0x100020CB, "lvx128 v64, 0, r4"},
    {0x7C2007EC, "dcbz128 0, r0"},
    {0x7C001FEC, "dcbz 0, r3"},
    {0x7C0004AC, "sync"},
    {0x7C2004AC, "lwsync"},
    {0x7C6F1120, "mtcrf 241, r3"},
    {0x7C6FF120, "mtcr r3"},
    {0x7C7004AA, "lswi r3, r16, 32"},
    {0x00000000, ".long 0x00000000"},
};

static void known_texts(void **state)
{
    (void)state;
    char text[128];
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        ppc_disassemble(known[i].insn, 0x82000000, NULL, NULL, text, sizeof text);
        if (strcmp(text, known[i].text) != 0)
            fail_msg("%08x: \"%s\", not \"%s\"", known[i].insn, text, known[i].text);
    }
}

static bool name_target(void *user, uint32_t address, char *out, size_t size)
{
    (void)user;
    if (address != 0x82000010)
        return false;
    strncpy(out, "main", size);
    return true;
}

static void symbols(void **state)
{
    (void)state;
    char text[64];
    ppc_disassemble(0x48000011, 0x82000000, name_target, NULL, text, sizeof text);
    assert_string_equal(text, "bl main");
    ppc_disassemble(0x48000015, 0x82000000, name_target, NULL, text, sizeof text);
    assert_string_equal(text, "bl 0x82000014");
}

static void small_buffers(void **state)
{
    (void)state;
    char text[8], none = 'x';
    assert_int_equal(ppc_disassemble(0x80610010, 0, NULL, NULL, text, sizeof text), strlen("lwz r3, 16(r1)"));
    assert_string_equal(text, "lwz r3,");
    assert_int_equal(ppc_disassemble(0x80610010, 0, NULL, NULL, &none, 0), strlen("lwz r3, 16(r1)"));
    assert_int_equal(none, 'x');
}

static void every_row(void **state)
{
    (void)state;
    char text[128];
    uint64_t seed = 3;
    for (unsigned i = 0; i < PPC_OPCODE_COUNT; i++)
        for (unsigned n = 0; n < 200; n++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            uint32_t insn = ppc_opcodes[i].value | ((uint32_t)(seed >> 32) & ~ppc_opcodes[i].mask);
            size_t length = ppc_disassemble(insn, 0x82000000, NULL, NULL, text, sizeof text);
            assert_in_range(length, 1, 60);
            assert_int_equal(length, strlen(text));
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_texts),
        cmocka_unit_test(symbols),
        cmocka_unit_test(small_buffers),
        cmocka_unit_test(every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
