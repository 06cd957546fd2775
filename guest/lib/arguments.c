#include <string.h>
#include <xenolith/arguments.h>
#include <xenolith/xboxkrnl.h>

enum { SLOTS = 32 };

int xenolith_pack_arguments(uint64_t *slots, int most, const char *format, va_list args)
{
    int used = 0;
    for (const char *p = format; (p = strchr(p, '%')); p++) {
        int longs = 0;
        for (p++; *p && strchr("-+ #0123456789.*hlLqjztI", *p); p++) {
            if (used == most && *p == '*')
                return -1;
            if (*p == '*')
                slots[used++] = (uint64_t)va_arg(args, int);
            longs += *p == 'l' || *p == 'q' || *p == 'j' ? (*p == 'l' ? 1 : 2) : 0;
        }
        if (!*p)
            return used;
        if (*p == '%')
            continue;
        if (used == most)
            return -1;
        if (strchr("eEfFgGaA", *p)) {
            double value = va_arg(args, double);
            memcpy(&slots[used++], &value, 8);
        } else if (longs >= 2)
            slots[used++] = va_arg(args, uint64_t);
        else if (*p == 'd' || *p == 'i')
            slots[used++] = (uint64_t)(int64_t)va_arg(args, int);
        else
            slots[used++] = va_arg(args, uint32_t);
    }
    return used;
}

double xenolith_next_double(const uint64_t **list)
{
    double value;
    memcpy(&value, (*list)++, 8);
    return value;
}

int krnl_sprintf(char *out, const char *format, ...)
{
    uint64_t slots[SLOTS];
    va_list args;
    va_start(args, format);
    int count = xenolith_pack_arguments(slots, SLOTS, format, args);
    va_end(args);
    return count < 0 ? -1 : krnl_vsprintf(out, format, slots);
}

int krnl__snprintf(char *out, uint32_t size, const char *format, ...)
{
    uint64_t slots[SLOTS];
    va_list args;
    va_start(args, format);
    int count = xenolith_pack_arguments(slots, SLOTS, format, args);
    va_end(args);
    return count < 0 ? -1 : krnl__vsnprintf(out, size, format, slots);
}
