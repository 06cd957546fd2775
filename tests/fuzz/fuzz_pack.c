// The packer: an ELF is refused with a message, or becomes an executable that the reader opens whole.
// The first byte chooses the form; the ELF follows.
#include "fuzz.h"
#include "xex/xex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    struct error err = {0};
    struct xex_pack_params params = {
        .elf = data + 1, .elf_size = size - 1, .lzx = (enum xex_lzx)(data[0] >> 4 & 3),
        .dll = data[0] & 8, .encrypt = data[0] & 2, .compression = data[0] & 1 ? XEX_COMPRESSION_BASIC : data[0] & 4 ? XEX_COMPRESSION_NORMAL : XEX_COMPRESSION_NONE,
    };
    uint8_t *packed;
    size_t packed_size;
    if (!xex_pack(&params, &packed, &packed_size, &err)) {
        FUZZ_CHECK(err.message[0]);
        return 0;
    }
    struct xex *x;
    if (!xex_open(&x, packed, packed_size, NULL, &err) || xex_image_error(x)) {
        fprintf(stderr, "packed, but: %s\n", err.message[0] ? err.message : xex_image_error(x)->message);
        abort();
    }
    xex_close(x);
    free(packed);
    return 0;
}
