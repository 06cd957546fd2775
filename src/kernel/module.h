// module.h: DLLs that a title loads while it runs. A module's handle is the address of its record in guest memory.
// Life: krnl_module_load, krnl_module_unload, counted; krnl_modules_free ends all. Private to kernel/.
#pragma once
#include "kernel/state.h"

// XexLoadImage for a file: `path` with a device, or a name beside the title. *out_ptr gets the handle; the DLL's entry point runs
// before the caller goes on, and where it answers FALSE the caller gets STATUS_DLL_INIT_FAILED.
nt_status krnl_module_load(struct krnl_call *c, const char *path, gva out_ptr);
// The last one runs the entry point again and takes the image out of memory.
nt_status krnl_module_unload(struct krnl_call *c, gva record);

// The DLLs that the title imports from, and those that they import from, before the title's own image. Their entry points run
// on the main thread when it begins (krnl_modules_attach): a DLL's after those of what it needs.
bool krnl_modules_boot(struct kernel *k, const struct xex *title, struct error *err);
void krnl_modules_attach(struct kernel *k, struct krnl_thread *main);

// The image that an import library's name means: a loaded DLL, or the title under its file's name. NULL: none.
const struct xex *krnl_module_exporter(const struct kernel *k, const char *name);
// The handle of a loaded DLL by the last part of `path`, 0: none.
gva krnl_module_named(const struct kernel *k, const char *path);
// The file behind a handle, the title's own too; NULL: none.
const struct xex *krnl_module_xex(const struct kernel *k, gva record);
// Whether the address lies in a DLL.
bool krnl_module_holds(const struct kernel *k, gva address);

// The entry point came back on `t`.
void krnl_module_notified(struct kernel *k, struct krnl_thread *t, enum krnl_frame_kind kind, gva record, bool agreed);
void krnl_modules_hash(const struct kernel *k, void (*piece)(void *user, const void *data, size_t size), void *user);
void krnl_modules_free(struct kernel *k);
