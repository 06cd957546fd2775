// memory: each allocator and each region of the address space: addresses, contents, aliases, release.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

static int checks, failed;

static int check(int good, const char *what)
{
    checks++;
    if (!good) {
        printf("check %d failed: %s\n", checks, what);
        failed = failed ? failed : checks;
    }
    return good;
}

// Writes a pattern, different for each address, and reads it back.
static int usable(uint32_t address, uint32_t size)
{
    volatile uint32_t *p = (volatile uint32_t *)address;
    for (uint32_t i = 0; i < size / 4; i += 64)
        p[i] = address + i * 2654435761u;
    for (uint32_t i = 0; i < size / 4; i += 64)
        if (p[i] != address + i * 2654435761u)
            return 0;
    return 1;
}

static int zeroed(uint32_t address, uint32_t size)
{
    for (volatile uint32_t *p = (volatile uint32_t *)address; size >= 4; size -= 4)
        if (*p++)
            return 0;
    return 1;
}

static int within(uint32_t address, uint32_t low, uint32_t high)
{
    return address >= low && address <= high;
}

static void physical_ex(const char *name, uint32_t size, uint32_t pages, uint32_t low, uint32_t high)
{
    uint32_t a = (uint32_t)MmAllocatePhysicalMemoryEx(0, size, PAGE_READWRITE | pages, 0, 0xFFFFFFFF, 0);
    uint32_t b = (uint32_t)MmAllocatePhysicalMemoryEx(0, size, PAGE_READWRITE | pages, 0, 0xFFFFFFFF, 0);
    printf("MmAllocatePhysicalMemoryEx %s 0x%x: %08x %08x, bus %08x %08x\n", name, size, a, b, MmGetPhysicalAddress((void *)a),
           MmGetPhysicalAddress((void *)b));
    if (!check(within(a, low, high) && within(b, low, high), "both in the region of their page size"))
        return;
    check(b < a, "physical memory is handed out from the top");
    check(usable(a, size) && usable(b, size), "contents");
    check(*(volatile uint32_t *)a == a, "the second did not overwrite the first");
    uint32_t bus = a >= 0xE0000000 ? (a & 0x1FFFFFFF) + 0x1000 : a & 0x1FFFFFFF;
    check(MmGetPhysicalAddress((void *)a) == bus, "bus address");
    MmFreePhysicalMemory(0, (void *)b);
    MmFreePhysicalMemory(0, (void *)a);
    uint32_t again = (uint32_t)MmAllocatePhysicalMemoryEx(0, size, PAGE_READWRITE | pages, 0, 0xFFFFFFFF, 0);
    check(again == a, "the same place after release");
    check(zeroed(again, 0x1000), "zeroed");
    MmFreePhysicalMemory(0, (void *)again);
}

static void physical_window(void)
{
    uint32_t a = (uint32_t)MmAllocatePhysicalMemoryEx(0, 0x3000, PAGE_READWRITE, 0x01000000, 0x01FFFFFF, 0x10000);
    printf("MmAllocatePhysicalMemoryEx window and alignment: %08x, bus %08x\n", a, MmGetPhysicalAddress((void *)a));
    check(a && within(MmGetPhysicalAddress((void *)a), 0x01000000, 0x01FFFFFF), "in the window of bus addresses");
    check(usable(a, 0x3000), "contents");
    MmFreePhysicalMemory(0, (void *)a);
}

static void physical(void)
{
    uint32_t a = (uint32_t)MmAllocatePhysicalMemory(0, 0x5000, PAGE_READWRITE);
    printf("MmAllocatePhysicalMemory 0x5000: %08x\n", a);
    if (check(within(a, 0xE0000000, 0xFFFFFFFF), "4 KB pages"))
        check(usable(a, 0x5000), "contents");
    MmFreePhysicalMemory(0, (void *)a);
}

static void virtual_memory(const char *name, uint32_t flags, uint32_t page, uint32_t low, uint32_t high)
{
    void *base = NULL;
    uint32_t size = 4 * page - 100;
    NTSTATUS status = NtAllocateVirtualMemory(&base, &size, MEM_RESERVE | flags, PAGE_READWRITE, 0);
    uint32_t a = (uint32_t)base;
    printf("NtAllocateVirtualMemory %s: status %08x, %08x size 0x%x\n", name, (unsigned)status, a, size);
    if (!check(NT_SUCCESS(status) && within(a, low, high), "reserved in its region"))
        return;
    check(size == 4 * page, "size rounded up to pages");
    void *middle = (char *)base + page;
    uint32_t part = page;
    status = NtAllocateVirtualMemory(&middle, &part, MEM_COMMIT | flags, PAGE_READWRITE, 0);
    check(NT_SUCCESS(status) && (uint32_t)middle == a + page, "one page committed");
    check(zeroed(a + page, page) && usable(a + page, page), "contents");
    part = page;
    status = NtFreeVirtualMemory(&middle, &part, MEM_DECOMMIT, 0);
    check(NT_SUCCESS(status), "decommitted");
    part = page;
    status = NtAllocateVirtualMemory(&middle, &part, MEM_COMMIT | flags, PAGE_READWRITE, 0);
    check(NT_SUCCESS(status) && zeroed(a + page, page), "committed again, zeroed");
    size = 0;
    status = NtFreeVirtualMemory(&base, &size, MEM_RELEASE, 0);
    printf("  released: status %08x, size 0x%x\n", (unsigned)status, size);
    check(NT_SUCCESS(status) && size == 4 * page, "released whole");
}

static void pool(void)
{
    uint32_t a = (uint32_t)ExAllocatePool(100), b = (uint32_t)ExAllocatePoolTypeWithTag(5000, 0x54455354, 0);
    printf("ExAllocatePool: %08x, ExAllocatePoolTypeWithTag: %08x\n", a, b);
    if (check(within(a, 0x30000000, 0x3FFFFFFF) && within(b, 0x30000000, 0x3FFFFFFF) && a != b, "in the system heap")) {
        memset((void *)a, 0x5A, 100);
        memset((void *)b, 0xA5, 5000);
        check(*(uint8_t *)(a + 99) == 0x5A && *(uint8_t *)(b + 4999) == 0xA5, "contents");
    }
    ExFreePool((void *)b);
    ExFreePool((void *)a);
}

static void kernel_stack(void)
{
    uint32_t high = (uint32_t)MmCreateKernelStack(0x10000, 0);
    printf("MmCreateKernelStack 0x10000: high end %08x\n", high);
    if (check(within(high, 0x70010000, 0x7F000000), "in the range of stacks"))
        check(usable(high - 0x10000, 0x10000), "contents");
    MmDeleteKernelStack((void *)high, (void *)(high - 0x10000));
}

// The first 16 MB of physical memory are committed from the start and seen at two places.
static void aliases(void)
{
    volatile uint32_t *view = (volatile uint32_t *)0xC0123450, *write_back = (volatile uint32_t *)0x7F123450;
    uint32_t old = *view;
    *view = 0xCAFEF00D;
    check(*write_back == 0xCAFEF00D, "0x7F000000 shows what was written at 0xC0000000");
    *write_back = 0x12345678;
    check(*view == 0x12345678, "and the other way round");
    printf("alias C0123450 = 7F123450: %08x\n", *view);
    *view = old;
}

static uint32_t initialised = 0x11223344;
static uint32_t zero[1024];

static void image(void)
{
    printf("image: code %08x, data %08x, bss %08x\n", (uint32_t)image, (uint32_t)&initialised, (uint32_t)zero);
    check(within((uint32_t)image, 0x82000000, 0x83000000), "code in the image");
    check(initialised == 0x11223344 && zeroed((uint32_t)zero, sizeof zero), "initial contents");
    initialised++;
    check(initialised == 0x11223345 && usable((uint32_t)zero, sizeof zero), "data is writable");
    const volatile uint8_t *magic = (const volatile uint8_t *)0x82000000;
    check(magic[0] == 'M' && magic[1] == 'Z', "the header is readable");
}

static void heap(void)
{
    char *blocks[32];
    int good = 1;
    for (int i = 0; i < 32; i++) {
        blocks[i] = malloc((size_t)(i * 1000 + 1));
        good = good && blocks[i] && !((uintptr_t)blocks[i] & 15);
        if (blocks[i])
            memset(blocks[i], i, (size_t)(i * 1000 + 1));
    }
    for (int i = 0; i < 32; i += 2)
        free(blocks[i]);
    for (int i = 1; i < 32; i += 2)
        good = good && blocks[i][0] == i && blocks[i][i * 1000] == i;
    char *big = malloc(3 << 20);
    good = good && big;
    for (int i = 1; i < 32; i += 2)
        free(blocks[i]);
    free(big);
    printf("malloc: first block %08x, big block %08x\n", (uint32_t)blocks[0], (uint32_t)big);
    check(good, "malloc and free");
}

int main(void)
{
    image();
    virtual_memory("4 KB pages", 0, 0x1000, 0x00010000, 0x2FFFFFFF);
    virtual_memory("64 KB pages", MEM_LARGE_PAGES, 0x10000, 0x40000000, 0x6FFFFFFF);
    physical_ex("4 KB pages", 0x12C0, 0, 0xE0000000, 0xFFFFFFFF);
    physical_ex("64 KB pages", 0x20000, MEM_LARGE_PAGES, 0xA0000000, 0xBFFFFFFF);
    physical_ex("16 MB pages", 0x1000000, MEM_16MB_PAGES, 0xC0000000, 0xDFFFFFFF);
    physical_window();
    physical();
    pool();
    kernel_stack();
    aliases();
    heap();
    printf("memory: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
