// storage_fixture.h: a temporary host folder as \Device\Harddisk0\Partition1 = game: = d:, and short calls on it.
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/storage.h"

#define DEVICE "\\Device\\Harddisk0\\Partition1"

struct fixture {
    char folder[64]; // "/tmp/xenolith-storage-..."; files outside the mount may lie in it
    char mount[80];  // folder/mount
    struct stor *s;
};

static inline const char *host_path(const struct fixture *x, const char *name)
{
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", x->mount, name);
    return path;
}

static inline void host_file(const struct fixture *x, const char *name, const char *text)
{
    FILE *f = fopen(host_path(x, name), "w");
    assert_non_null(f);
    assert_int_equal(fputs(text, f) >= 0, 1);
    fclose(f);
}

static inline void host_folder(const struct fixture *x, const char *name)
{
    assert_int_equal(mkdir(host_path(x, name), 0755), 0);
}

static inline bool host_exists(const struct fixture *x, const char *name)
{
    struct stat st;
    return lstat(host_path(x, name), &st) == 0;
}

static inline int fixture_setup(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    strcpy(x->folder, "/tmp/xenolith-storage-XXXXXX");
    if (!mkdtemp(x->folder))
        return -1;
    snprintf(x->mount, sizeof x->mount, "%s/mount", x->folder);
    struct error err = {0};
    if (mkdir(x->mount, 0755) != 0 || !stor_create(&x->s, &err) ||
        !stor_mount_host(x->s, DEVICE, x->mount, false, &err) || stor_link(x->s, "game:", DEVICE) != STOR_OK ||
        stor_link(x->s, "\\??\\d:", DEVICE) != STOR_OK)
        return -1;
    *state = x;
    return 0;
}

static inline int fixture_teardown(void **state)
{
    struct fixture *x = *state;
    char command[128];
    stor_destroy(x->s);
    snprintf(command, sizeof command, "rm -r %s", x->folder);
    int status = system(command);
    free(x);
    return status;
}

#define FIXTURE_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

static inline enum stor_status open_with(struct fixture *x, const char *path, enum stor_disposition disposition,
                                         bool write, struct stor_file **out)
{
    enum stor_action action;
    struct stor_request r = {.path = path, .path_bytes = strlen(path), .disposition = disposition, .write = write};
    return stor_open(x->s, &r, out, &action);
}

// The status of opening an existing file to read, which is closed again.
static inline enum stor_status try_open(struct fixture *x, const char *path)
{
    struct stor_file *f;
    enum stor_status status = open_with(x, path, STOR_OPEN, false, &f);
    assert_int_equal(f != NULL, status == STOR_OK);
    stor_close(f);
    return status;
}

// The whole content of a file, or "status: ..." when it cannot be had.
static inline const char *content(struct fixture *x, const char *path)
{
    static char text[256];
    struct stor_file *f;
    size_t done = 0;
    enum stor_status status = open_with(x, path, STOR_OPEN, false, &f);
    if (status == STOR_OK)
        status = stor_read(f, 0, text, sizeof text - 1, &done);
    stor_close(f);
    text[done] = '\0';
    if (status != STOR_OK)
        snprintf(text, sizeof text, "status: %s", stor_status_text(status));
    return text;
}
