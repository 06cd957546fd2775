// The disassembler and the GPU's packet text: every word at every address, into buffers of every size.
#include <string.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "ppc/ppc.h"

static bool name(void *user, uint32_t address, char *out, size_t size)
{
    (void)user;
    if (address & 4)
        return false;
    snprintf(out, size, "a_rather_long_name_of_a_function_%08x", address);
    return true;
}

static void one(uint32_t word, uint32_t pc, size_t room)
{
    char whole[256], *part = malloc(room ? room : 1);
    FUZZ_CHECK(part);
    size_t length = ppc_disassemble(word, pc, NULL, NULL, whole, sizeof whole);
    FUZZ_CHECK(length == strlen(whole) && length);
    for (size_t i = 0; i < length; i++)
        FUZZ_CHECK(whole[i] >= ' ' && whole[i] < 127);
    ppc_disassemble(word, pc, room & 1 ? name : NULL, NULL, part, room);
    FUZZ_CHECK(!room || memchr(part, 0, room));
    enum ppc_opcode opcode = ppc_decode(word);
    FUZZ_CHECK(opcode == PPC_OP_INVALID || (word & ppc_opcodes[opcode].mask) == ppc_opcodes[opcode].value);
    free(part);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (; size >= 9; size -= 9, data += 9)
        for (unsigned step = 0; step < 32; step++) // and its neighbours, one bit away
            one(be32_get(data) ^ 1u << step, be32_get(data + 4), data[8]);
    return 0;
}
