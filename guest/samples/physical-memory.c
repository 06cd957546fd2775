// physical-memory: bus addresses of each view, aliases of one page, alignment and windows, what protection a page has.
#include <stdio.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

static int checks, failed;

static void check(int good, const char *what)
{
    checks++;
    printf("%2d %s: %s\n", checks, what, good ? "yes" : "NO");
    if (!good && !failed)
        failed = checks;
}

static void *allocate(uint32_t size, uint32_t pages, uint32_t low, uint32_t high, uint32_t alignment)
{
    return MmAllocatePhysicalMemoryEx(0, size, PAGE_READWRITE | pages, low, high, alignment);
}

static volatile uint32_t *view(uint32_t base, uint32_t bus)
{
    return (volatile uint32_t *)(base + bus);
}

// One page seen at 0xA0000000 (64 KB pages), 0xC0000000 (16 MB pages) and 0xE0000000 (4 KB pages, 4 KB further on).
static void aliases(void)
{
    void *block = allocate(0x10000, MEM_LARGE_PAGES, 0, 0xFFFFFFFF, 0);
    uint32_t bus = MmGetPhysicalAddress(block);
    check((uint32_t)block >= 0xA0000000 && (uint32_t)block < 0xC0000000, "64 KB pages lie at 0xA0000000");
    check(bus == ((uint32_t)block & 0x1FFFFFFF), "the bus address is the offset there");
    *view(0xA0000000, bus) = 0x12345678;
    check(MmGetPhysicalAddress((void *)(0xC0000000 + bus)) == bus, "the same page at 0xC0000000");
    check(MmGetPhysicalAddress((void *)(0xE0000000 + bus - 0x1000)) == bus, "and at 0xE0000000, 4 KB lower");
    MmFreePhysicalMemory(0, block);
}

static void windows(void)
{
    static const struct {
        uint32_t size, low, high, alignment;
    } cases[] = {{0x1000, 0, 0x0FFFFFFF, 0x1000},
                 {0x4000, 0x02000000, 0x02FFFFFF, 0x4000},
                 {0x20000, 0x08000000, 0x0BFFFFFF, 0x20000},
                 {0x100000, 0x10000000, 0x17FFFFFF, 0x100000}};
    for (int i = 0; i < 4; i++) {
        void *p = allocate(cases[i].size, 0, cases[i].low, cases[i].high, cases[i].alignment);
        uint32_t bus = p ? MmGetPhysicalAddress(p) : 0;
        printf("   0x%x bytes of %08x-%08x: bus %08x\n", cases[i].size, cases[i].low, cases[i].high, bus);
        check(p && bus >= cases[i].low && bus + cases[i].size - 1 <= cases[i].high && bus % cases[i].alignment == 0, "in its window, aligned");
        if (p) {
            memset(p, 0x5A, cases[i].size);
            check(MmQueryAllocationSize(p) >= cases[i].size, "of its size");
            MmFreePhysicalMemory(0, p);
        }
    }
}

static void protections(void)
{
    void *p = allocate(0x3000, 0, 0, 0xFFFFFFFF, 0);
    check(MmIsAddressValid(p) && (MmQueryAddressProtect(p) & 0xFF) == PAGE_READWRITE, "readable and writable");
    MmSetAddressProtect(p, 0x1000, PAGE_READONLY);
    check((MmQueryAddressProtect(p) & 0xFF) == PAGE_READONLY, "one page made read-only");
    check((MmQueryAddressProtect((char *)p + 0x1000) & 0xFF) == PAGE_READWRITE, "the next is as it was");
    check(*(volatile uint32_t *)p == 0, "still readable");
    MmSetAddressProtect(p, 0x1000, PAGE_READWRITE);
    *(volatile uint32_t *)p = 1;
    MmFreePhysicalMemory(0, p);
    check(!MmIsAddressValid(p), "gone when freed");
}

static void statistics(void)
{
    MM_STATISTICS before = {.Length = sizeof before}, during = {.Length = sizeof during};
    check(MmQueryStatistics(&before) == STATUS_SUCCESS, "statistics");
    void *p = allocate(0x1000000, MEM_16MB_PAGES, 0, 0xFFFFFFFF, 0);
    MmQueryStatistics(&during);
    check(p && during.Title.AvailablePages < before.Title.AvailablePages, "16 MB are missing from what is available");
    MmFreePhysicalMemory(0, p);
}

int main(void)
{
    aliases();
    windows();
    protections();
    statistics();
    printf("physical-memory: %d checks, %s\n", checks, failed ? "failed" : "ok");
    return failed;
}
