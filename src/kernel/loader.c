// The title's image: into memory, imports resolved, main thread made.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/pages.h"
#include "kernel/module.h"

enum { THUNK_BYTES = 16, UNRESOLVED_FUNCTION = (int)0xDEADC0DE, MODULE_RECORD = 0x5C, DISPATCH_STACK = 0x20000, DEFAULT_STACK = 0x40000 };

static bool fill_image(struct kernel *k, const struct xex *x, struct error *err)
{
    const struct xex_info *info = xex_info(x);
    void *image = mem_at(k->mem, info->base, info->image_size, MEM_WRITE);
    if (!image)
        return error_set(err, ERR_FORMAT, "image of 0x%x bytes at 0x%08x does not fit in its region", info->image_size, info->base);
    pages_prefault(image, info->image_size);
    return xex_load_image(x, image, info->image_size, err);
}

static bool protect_image(struct kernel *k, const struct xex *x, struct error *err)
{
    size_t count;
    const struct xex_page_run *runs = xex_page_runs(x, &count);
    uint32_t page = xex_info(x)->page_size;
    for (size_t i = 0; i < count; i++) {
        unsigned protect = runs[i].type == XEX_PAGE_DATA ? MEM_READ_WRITE : MEM_READ;
        if (!mem_protect(k->mem, runs[i].address, runs[i].page_count * page, protect, NULL, err))
            return error_context(err, "page descriptor %zu", i);
    }
    return true;
}

static bool add_thunk(struct kernel *k, gva address, const struct exp_row *row)
{
    struct krnl_thunk_entry *more = realloc(k->thunks, (k->thunk_count + 1) * sizeof *more);
    if (!more)
        return false;
    k->thunks = more;
    k->thunks[k->thunk_count++] = (struct krnl_thunk_entry){address, (uint32_t)exp_index(row)};
    return true;
}

static int by_address(const void *a, const void *b)
{
    uint32_t x = ((const struct krnl_thunk_entry *)a)->address, y = ((const struct krnl_thunk_entry *)b)->address;
    return x < y ? -1 : x > y;
}

// A thunk becomes `sc 2; blr; nop; nop`.
static bool write_thunk(struct mem *m, gva at)
{
    static const uint32_t code[] = {0x44000042, 0x4E800020, 0x60000000, 0x60000000};
    for (unsigned i = 0; i < THUNK_BYTES / 4; i++)
        if (!mem_set32(m, at + 4 * i, code[i]))
            return false;
    return true;
}

gva krnl_make_thunk(struct kernel *k, const struct exp_row *row)
{
    for (uint32_t i = 0; i < k->thunk_count; i++)
        if (k->thunks[i].export_index == exp_index(row) && !krnl_module_holds(k, k->thunks[i].address)) // a DLL may go
            return k->thunks[i].address;
    if (!k->thunk_page || k->thunk_used == 0x1000) {
        k->thunk_page = krnl_system_alloc(k, 0x1000);
        k->thunk_used = 0;
    }
    gva at = k->thunk_page + k->thunk_used;
    if (!k->thunk_page || !write_thunk(k->mem, at) || !add_thunk(k, at, row))
        return 0;
    k->thunk_used += THUNK_BYTES;
    qsort(k->thunks, k->thunk_count, sizeof *k->thunks, by_address);
    return at;
}

static bool bind_function(struct kernel *k, const struct xex_import *import, const struct exp_row *row, struct error *err)
{
    if (import->slot && !mem_set32(k->mem, import->slot, (uint32_t)UNRESOLVED_FUNCTION))
        return error_set(err, ERR_FORMAT, "import record at 0x%08x lies outside the image", import->slot);
    if (!import->thunk)
        return true;
    if (!write_thunk(k->mem, import->thunk))
        return error_set(err, ERR_FORMAT, "import thunk at 0x%08x lies outside the image", import->thunk);
    return add_thunk(k, import->thunk, row) || error_set(err, ERR_MEMORY, "out of memory");
}

static bool bind_variable(struct kernel *k, enum exp_module module, const struct xex_import *import, const struct exp_row *row, struct error *err)
{
    gva address = import->ordinal < 1024 ? k->variables[module][import->ordinal] : 0;
    if (!address) {
        // Nothing lies there: the first access names the ordinal in its low half.
        address = 0xD000BE00 | (import->ordinal & 0xFF);
        log_write(k->log, LOG_STUB, "loader", "variable %s (%s ordinal 0x%x) is absent", row->name, exp_module_name(module), import->ordinal);
    }
    return mem_set32(k->mem, import->slot, address) || error_set(err, ERR_FORMAT, "import record at 0x%08x lies outside the image", import->slot);
}

// A thunk becomes a jump: lis r11; ori r11, r11; mtctr r11; bctr.
static bool write_jump(struct mem *m, gva at, gva to)
{
    const uint32_t code[] = {0x3D600000 | to >> 16, 0x616B0000 | (to & 0xFFFF), 0x7D6903A6, 0x4E800420};
    bool ok = true;
    for (unsigned i = 0; i < THUNK_BYTES / 4; i++)
        ok = mem_set32(m, at + 4 * i, code[i]) && ok;
    return ok;
}

// What another image exports: a slot gets the address, a thunk jumps there.
static bool bind_image(struct kernel *k, const struct xex_import_library *library, struct error *err)
{
    const struct xex *from = krnl_module_exporter(k, library->name);
    if (!from)
        return error_set(err, ERR_NOT_FOUND, "it imports from %s, which is not loaded", library->name);
    for (size_t i = 0; i < library->import_count; i++) {
        const struct xex_import *import = &library->imports[i];
        gva address = xex_export(from, import->ordinal);
        if (!address)
            return error_set(err, ERR_NOT_FOUND, "import %zu of %s: no export has ordinal %u", i, library->name, import->ordinal);
        if ((import->slot && !mem_set32(k->mem, import->slot, address)) || (import->thunk && !write_jump(k->mem, import->thunk, address)))
            return error_set(err, ERR_FORMAT, "import %zu of %s lies outside the image", i, library->name);
    }
    return true;
}

static bool bind_library(struct kernel *k, const struct xex_import_library *library, struct error *err)
{
    int module = exp_module_by_name(library->name);
    if (module < 0)
        return bind_image(k, library, err);
    for (size_t i = 0; i < library->import_count; i++) {
        const struct xex_import *import = &library->imports[i];
        const struct exp_row *row = exp_find((enum exp_module)module, import->ordinal);
        if (!row)
            return error_set(err, ERR_UNSUPPORTED, "import %zu of %s: no export has ordinal 0x%x", i, library->name, import->ordinal);
        bool ok = row->variable || !import->thunk ? bind_variable(k, (enum exp_module)module, import, row, err)
                                                  : bind_function(k, import, row, err);
        if (!ok)
            return error_context(err, "import %zu of %s (%s)", i, library->name, row->name);
    }
    return true;
}

static bool bind_imports(struct kernel *k, const struct xex *x, struct error *err)
{
    size_t count;
    const struct xex_import_library *libraries = xex_import_libraries(x, &count);
    for (size_t i = 0; i < count; i++)
        if (!bind_library(k, &libraries[i], err))
            return false;
    qsort(k->thunks, k->thunk_count, sizeof *k->thunks, by_address);
    return true;
}

// Those sections that hold code.
static struct cpu_code_range *code_of(const struct xex *x, size_t *out)
{
    enum { SECTION_CODE = 0x20, SECTION_EXECUTE = 0x20000000 };
    const struct xex_info *info = xex_info(x);
    size_t count;
    const struct xex_section *s = xex_sections(x, &count);
    struct cpu_code_range *code = calloc(count + 1, sizeof *code);
    *out = 0;
    for (size_t i = 0; code && i < count; i++) {
        uint32_t offset = s[i].address - info->base;
        if (!(s[i].flags & (SECTION_CODE | SECTION_EXECUTE)) || offset >= info->image_size || offset & 3)
            continue;
        uint32_t size = s[i].size < info->image_size - offset ? s[i].size : info->image_size - offset;
        code[(*out)++] = (struct cpu_code_range){s[i].address, size};
    }
    return code;
}

static struct cpu_code_range *functions_of(const struct xex *x, size_t *out)
{
    const struct xex_function *f = xex_functions(x, out);
    struct cpu_code_range *functions = calloc(*out + 1, sizeof *functions);
    for (size_t i = 0; functions && i < *out; i++)
        functions[i] = (struct cpu_code_range){f[i].address, 4 * f[i].length};
    return functions;
}

static gva *starts_of(const struct xex *x, size_t *out)
{
    uint32_t base;
    size_t count;
    xex_exports(x, &base, &count);
    gva *starts = calloc(count + 1, sizeof *starts);
    *out = 0;
    if (starts && xex_info(x)->entry)
        starts[(*out)++] = xex_info(x)->entry;
    for (size_t i = 0; starts && i < count; i++) {
        gva address = xex_export(x, base + (uint32_t)i);
        if (address)
            starts[(*out)++] = address;
    }
    return starts;
}

// Tells the CPU where the image's functions lie.
static bool add_code(struct kernel *k, const struct xex *x, struct error *err)
{
    struct cpu_code code;
    struct cpu_code_range *ranges = code_of(x, &code.code_count), *functions = functions_of(x, &code.function_count);
    gva *starts = starts_of(x, &code.start_count);
    code.code = ranges;
    code.functions = functions;
    code.starts = starts;
    bool ok = ranges && functions && starts ? cpu_add_code(k->engine, &code, err) : error_set(err, ERR_MEMORY, "out of memory");
    free(ranges);
    free(functions);
    free(starts);
    return ok;
}

bool krnl_load_image(struct kernel *k, const struct xex *x, struct error *err)
{
    const struct xex_info *info = xex_info(x);
    if (!mem_allocate_at(k->mem, info->base, info->image_size, MEM_RESERVED | MEM_COMMITTED, MEM_READ_WRITE, err))
        return error_context(err, "image at 0x%08x", info->base);
    if (fill_image(k, x, err) && bind_imports(k, x, err) && add_code(k, x, err) && protect_image(k, x, err))
        return true;
    krnl_unload_image(k, info->base, info->image_size);
    return false;
}

void krnl_unload_image(struct kernel *k, gva base, uint32_t size)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < k->thunk_count; i++)
        if (k->thunks[i].address - base >= size)
            k->thunks[kept++] = k->thunks[i];
    k->thunk_count = kept;
    cpu_remove_code(k->engine, base, size);
    mem_release(k->mem, base, NULL, NULL);
}

gva krnl_module_record(struct kernel *k, const struct xex *x, gva *header)
{
    size_t size;
    const uint8_t *bytes = xex_header_bytes(x, &size);
    const struct xex_info *info = xex_info(x);
    gva record = krnl_system_alloc(k, MODULE_RECORD);
    *header = krnl_system_alloc(k, (uint32_t)size);
    if (!record || !*header) {
        krnl_system_free(k, record);
        return 0;
    }
    mem_write(k->mem, *header, bytes, (uint32_t)size);
    const struct { uint32_t offset, value; } words[] = {
        {0x18, info->base}, {0x1C, info->base}, {0x20, info->image_size}, {0x3C, info->entry}, {0x58, *header},
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        mem_set32(k->mem, record + words[i].offset, words[i].value);
    return record;
}

// The title's, where XexExecutableModuleHandle points.
static bool make_module_record(struct kernel *k, const struct xex *x, struct error *err)
{
    k->executable_module = krnl_module_record(k, x, &k->xex_header);
    if (!k->executable_module)
        return error_set(err, ERR_NO_SPACE, "no guest memory for the module's header");
    mem_set32(k->mem, k->executable_module_variable, k->executable_module);
    return true;
}

static void read_tls(struct kernel *k, const struct xex_info *info)
{
    if (!info->tls.present || !info->tls.slot_count)
        return;
    k->tls_slots = info->tls.slot_count;
    k->tls_data_bytes = info->tls.data_size;
    k->tls_raw_bytes = info->tls.raw_data_size;
    k->tls_raw = info->tls.raw_data_address;
}

// What the loader writes into the title's process record.
static void fill_title_process(struct kernel *k, uint32_t stack)
{
    gva p = k->title_process;
    mem_set32(k->mem, p + KPROCESS_STACK_SIZE, stack);
    mem_set32(k->mem, p + KPROCESS_TLS_STATIC, k->tls_raw);
    mem_set32(k->mem, p + KPROCESS_TLS_DATA_SIZE, k->tls_data_bytes);
    mem_set32(k->mem, p + KPROCESS_TLS_RAW_SIZE, k->tls_raw_bytes);
    mem_set16(k->mem, p + KPROCESS_TLS_SLOT_BYTES, (uint16_t)(4 * k->tls_slots));
    for (uint32_t word = 0; word < 8 && 32 * word < k->tls_slots; word++) {
        uint32_t left = k->tls_slots - 32 * word;
        mem_set32(k->mem, p + KPROCESS_TLS_BITMAP + 4 * word, left >= 32 ? 0xFFFFFFFF : ~(0xFFFFFFFFu >> left));
    }
}

static bool make_threads(struct kernel *k, const struct xex_info *info, uint32_t stack, struct error *err)
{
    struct krnl_thread_params dispatch = {.stack_bytes = DISPATCH_STACK, .host_handle = true};
    struct krnl_thread_params main = {.stack_bytes = stack, .start_address = info->entry, .flags = 1, .guest = true, .main = true,
                                      .suspended = true};
    k->thread_dispatch = krnl_thread_new(k, &dispatch, NULL);
    k->thread_main = k->thread_dispatch ? krnl_thread_new(k, &main, NULL) : NULL;
    return k->thread_main || error_set(err, ERR_NO_SPACE, "no guest memory for the main thread and its stack of 0x%x bytes", stack);
}

bool krnl_load(struct kernel *k, const struct xex *x, struct error *err)
{
    const struct xex_info *info = xex_info(x);
    if (xex_image_error(x)) {
        if (err)
            *err = *xex_image_error(x);
        return false;
    }
    if (!info->entry || info->entry < info->base || info->entry - info->base >= info->image_size)
        return error_set(err, ERR_FORMAT, "entry point 0x%08x is outside the image 0x%08x-0x%08x", info->entry, info->base,
                         info->base + info->image_size - 1);
    k->xex = x;
    k->image_base = info->base;
    k->image_size = info->image_size;
    struct krnl_object *module = krnl_object_new(k, KRNL_MODULE, 0, 0);
    if (!module || !krnl_handle_open(k, module, false, NULL))
        return error_set(err, ERR_MEMORY, "no memory for kernel objects");
    read_tls(k, info);
    uint32_t stack = info->default_stack_size ? info->default_stack_size : DEFAULT_STACK;
    if (!make_module_record(k, x, err) || !krnl_modules_boot(k, x, err) || !krnl_load_image(k, x, err))
        return false;
    fill_title_process(k, stack);
    krnl_emit(k, NULL, TRACE_MODULE_LOAD, 3, (uint64_t[]){info->base, info->image_size, info->entry}, k->config.title_name);
    if (!make_threads(k, info, stack, err))
        return false;
    krnl_modules_attach(k, k->thread_main);
    return true;
}
