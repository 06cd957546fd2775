// Times of 100 ns since 1601 and their fields: year, month, day, hour, minute, second, millisecond, weekday, 16 bits
// each.
#include "kernel/api.h"
#include "kernel/state.h"

enum { FIELDS = 8, FIELDS_BYTES = 16, FIRST_YEAR = 1601, DAYS_PER_400_YEARS = 146097 };

static const uint64_t per_ms = 10000, per_day = UINT64_C(864000000000);

static bool is_leap(uint32_t year)
{
    return year % 4 == 0 && (year % 100 || year % 400 == 0);
}

static uint32_t days_of_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

// Days from 1601-01-01 to the first of a year.
static uint64_t days_before_year(uint32_t year)
{
    uint64_t years = year - FIRST_YEAR;
    return years * 365 + years / 4 - years / 100 + years / 400;
}

void RtlTimeToTimeFields(struct krnl_call *c, uint32_t time_ptr, uint32_t fields_ptr)
{
    uint64_t time;
    if (!mem_get64(c->mem, time_ptr, &time) || !mem_valid(c->mem, fields_ptr, FIELDS_BYTES, MEM_WRITE)) {
        log_write(c->k->log, LOG_GUEST, "rtl", "RtlTimeToTimeFields(0x%08x, 0x%08x): bad pointer", time_ptr,
                  fields_ptr);
        return;
    }
    uint64_t days = time / per_day, ms = time % per_day / per_ms;
    uint32_t year = FIRST_YEAR + (uint32_t)(days / DAYS_PER_400_YEARS) * 400, month = 1;
    while (days_before_year(year + 1) <= days)
        year++;
    uint32_t day = (uint32_t)(days - days_before_year(year));
    while (day >= days_of_month(year, month))
        day -= days_of_month(year, month++);
    const uint64_t fields[FIELDS] = {year,           month,     day + 1,       ms / 3600000, ms / 60000 % 60,
                                     ms / 1000 % 60, ms % 1000, (days + 1) % 7};
    for (unsigned i = 0; i < FIELDS; i++)
        mem_set16(c->mem, fields_ptr + 2 * i, (uint16_t)fields[i]);
}

uint32_t RtlTimeFieldsToTime(struct krnl_call *c, uint32_t fields_ptr, uint32_t time_ptr)
{
    uint16_t f[FIELDS];
    for (unsigned i = 0; i < FIELDS; i++)
        if (!mem_get16(c->mem, fields_ptr + 2 * i, &f[i]))
            return 0;
    if (f[0] < FIRST_YEAR || f[1] < 1 || f[1] > 12 || f[2] < 1 || f[2] > days_of_month(f[0], f[1]) || f[3] > 23 ||
        f[4] > 59 || f[5] > 59 || f[6] > 999)
        return 0;
    uint64_t days = days_before_year(f[0]) + f[2] - 1u;
    for (uint32_t month = 1; month < f[1]; month++)
        days += days_of_month(f[0], month);
    uint64_t ms = ((f[3] * 60u + f[4]) * 60u + f[5]) * UINT64_C(1000) + f[6];
    return mem_set64(c->mem, time_ptr, days * per_day + ms * per_ms);
}
