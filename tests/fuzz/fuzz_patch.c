// A title and its delta patch in one input: a big-endian 32-bit number of bytes of the title, the title, the patch.
#include "base/bytes.h"
#include "fuzz.h"
#include "xex/xex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;
    size_t title = be32_get(data) % (size - 3);
    struct error err = {0};
    struct xex *x;
    struct xex_options options = {.patch = data + 4 + title, .patch_size = size - 4 - title, .ignore_hashes = true};
    for (unsigned hashes = 0; hashes < 2; hashes++) {
        options.ignore_hashes = !hashes;
        if (!xex_open(&x, data + 4, title, &options, &err)) {
            FUZZ_CHECK(err.message[0]);
            continue;
        }
        uint8_t digest[XEX_DIGEST_BYTES];
        FUZZ_CHECK(xex_image_digest(x, false, digest) == (xex_image_error(x) == NULL));
        xex_close(x);
    }
    return 0;
}
