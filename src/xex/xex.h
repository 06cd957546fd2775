// xex.h: the XEX2 executable container, read and written.
// Life: xex_open parses everything once, accessors return views into the struct, xex_close. The file's bytes stay the
// caller's (a file_map) and must live as long as the struct. All numbers are given in host order; addresses are
// guest's. Threads: after xex_open the struct is read-only.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/types.h"

struct xex;

#define XEX_KEY_BYTES          16
#define XEX_IMPORT_THUNK_BYTES 16 // code of a function import; the loader replaces it whole

struct xex_options {
    const uint8_t *retail_key; // XEX_KEY_BYTES bytes tried before the built-in devkit key; NULL: devkit only
    const uint8_t *patch;      // the bytes of a patch (.xexp) to apply, needed only while opening; NULL: none
    size_t patch_size;
    bool ignore_hashes; // a digest that does not match is counted (xex_hash_faults) and no failure
};

// Optional header keys (xex2.tsv has all). Low byte 0 or 1: the value is the header's word; 0xFF: data at a file offset
// whose first word is its size in bytes; else data at a file offset of low byte * 4 bytes.
enum xex_key {
    XEX_KEY_RESOURCE_INFO = 0x000002FF,
    XEX_KEY_FILE_FORMAT_INFO = 0x000003FF,
    XEX_KEY_DELTA_PATCH_DESCRIPTOR = 0x000005FF,
    XEX_KEY_ENTRY_POINT = 0x00010100,
    XEX_KEY_IMAGE_BASE_ADDRESS = 0x00010201,
    XEX_KEY_IMPORT_LIBRARIES = 0x000103FF,
    XEX_KEY_CHECKSUM_TIMESTAMP = 0x00018002,
    XEX_KEY_ORIGINAL_PE_NAME = 0x000183FF,
    XEX_KEY_STATIC_LIBRARIES = 0x000200FF,
    XEX_KEY_TLS_INFO = 0x00020104,
    XEX_KEY_DEFAULT_STACK_SIZE = 0x00020200,
    XEX_KEY_DEFAULT_HEAP_SIZE = 0x00020401,
    XEX_KEY_SYSTEM_FLAGS = 0x00030000,
    XEX_KEY_EXECUTION_INFO = 0x00040006,
};

enum xex_module_flag {
    XEX_MODULE_TITLE = 0x01,
    XEX_MODULE_EXPORTS_TO_TITLE = 0x02,
    XEX_MODULE_DLL = 0x08,
    XEX_MODULE_PATCH = 0x10,
    XEX_MODULE_PATCH_DELTA = 0x40,
};

enum xex_encryption { XEX_ENCRYPTION_NONE, XEX_ENCRYPTION_NORMAL };
enum xex_compression { XEX_COMPRESSION_NONE, XEX_COMPRESSION_BASIC, XEX_COMPRESSION_NORMAL, XEX_COMPRESSION_DELTA };
enum xex_key_used { XEX_KEY_USED_NONE, XEX_KEY_USED_DEVKIT, XEX_KEY_USED_RETAIL }; // which key opened the image

struct xex_tls {
    bool present;
    uint32_t slot_count;
    gva raw_data_address; // 0: no static data
    uint32_t data_size;   // bytes of one thread's copy
    uint32_t raw_data_size;
};

struct xex_execution { // all zero when the header is absent
    bool present;
    uint32_t media_id;
    uint32_t version, base_version; // major:4 minor:4 build:16 qfe:8 from the top bit
    uint32_t title_id;
    uint8_t platform, executable_table, disc_number, disc_count;
    uint32_t savegame_id;
};

struct xex_info {
    uint32_t module_flags;
    uint32_t header_size;     // bytes; the image's data starts there in the file
    uint32_t security_offset; // file offset of the security info
    uint32_t security_size;   // bytes, page descriptors included
    uint32_t image_flags;
    uint32_t region;
    uint32_t allowed_media;
    gva base;            // where the image is loaded
    uint32_t image_size; // bytes, whole pages
    uint32_t page_size;  // 0x1000 or 0x10000
    gva entry;           // 0 when the module has none
    gva export_table;    // 0 when the module exports nothing by ordinal
    enum xex_encryption encryption;
    enum xex_compression compression;
    enum xex_key_used key_used;
    uint32_t default_stack_size; // bytes; 0 when the header is absent
    uint32_t default_heap_size;
    uint32_t system_flags;
    uint32_t checksum, timestamp; // of the original PE; 0 when absent
    const char *pe_name;          // original PE name; "" when absent
    uint8_t xgd2_media_id[16];
    struct xex_tls tls;
    struct xex_execution execution;
};

struct xex_header { // one optional header as in the file
    uint32_t key;
    uint32_t value; // the header's word: the value itself, or a file offset
    uint32_t size;  // bytes of data at that offset; 0 when the value is inline
};

enum xex_page_type { XEX_PAGE_CODE = 1, XEX_PAGE_DATA = 2, XEX_PAGE_READONLY = 3 };

struct xex_page_run { // consecutive pages of one kind; the runs cover the image in order
    gva address;
    uint32_t page_count;
    enum xex_page_type type; // code: read and execute; data: read and write; read-only data
    uint8_t digest[20];      // SHA-1 of the next run and its descriptor
};

enum xex_import_kind { XEX_IMPORT_VARIABLE, XEX_IMPORT_FUNCTION };

// One thing imported. A function has two records in the file: a slot (4 bytes, gets the function's address) and a thunk
// (16 bytes of code, gets replaced by a call to the function); a variable has only the slot.
struct xex_import {
    enum xex_import_kind kind;
    uint16_t ordinal;
    gva slot;  // 0 only for a thunk without slot
    gva thunk; // 0 for a variable
};

struct xex_import_library {
    const char *name; // as in the file, such as "xboxkrnl.exe"
    uint32_t id;
    uint32_t version, version_min;    // as xex_execution.version
    uint32_t record_count;            // records in the file
    const struct xex_import *imports; // in the order of the records
    size_t import_count;              // 0 while the image could not be read (xex_image_error)
};

struct xex_static_library {
    char name[9];
    uint16_t major, minor, build;
    uint8_t approval, qfe;
};

struct xex_resource {
    char name[9];
    gva address;
    uint32_t size; // bytes
};

struct xex_section { // of the PE header inside the image
    char name[9];
    gva address;
    uint32_t size;  // bytes in memory
    uint32_t flags; // PE section characteristics
};

struct xex_function { // one .pdata entry
    gva address;
    uint32_t length; // instructions
    uint32_t prolog; // instructions
    bool is_32bit;
    bool has_handler; // exception handler data precedes the function
};

// Parses the file. Fails with ERR_FORMAT (naming field and file offset) or ERR_UNSUPPORTED (not an XEX2).
// An intact file whose image cannot be read (no key: ERR_KEY, a compression we lack: ERR_UNSUPPORTED) still opens, with
// the headers only: xex_image_error says why. `opts` may be NULL.
// Header, imports, pages and compressed blocks must match their SHA-1 digests (else ERR_FORMAT), unless ignore_hashes. With
// a patch, what is opened is the patched title; `data` is not changed.
bool xex_open(struct xex **out, const uint8_t *data, size_t size, const struct xex_options *opts, struct error *err);
void xex_close(struct xex *x); // accepts NULL

// NULL when the image was read; else why not.
const struct error *xex_image_error(const struct xex *x);

// How many digests did not match, and what the first of them covers (NULL when none).
uint32_t xex_hash_faults(const struct xex *x, const char **first);

// What a patch says about itself; false when `x` is no patch.
struct xex_patch_info {
    uint32_t source_version, target_version; // as xex_execution.version
    uint32_t target_header_size;             // bytes
};
bool xex_patch_info(const struct xex *x, struct xex_patch_info *out);

// Copies the image as laid out in memory at info->base, imports unresolved. `out_size` must be at least image_size.
bool xex_load_image(const struct xex *x, uint8_t *out, size_t out_size, struct error *err);

// The image itself, image_size bytes owned by `x`; NULL when it could not be read.
const uint8_t *xex_image(const struct xex *x);

#define XEX_DIGEST_BYTES 32
// SHA-256 of the image; `masked`: with every import slot and thunk taken as zeros, so that it does not depend on where
// a loader put the imports. False, changing nothing, without image.
bool xex_image_digest(const struct xex *x, bool masked, uint8_t digest[XEX_DIGEST_BYTES]);

const struct xex_info *xex_info(const struct xex *x);

// The XEX header (header_size bytes, big-endian, as in the file), which titles find in guest memory.
const uint8_t *xex_header_bytes(const struct xex *x, size_t *size);

// Each returns an array owned by `x` in the file's order, NULL when *count is 0.
const struct xex_header *xex_headers(const struct xex *x, size_t *count);
const struct xex_page_run *xex_page_runs(const struct xex *x, size_t *count);
const struct xex_import_library *xex_import_libraries(const struct xex *x, size_t *count);
const struct xex_static_library *xex_static_libraries(const struct xex *x, size_t *count);
const struct xex_resource *xex_resources(const struct xex *x, size_t *count);
const struct xex_section *xex_sections(const struct xex *x, size_t *count);   // empty without image
const struct xex_function *xex_functions(const struct xex *x, size_t *count); // empty without image

// The module's own exports: ordinals base_ordinal .. base_ordinal + *count - 1. Both 0 when there are none.
void xex_exports(const struct xex *x, uint32_t *base_ordinal, size_t *count);
// The address of one export, 0 when there is none.
gva xex_export(const struct xex *x, uint32_t ordinal);

// Makes an XEX2 from an ELF32 big-endian PowerPC static executable linked at `base` (the SDK's
// guest/lib/xenolith.ld; docs/xex.md says which sections mean what).
struct xex_pack_resource {
    const char *name; // 8 bytes at most
    const uint8_t *data;
    size_t size;
};

enum xex_lzx { XEX_LZX_BEST, XEX_LZX_STORED, XEX_LZX_VERBATIM, XEX_LZX_ALIGNED }; // blocks of NORMAL compression

struct xex_pack_params {
    const uint8_t *elf;
    size_t elf_size;
    const char *pe_name;              // NULL: "a.exe"
    enum xex_compression compression; // NONE, BASIC or NORMAL
    enum xex_lzx lzx;
    bool encrypt;
    const uint8_t *key;  // XEX_KEY_BYTES bytes to encrypt with, as a console's; NULL: the devkit key
    bool dll;            // a DLL instead of a title
    uint32_t stack_size; // bytes of the main thread's stack; 0: 256 KB
    uint32_t title_id;
    uint32_t version; // as xex_execution.version; 0: 1.0.0.0
    const struct xex_pack_resource *resources;
    size_t resource_count;
    const struct xex_static_library *static_libraries;
    size_t static_library_count;
};

// *out is malloc'd, the caller frees it. Fails with ERR_FORMAT or ERR_ARGUMENT.
bool xex_pack(const struct xex_pack_params *params, uint8_t **out, size_t *size, struct error *err);

// Makes the patch (.xexp) that turns the title `from` into `to`; both were opened with their images. `key` as above;
// `encrypt` is the patch's own. *out is malloc'd.
bool xex_pack_patch(const struct xex *from, const struct xex *to, bool encrypt, const uint8_t *key, uint8_t **out,
                    size_t *size, struct error *err);
