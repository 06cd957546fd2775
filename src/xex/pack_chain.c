// What both packers write alike.
#include <nettle/aes.h>
#include <nettle/cbc.h>

#include "xex/pack.h"

void xex_wrap_key(uint8_t out[XEX_KEY_BYTES], const uint8_t session[XEX_KEY_BYTES], const uint8_t *key)
{
    static const uint8_t devkit[XEX_KEY_BYTES];
    struct aes128_ctx wrap;
    aes128_set_encrypt_key(&wrap, key ? key : devkit);
    aes128_encrypt(&wrap, XEX_KEY_BYTES, out, session);
}

void xex_encrypt_data(uint8_t *data, size_t size, const uint8_t session[XEX_KEY_BYTES])
{
    struct CBC_CTX(struct aes128_ctx, AES_BLOCK_SIZE) cipher = {0};
    aes128_set_encrypt_key(&cipher.ctx, session);
    CBC_ENCRYPT(&cipher, aes128_encrypt, size, data, data);
}

// It covers what lies behind the digest's own fields, then what lies before the signature.
void xex_write_header_digest(uint8_t *header, uint32_t size, uint32_t security)
{
    uint8_t *s = header + security;
    xex_sha1(s + 0x164, s + 0x17C, size - security - 0x17C, header, security + 8);
}

// From the last to the first, since each digest covers the block's own header.
void xex_link_blocks(uint8_t *data, const uint32_t *sizes, size_t count, uint8_t digest[XEX_DIGEST])
{
    size_t at = 0;
    uint32_t next = 0;
    uint8_t next_digest[XEX_DIGEST] = {0};
    for (size_t i = 0; i < count; i++)
        at += sizes[i];
    for (size_t i = count; i-- > 0;) {
        at -= sizes[i];
        be32_set(data + at, next);
        memcpy(data + at + 4, next_digest, XEX_DIGEST);
        xex_sha1(next_digest, data + at, sizes[i], NULL, 0);
        next = sizes[i];
    }
    memcpy(digest, next_digest, XEX_DIGEST);
}
