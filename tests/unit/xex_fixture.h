// xex_fixture.h: a small XEX2 with every header that the reader knows, written field by field; and an ELF for pack.
#pragma once
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define FIX_BASE 0x82000000u

enum {
    FIX_HEADER = 0x1000,
    FIX_SECURITY = 0x100,
    FIX_FORMAT = 0x400,
    FIX_IMPORTS = 0x480,
    FIX_CHECKSUM = 0x580,
    FIX_NAME = 0x590,
    FIX_STATIC = 0x5A0,
    FIX_TLS = 0x5D0,
    FIX_EXECUTION = 0x5E0,
    FIX_RESOURCES = 0x600,
    FIX_USED = 0x640, // of the header
    FIX_IMAGE = 0x20000,
    FIX_PDATA = 0x300,
    FIX_SLOTS = 0x400,
    FIX_EXPORTS = 0x500,
    FIX_THUNKS = 0x10100,
    FIX_SIZE = FIX_HEADER + FIX_IMAGE,
};

static inline void fix_image(uint8_t *p)
{
    memcpy(p, "MZ", 2);
    le32_set(p + 0x3C, 0x80);
    uint8_t *pe = p + 0x80;
    memcpy(pe, "PE\0\0", 4);
    le16_set(pe + 4, 0x01F2);
    le16_set(pe + 6, 2); // sections
    le16_set(pe + 20, 0xE0);
    le32_set(pe + 24 + 96 + 24, FIX_PDATA);
    le32_set(pe + 24 + 96 + 28, 16);
    uint8_t *section = pe + 24 + 0xE0;
    memcpy(section, ".rdata\0", 8);
    le32_set(section + 8, 0x1000);
    le32_set(section + 12, 0x200);
    le32_set(section + 36, 0x40000040);
    memcpy(section + 40, "longname", 8);
    le32_set(section + 48, 0x2000);
    le32_set(section + 52, 0x10000);
    le32_set(section + 76, 0x60000020);
    be32_set(p + FIX_PDATA, FIX_BASE + 0x10000);
    be32_set(p + FIX_PDATA + 4, 0x40000000 | 16 << 8 | 4);
    be32_set(p + FIX_PDATA + 8, FIX_BASE + 0x10040);
    be32_set(p + FIX_PDATA + 12, 0xC0000000 | 8 << 8 | 2);
    be32_set(p + FIX_SLOTS, 0x00000003);     // xboxkrnl: a function
    be32_set(p + FIX_SLOTS + 4, 0x000000AD); // a variable
    be32_set(p + FIX_SLOTS + 8, 0x000103CD); // xam: a function
    be32_set(p + FIX_THUNKS, 0x01000003);
    be32_set(p + FIX_THUNKS + 16, 0x010103CD);
    be32_set(p + FIX_EXPORTS, 0x48000000);
    be32_set(p + FIX_EXPORTS + 4, 0x00485645);
    be32_set(p + FIX_EXPORTS + 8, 0x48000000);
    be32_set(p + FIX_EXPORTS + 0x20, FIX_BASE >> 16);
    be32_set(p + FIX_EXPORTS + 0x24, 3);
    be32_set(p + FIX_EXPORTS + 0x28, 10);
    be32_set(p + FIX_EXPORTS + 0x2C, 0x10000);
    be32_set(p + FIX_EXPORTS + 0x34, 0x10040);
    for (uint32_t i = 0x11000; i < 0x11100; i++)
        p[i] = (uint8_t)(i * 7);
}

static inline void fix_library(uint8_t *p, uint8_t name, const uint32_t *records, uint16_t count)
{
    be32_set(p, 0x28 + 4u * count);
    be32_set(p + 0x18, 0x1234);
    be32_set(p + 0x1C, 0x20527F01);
    be32_set(p + 0x20, 0x20074500);
    be16_set(p + 0x24, name);
    be16_set(p + 0x26, count);
    for (unsigned i = 0; i < count; i++)
        be32_set(p + 0x28 + 4 * i, records[i]);
}

static inline void fix_security(uint8_t *s)
{
    be32_set(s, 0x184 + 48);
    be32_set(s + 4, FIX_IMAGE);
    be32_set(s + 0x110, FIX_BASE);
    memset(s + 0x140, 0x5A, 16);
    be32_set(s + 0x160, FIX_BASE + FIX_EXPORTS);
    be32_set(s + 0x178, 0xFFFFFFFF);
    be32_set(s + 0x17C, 4);
    be32_set(s + 0x180, 2);
    be32_set(s + 0x184, 1 << 4 | 3);
    be32_set(s + 0x184 + 24, 1 << 4 | 1);
}

// FIX_SIZE bytes, the caller frees: no compression, no encryption.
static inline uint8_t *fix_xex(void)
{
    static const uint32_t headers[][2] = {
        {0x2FF, FIX_RESOURCES}, {0x3FF, FIX_FORMAT},     {0x10100, FIX_BASE + 0x10000}, {0x10201, FIX_BASE},
        {0x103FF, FIX_IMPORTS}, {0x18002, FIX_CHECKSUM}, {0x183FF, FIX_NAME},           {0x200FF, FIX_STATIC},
        {0x20104, FIX_TLS},     {0x20200, 0x40000},      {0x20401, 0x123000},           {0x30000, 0x400},
        {0x40006, FIX_EXECUTION},
    };
    static const uint32_t kernel[] = {FIX_BASE + FIX_SLOTS, FIX_BASE + FIX_THUNKS, FIX_BASE + FIX_SLOTS + 4};
    static const uint32_t xam[] = {FIX_BASE + FIX_SLOTS + 8, FIX_BASE + FIX_THUNKS + 16};
    uint8_t *p = calloc(1, FIX_SIZE);
    if (!p)
        abort();
    memcpy(p, "XEX2", 4);
    be32_set(p + 4, 1);
    be32_set(p + 8, FIX_HEADER);
    be32_set(p + 0x10, FIX_SECURITY);
    be32_set(p + 0x14, sizeof headers / sizeof *headers);
    for (unsigned i = 0; i < sizeof headers / sizeof *headers; i++) {
        be32_set(p + 0x18 + 8 * i, headers[i][0]);
        be32_set(p + 0x1C + 8 * i, headers[i][1]);
    }
    fix_security(p + FIX_SECURITY);
    be32_set(p + FIX_FORMAT, 8);
    be32_set(p + FIX_IMPORTS, 12 + 24 + 0x28 * 2 + 5 * 4);
    be32_set(p + FIX_IMPORTS + 4, 24);
    be32_set(p + FIX_IMPORTS + 8, 2);
    memcpy(p + FIX_IMPORTS + 12, "xboxkrnl.exe\0\0\0\0xam.xex", 24);
    fix_library(p + FIX_IMPORTS + 36, 0, kernel, 3);
    fix_library(p + FIX_IMPORTS + 36 + 0x28 + 12, 1, xam, 2);
    be32_set(p + FIX_CHECKSUM, 0xAABBCCDD);
    be32_set(p + FIX_CHECKSUM + 4, 0x11223344);
    be32_set(p + FIX_NAME, 16);
    memcpy(p + FIX_NAME + 4, "fixture.exe", 12);
    be32_set(p + FIX_STATIC, 4 + 16);
    memcpy(p + FIX_STATIC + 4, "LIBCMT\0\0\0\2\0\3\x52\x7F\x41\x05", 16);
    be32_set(p + FIX_TLS, 64);
    be32_set(p + FIX_TLS + 4, FIX_BASE + 0x11000);
    be32_set(p + FIX_TLS + 8, 0x200);
    be32_set(p + FIX_TLS + 12, 0x100);
    for (unsigned i = 0; i < 24; i++)
        p[FIX_EXECUTION + i] = (uint8_t)(0x10 + i);
    be32_set(p + FIX_RESOURCES, 4 + 16);
    memcpy(p + FIX_RESOURCES + 4, "FONT0001", 8);
    be32_set(p + FIX_RESOURCES + 12, FIX_BASE + 0x11000);
    be32_set(p + FIX_RESOURCES + 16, 0x100);
    fix_image(p + FIX_HEADER);
    return p;
}
