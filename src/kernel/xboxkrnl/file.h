// file.h: open files as kernel objects (KRNL_FILE), for the topics of Nt*File. Private to kernel/.
#pragma once
#include "kernel/state.h"
#include "storage/storage.h"

struct krnl_file {
    struct stor_file *file;
    uint64_t position; // bytes; where calls without an offset go on
    uint32_t handle;   // its first handle, for events
    uint32_t mode;     // the options that FileModeInformation shows
    uint32_t listed;   // directory entries given since the scan began
    bool synchronous;  // else calls answer STATUS_PENDING, though their work is done
    struct krnl_object *port; // completion port that its requests' packets go to; NULL: none
    uint32_t port_key;
    bool append_only;  // every write goes to the end
};

// The file behind a handle, NULL: none. The object is where signals go.
struct krnl_file *krnl_file_of(struct krnl_call *c, uint32_t handle, struct krnl_object **object);

// The NTSTATUS of a storage result. The reference knows one status for everything that is not there.
nt_status krnl_file_status(const struct krnl_call *c, enum stor_status status);

// Fills an IO_STATUS_BLOCK; address 0 is nowhere. Returns the status.
nt_status krnl_io_status(struct krnl_call *c, gva block, nt_status status, uint32_t information);

// Tells the caller that a request has ended, after its status block is filled: an APC on its thread, then its event
// (NULL: none).
void krnl_io_complete(struct krnl_call *c, struct krnl_object *event, uint32_t apc_routine, uint32_t apc_context,
                      gva io_status);

// A path from OBJECT_ATTRIBUTES with the directory it starts from.
struct krnl_path {
    char text[STOR_PATH_MAX];
    uint32_t bytes;
    const struct stor_file *root; // NULL: the path is absolute
};
nt_status krnl_path_of(struct krnl_call *c, gva attributes, struct krnl_path *out);
// From a directory's handle (0 and OB_DOS_DEVICES: none) and an ANSI_STRING.
nt_status krnl_path_from(struct krnl_call *c, uint32_t root, gva ansi_string, struct krnl_path *out);

// FILE_NETWORK_OPEN_INFORMATION, 0x38 bytes.
enum { KRNL_NETWORK_OPEN_SIZE = 0x38 };
void krnl_put_network_open(struct krnl_call *c, gva at, const struct stor_info *info);
