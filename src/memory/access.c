#include <string.h>

#include "base/bytes.h"
#include "memory/space.h"

bool mem_valid(const struct mem *m, gva address, uint32_t size, unsigned access)
{
    if (!size)
        return true;
    const uint64_t last = (uint64_t)address + size - 1;
    if (last >= GUEST_SIZE)
        return false;
    for (uint64_t page = address / HOST_PAGE; page <= last / HOST_PAGE; page++)
        if ((m->access[page] & access) != access)
            return false;
    return true;
}

// The same for a write that comes now.
static bool writable(struct mem *m, gva address, uint32_t size)
{
    if (!mem_valid(m, address, size, MEM_WRITE))
        return false;
    mem_unwatch_all(m, address, size);
    return true;
}

void *mem_at(const struct mem *m, gva address, uint32_t size, unsigned access)
{
    if (!mem_valid(m, address, size, access))
        return NULL;
    if (access & MEM_WRITE) // what is watched changes no part of the map that others see
        mem_unwatch_all((struct mem *)(uintptr_t)m, address, size);
    return m->base + address;
}

bool mem_read(const struct mem *m, gva address, void *out, uint32_t size)
{
    if (!mem_valid(m, address, size, MEM_READ))
        return false;
    if (size)
        memcpy(out, m->base + address, size);
    return true;
}

bool mem_write(struct mem *m, gva address, const void *data, uint32_t size)
{
    if (!writable(m, address, size))
        return false;
    if (size)
        memcpy(m->base + address, data, size);
    return true;
}

bool mem_fill(struct mem *m, gva address, uint8_t value, uint32_t size)
{
    if (!writable(m, address, size))
        return false;
    if (size)
        memset(m->base + address, value, size);
    return true;
}

bool mem_get8(const struct mem *m, gva address, uint8_t *out)
{
    return mem_read(m, address, out, 1);
}

bool mem_get16(const struct mem *m, gva address, uint16_t *out)
{
    if (!mem_valid(m, address, sizeof *out, MEM_READ))
        return false;
    *out = be16_get(m->base + address);
    return true;
}

bool mem_get32(const struct mem *m, gva address, uint32_t *out)
{
    if (!mem_valid(m, address, sizeof *out, MEM_READ))
        return false;
    *out = be32_get(m->base + address);
    return true;
}

bool mem_get64(const struct mem *m, gva address, uint64_t *out)
{
    if (!mem_valid(m, address, sizeof *out, MEM_READ))
        return false;
    *out = be64_get(m->base + address);
    return true;
}

bool mem_set8(struct mem *m, gva address, uint8_t value)
{
    return mem_write(m, address, &value, 1);
}

bool mem_set16(struct mem *m, gva address, uint16_t value)
{
    if (!writable(m, address, sizeof value))
        return false;
    be16_set(m->base + address, value);
    return true;
}

bool mem_set32(struct mem *m, gva address, uint32_t value)
{
    if (!writable(m, address, sizeof value))
        return false;
    be32_set(m->base + address, value);
    return true;
}

bool mem_set64(struct mem *m, gva address, uint64_t value)
{
    if (!writable(m, address, sizeof value))
        return false;
    be64_set(m->base + address, value);
    return true;
}

bool mem_get_string(const struct mem *m, gva address, char *out, uint32_t size)
{
    if (!size)
        return false;
    uint64_t from = address;
    uint32_t used = 0;
    while (used < size - 1) {
        if (from >= GUEST_SIZE || !(m->access[from / HOST_PAGE] & MEM_READ))
            return false;
        out[used] = (char)m->base[from++];
        if (!out[used])
            return true;
        used++;
    }
    out[used] = 0;
    return true;
}

void *mem_bus_at(const struct mem *m, gpa address, uint32_t size)
{
    return (uint64_t)address + size <= BUS_SIZE ? m->bus + address : NULL;
}
