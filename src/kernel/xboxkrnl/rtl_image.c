// Headers of the PE image that lies in guest memory: little-endian, as the linker wrote them.
#include <strings.h>

#include "kernel/api.h"
#include "kernel/module.h"

enum {
    DOS_MAGIC = 0x5A4D,
    DOS_NEW_HEADER = 0x3C,
    NT_MAGIC = 0x4550,
    NT_SECTION_COUNT = 0x06,
    NT_OPTIONAL_SIZE = 0x14,
    NT_OPTIONAL = 0x18,
    OPTIONAL_MAGIC_32 = 0x10B,
    OPTIONAL_DIRECTORY_COUNT = 0x5C,
    OPTIONAL_DIRECTORIES = 0x60,
    OPTIONAL_HEADERS_SIZE = 0x3C,
    SECTION_SIZE = 0x28,
    SECTION_ADDRESS = 0x0C,
    SECTION_RAW_SIZE = 0x10,
};

static uint32_t little(const struct krnl_call *c, gva at, unsigned bytes)
{
    uint8_t b[4] = {0};
    mem_read(c->mem, at, b, bytes);
    return b[0] | b[1] << 8 | b[2] << 16 | (uint32_t)b[3] << 24;
}

static gva nt_header(const struct krnl_call *c, gva base)
{
    gva at = base + little(c, base + DOS_NEW_HEADER, 4);
    return base && little(c, base, 2) == DOS_MAGIC && little(c, at, 4) == NT_MAGIC ? at : 0;
}

uint32_t RtlImageNtHeader(struct krnl_call *c, uint32_t base)
{
    return nt_header(c, base);
}

// An address in the image as it lies in the file: through the section that holds it.
static gva file_place(const struct krnl_call *c, gva base, gva nt, uint32_t address)
{
    gva section = nt + NT_OPTIONAL + little(c, nt + NT_OPTIONAL_SIZE, 2);
    for (uint32_t n = little(c, nt + NT_SECTION_COUNT, 2); n; n--, section += SECTION_SIZE) {
        uint32_t start = little(c, section + SECTION_ADDRESS, 4);
        if (address >= start && address - start < little(c, section + SECTION_RAW_SIZE, 4))
            return base + address - start;
    }
    return 0;
}

uint32_t RtlImageDirectoryEntryToData(struct krnl_call *c, uint32_t base, uint32_t mapped, uint32_t entry,
                                      uint32_t size_ptr)
{
    gva start = base & ~1u, nt = nt_header(c, start), optional = nt + NT_OPTIONAL;
    if (base & 1)
        mapped = false; // the low bit says: a file, not an image
    if (size_ptr)
        mem_set32(c->mem, size_ptr, 0);
    if (!nt || little(c, optional, 2) != OPTIONAL_MAGIC_32 ||
        entry >= little(c, optional + OPTIONAL_DIRECTORY_COUNT, 4))
        return 0;
    uint32_t address = little(c, optional + OPTIONAL_DIRECTORIES + 8 * entry, 4);
    if (!address)
        return 0;
    if (size_ptr)
        mem_set32(c->mem, size_ptr, little(c, optional + OPTIONAL_DIRECTORIES + 8 * entry + 4, 4));
    if (mapped || address < little(c, optional + OPTIONAL_HEADERS_SIZE, 4))
        return start + address;
    return file_place(c, start, nt, address);
}

// Sections of a module are its XEX resources.
uint32_t XexGetModuleSection(struct krnl_call *c, uint32_t module, uint32_t name_ptr, uint32_t data_ptr,
                             uint32_t size_ptr)
{
    char name[16];
    size_t count = 0;
    const struct xex *own = krnl_module_xex(c->k, module);
    if (!own)
        return (nt_status)STATUS_INVALID_HANDLE;
    if (!mem_get_string(c->mem, name_ptr, name, sizeof name) || !mem_valid(c->mem, data_ptr, 4, MEM_WRITE) ||
        !mem_valid(c->mem, size_ptr, 4, MEM_WRITE))
        return (nt_status)STATUS_ACCESS_VIOLATION;
    const struct xex_resource *resources = xex_resources(own, &count);
    for (size_t i = 0; i < count; i++)
        if (!strcasecmp(resources[i].name, name)) {
            mem_set32(c->mem, data_ptr, resources[i].address);
            mem_set32(c->mem, size_ptr, resources[i].size);
            return STATUS_SUCCESS;
        }
    return (nt_status)STATUS_NOT_FOUND;
}
