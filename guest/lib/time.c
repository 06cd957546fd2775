#include <time.h>
#include <xenolith/xboxkrnl.h>

enum { DAY = 86400 };
static const int64_t unix_epoch = 11644473600; // seconds from 1601 to 1970

int timespec_get(struct timespec *out, int base)
{
    uint64_t now;
    KeQuerySystemTime(&now);
    out->tv_sec = (time_t)(now / 10000000) - unix_epoch;
    out->tv_nsec = (long)(now % 10000000) * 100;
    return base;
}

time_t time(time_t *out)
{
    struct timespec now;
    timespec_get(&now, TIME_UTC);
    if (out)
        *out = now.tv_sec;
    return now.tv_sec;
}

clock_t clock(void)
{
    return (clock_t)(xenolith_timebase() / 50); // 50 MHz
}

double difftime(time_t end, time_t start)
{
    return (double)(end - start);
}

static int is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 || year % 400 == 0);
}

static int days_in(int64_t year, int month)
{
    static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month] + (month == 1 && is_leap(year));
}

struct tm *gmtime_r(const time_t *time, struct tm *out)
{
    int64_t days = *time / DAY, rest = *time % DAY, year = 1970;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    *out = (struct tm){.tm_sec = (int)(rest % 60), .tm_min = (int)(rest / 60 % 60), .tm_hour = (int)(rest / 3600)};
    out->tm_wday = (int)((days % 7 + 11) % 7); // 1970 began on a Thursday
    for (; days < 0; year--)
        days += 365 + is_leap(year - 1);
    for (; days >= 365 + is_leap(year); year++)
        days -= 365 + is_leap(year);
    out->tm_year = (int)(year - 1900);
    out->tm_yday = (int)days;
    for (; days >= days_in(year, out->tm_mon); out->tm_mon++)
        days -= days_in(year, out->tm_mon);
    out->tm_mday = (int)days + 1;
    return out;
}

time_t timegm(struct tm *t)
{
    int64_t days = t->tm_mday - 1, year = t->tm_year + 1900;
    for (int64_t y = 1970; y < year; y++)
        days += 365 + is_leap(y);
    for (int64_t y = 1970; y > year; y--)
        days -= 365 + is_leap(y - 1);
    for (int m = 0; m < t->tm_mon && m < 12; m++)
        days += days_in(year, m);
    return ((days * 24 + t->tm_hour) * 60 + t->tm_min) * 60 + t->tm_sec;
}
