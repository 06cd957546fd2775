// LZX both ways. The first byte chooses window and form; the second, times 16, is the length of the reference. The rest is taken for a
// stream and decompressed, then taken for bytes, compressed and read back.
#include <string.h>

#include "fuzz.h"
#include "xex/lzx.h"

static void any_stream(const uint8_t *data, size_t size, const uint8_t *reference, size_t reference_size, uint32_t window, size_t want)
{
    struct error err = {0};
    uint8_t *out = malloc(want);
    FUZZ_CHECK(out);
    FUZZ_CHECK(lzx_decompress(&(struct lzx_input){data, size, reference, reference_size, window}, out, want, &err) || err.message[0]);
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    uint32_t window = LZX_WINDOW_MIN << data[0] % 7;
    enum lzx_form form = (enum lzx_form)(data[0] >> 6);
    size_t reference_size = data[1] * 16u % (size - 2), left = size - 2 - reference_size;
    const uint8_t *reference = data + 2, *bytes = reference + reference_size;
    any_stream(bytes, left, reference, reference_size, window, 1 + (size_t)data[2] * 300);
    struct lzx_packed packed;
    struct error err = {0};
    FUZZ_CHECK(lzx_compress(&(struct lzx_plain){bytes, left, reference, reference_size, window, form}, &packed, &err));
    uint8_t *out = malloc(left + 1);
    FUZZ_CHECK(out);
    FUZZ_CHECK(lzx_decompress(&(struct lzx_input){packed.data, packed.size, reference, reference_size, window}, out, left, &err) && !memcmp(out, bytes, left));
    free(out);
    lzx_packed_free(&packed);
    return 0;
}
