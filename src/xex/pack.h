// pack.h: what pack.c and pack_patch.c share: encryption and the chain of compressed blocks.
#pragma once
#include "xex/xex_private.h"

#define XEX_PIECE_BYTES   0x8000u // an LZX frame
#define XEX_PACK_PIECES   2u      // of them in a block
#define XEX_SECURITY_BASE 0x174u  // what titles have in the security info at 0x108

// Wraps the session key with a console's (NULL: the devkit) key.
void xex_wrap_key(uint8_t out[XEX_KEY_BYTES], const uint8_t session[XEX_KEY_BYTES], const uint8_t *key);
// Whole 16-byte units, in place.
void xex_encrypt_data(uint8_t *data, size_t size, const uint8_t session[XEX_KEY_BYTES]);
// The header's digest, into its place.
void xex_write_header_digest(uint8_t *header, uint32_t size, uint32_t security);

// Blocks lie one after the other, sizes[i] bytes each, their first XEX_BLOCK_HEADER bytes still free: links each with the next.
// Leaves the digest of the first.
void xex_link_blocks(uint8_t *data, const uint32_t *sizes, size_t count, uint8_t digest[XEX_DIGEST]);
