// device.h: what a device is to the rest of storage/: a name, constants, and operations on canonical paths.
// A canonical path is relative to the device: names joined by '/', "" is the root; path.c has checked each name.
#pragma once
#include "storage/path.h"
#include "storage/storage.h"

struct stor_device;
struct stor_node; // an open file or directory as the device sees it

struct device_found {
    char path[STOR_PATH_MAX]; // with names as the device spells them; the last as asked for where it does not exist
    bool directory;
    uint64_t size;
};

struct device_entry {
    char *name; // owned by the listing
    bool directory;
    uint64_t size;
};

struct device_listing {
    struct device_entry *entries;
    size_t count, capacity;
};

struct device_ops {
    void (*destroy)(struct stor_device *d);
    // STOR_NOT_FOUND fills out->path too: there it can be made.
    enum stor_status (*lookup)(struct stor_device *d, const char *path, struct device_found *out);
    // Paths below are as lookup spells them. `truncate` only with `write`.
    enum stor_status (*open)(struct stor_device *d, const char *path, bool directory, bool write, bool truncate,
                             struct stor_node **out);
    enum stor_status (*create)(struct stor_device *d, const char *path, bool directory, struct stor_node **out);
    enum stor_status (*remove)(struct stor_device *d, const char *path, bool directory);
    enum stor_status (*rename)(struct stor_device *d, const char *from, const char *to);
    void (*close)(struct stor_node *n);
    enum stor_status (*read)(struct stor_node *n, uint64_t offset, void *buffer, size_t size, size_t *done);
    enum stor_status (*write)(struct stor_node *n, uint64_t offset, const void *buffer, size_t size, size_t *done);
    enum stor_status (*get_size)(struct stor_node *n, uint64_t *size);
    enum stor_status (*set_size)(struct stor_node *n, uint64_t size);
    enum stor_status (*flush)(struct stor_node *n);
    // Appends what a guest may see, in any order. On failure the caller frees what is there.
    enum stor_status (*list)(struct stor_node *n, struct device_listing *out);
};

struct stor_device {
    const struct device_ops *ops;
    struct stor_device *next;
    struct stor_file *open_files; // newest first
    bool read_only;
    bool changed; // or tried to be
    struct path_parts name_parts; // of `name`
    char name[STOR_PATH_MAX];     // "\Device\Harddisk0\Partition1"
};

// Appends a copy. STOR_NO_RESOURCES: out of memory.
enum stor_status listing_add(struct device_listing *l, const char *name, bool directory, uint64_t size);

// The device a path lies on, and its canonical path there, of which stor_write_path makes one text. *trailing, where
// asked for: the path ended in a separator.
enum stor_status stor_find_device(const struct stor *s, const struct stor_file *root, const char *path,
                                  size_t path_bytes, struct stor_device **device, char canonical[STOR_PATH_MAX],
                                  bool *trailing);

// "\Device\Harddisk0\Partition1\Media\a.xbg".
void stor_write_path(const struct stor_device *d, const char *canonical, char out[STOR_PATH_MAX]);

// A device whose content is the host folder. The name is the caller's to fill in.
bool host_device_create(struct stor_device **out, const char *host_path, struct error *err);

// Where a file is; file.c owns the struct.
void stor_file_place(const struct stor_file *f, struct stor_device **device, const char **canonical, bool *directory);
