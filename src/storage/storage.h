// storage.h: the guest's files: devices under NT names, symbolic links between names, open files and directories.
// Life: stor_create, stor_mount_*, stor_link; open, use and close files; stor_destroy when all files are closed.
// Threads: one at a time for a `struct stor` and all its files.
//
// Paths are bytes as titles write them: "game:\Media\a.xbg", "\Device\Harddisk0\Partition1\Media/a.xbg", "\??\d:\a".
// Backslash and slash both separate, ASCII case does not matter, "." and ".." stay inside the device (".." at its root
// is the root). Names hold no control byte and none of "*/:<>?\|; a colon ends a link's name only.
// Nothing of the host reaches the guest but names and contents: times are one constant, attributes follow from the
// device, directories are sorted, statuses are values of this header.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum stor_status {
#define STATUS(name, nt, text) STOR_##name,
#include "storage/statuses.def"
#undef STATUS
    STOR_STATUS_COUNT
};

enum {
    STOR_PATH_MAX = 1024, // bytes of a path with its terminator
    STOR_NAME_MAX = 255,  // bytes of one name
    STOR_DEPTH_MAX = 64,  // names in a path
};

// Largest offset that can be written: files on a console's disks are below 4 GiB.
#define STOR_FILE_MAX UINT64_C(0xFFFFFFFF)
// All times of all files: 2005-11-22 00:00 UTC, in 100 ns since 1601.
#define STOR_TIME     UINT64_C(127770912000000000)

// The NTSTATUS of a console, and words for a log. Never NULL.
uint32_t stor_nt_status(enum stor_status status);
const char *stor_status_text(enum stor_status status);

struct stor;

// Fails with ERR_MEMORY.
bool stor_create(struct stor **out, struct error *err);
// Every file must be closed. NULL is allowed.
void stor_destroy(struct stor *s);

// Makes the host folder the content of a new device. Host names match exactly, else the first in byte order among those
// equal but for ASCII case. Symbolic links and special files on the host do not exist for the guest: opening them is
// STOR_ACCESS_DENIED, directories do not list them. `read_only` refuses every change.
// Fails with ERR_ARGUMENT (name), ERR_STATE (name is taken), ERR_NOT_FOUND or ERR_IO (folder), ERR_MEMORY.
bool stor_mount_host(struct stor *s, const char *device, const char *host_path, bool read_only, struct error *err);

// Whether anything asked for a change of a device that is not read-only, be it made or not.
bool stor_changed(const struct stor *s);

// Symbolic links: `name` ("game:", "\??\d:", "\SystemRoot") stands for `target`, a device, a place on it or another
// link; the target need not exist. STOR_EXISTS: the name is taken. Names have no "." and "..".
enum stor_status stor_link(struct stor *s, const char *name, const char *target);
// STOR_NOT_FOUND: no such link. Open files stay open.
enum stor_status stor_unlink(struct stor *s, const char *name);
// The target as given, valid until the link goes; NULL: no such link.
const char *stor_link_target(const struct stor *s, const char *name);

struct stor_file; // an open file or directory

// Rewrites a path to its one absolute form "\Device\Harddisk0\Partition1\Media\a.xbg", in the caller's spelling. `root`
// is the directory that a relative path starts from, NULL for absolute paths. The file need not exist.
enum stor_status stor_resolve(const struct stor *s, const struct stor_file *root, const char *path, size_t path_bytes,
                              char out[STOR_PATH_MAX]);

// As in NtCreateFile.
enum stor_disposition {
    STOR_SUPERSEDE,
    STOR_OPEN,
    STOR_CREATE,
    STOR_OPEN_IF,
    STOR_OVERWRITE,
    STOR_OVERWRITE_IF,
};

// What an open did, as in IO_STATUS_BLOCK.Information.
enum stor_action {
    STOR_SUPERSEDED,
    STOR_OPENED,
    STOR_CREATED,
    STOR_OVERWRITTEN,
    STOR_EXISTED,       // failed: STOR_EXISTS
    STOR_DID_NOT_EXIST, // failed: STOR_NOT_FOUND and its like
};

struct stor_request {
    const struct stor_file *root; // for relative paths; NULL: the path is absolute
    const char *path;
    size_t path_bytes;
    uint32_t disposition; // enum stor_disposition as the guest gave it; another value is STOR_INVALID
    bool write;           // the file will be written or resized
    bool directory;       // only a directory will do (FILE_DIRECTORY_FILE); a new one is a directory
    bool non_directory;   // only a file will do (FILE_NON_DIRECTORY_FILE)
    bool delete_on_close;
};

// Opens or makes a file. `*action` is set in every case. The caller owns *out and gives it to stor_close.
enum stor_status stor_open(struct stor *s, const struct stor_request *request, struct stor_file **out,
                           enum stor_action *action);

// Closes; a file marked for deletion goes with its last closed handle. NULL is allowed.
void stor_close(struct stor_file *f);

// Attributes as in FILE_NETWORK_OPEN_INFORMATION; times are STOR_TIME.
enum {
    STOR_ATTRIBUTE_READONLY = 0x01,
    STOR_ATTRIBUTE_DIRECTORY = 0x10,
    STOR_ATTRIBUTE_NORMAL = 0x80,
};

struct stor_info {
    uint32_t attributes;
    uint64_t size;            // bytes; directories: 0
    uint64_t allocation_size; // size rounded up to the device's units
    uint64_t id;              // made from the path: the same in every run
    bool directory;
    bool delete_pending;
};

enum stor_status stor_get_info(const struct stor_file *f, struct stor_info *out);
// The same by path, without opening.
enum stor_status stor_query_path(struct stor *s, const struct stor_file *root, const char *path, size_t path_bytes,
                                 struct stor_info *out);
// The absolute form with names as the device spells them, for events and FILE_NAME_INFORMATION. *name_offset, where
// asked for, is where the part behind the device's name starts.
void stor_get_path(const struct stor_file *f, char out[STOR_PATH_MAX], size_t *name_offset);

// Reads up to `size` bytes at `offset`; fewer only at the end of the file, STOR_END_OF_FILE when there is none at all
// (but for size 0). *done is set in every case.
enum stor_status stor_read(struct stor_file *f, uint64_t offset, void *buffer, size_t size, size_t *done);
// Writes all of it; a gap before `offset` reads as zeros. STOR_DISK_FULL beyond STOR_FILE_MAX, nothing written.
enum stor_status stor_write(struct stor_file *f, uint64_t offset, const void *buffer, size_t size, size_t *done);
// Cuts or extends with zeros.
enum stor_status stor_set_size(struct stor_file *f, uint64_t size);
// Has the host write what it holds back.
enum stor_status stor_flush(struct stor_file *f);

// Marks for deletion at close, or takes the mark away.
enum stor_status stor_set_delete(struct stor_file *f, bool pending);
// Moves within the device. With `replace` an existing file that nobody has open goes. `root` as in stor_resolve.
enum stor_status stor_rename(struct stor_file *f, const struct stor_file *root, const char *path, size_t path_bytes,
                             bool replace);

struct stor_entry {
    const char *name; // valid until the directory is closed or restarted
    uint64_t size, allocation_size, id;
    uint32_t attributes;
};

// The entry a directory stands at, without moving on: a caller whose buffer is full asks again later. The first call,
// and one with `restart`, reads the directory and takes the pattern ('*' any bytes, '?' one byte, ASCII case ignored;
// none,
// "*" and "*.*" match all); later patterns are ignored. Order: bytes of the upper-cased name, then of the name; no "."
// and "..". STOR_NO_SUCH_FILE: nothing matches; STOR_NO_MORE_FILES: all were given.
enum stor_status stor_directory_entry(struct stor_file *f, const char *pattern, size_t pattern_bytes, bool restart,
                                      struct stor_entry *out);
void stor_directory_advance(struct stor_file *f);

// For NtQueryVolumeInformationFile: constants of the device, whatever the host has.
struct stor_volume {
    uint64_t total_units, free_units; // allocation units
    uint32_t sectors_per_unit;
    uint32_t bytes_per_sector;
    uint32_t serial;
    uint32_t name_max; // bytes of one name
    bool read_only;
    const char *label;  // "" where there is none
    const char *system; // name of the file system
};

void stor_get_volume(const struct stor_file *f, struct stor_volume *out);
