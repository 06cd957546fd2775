// Calendar times as text and back. The console's local time is UTC here.
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct tm shared;
static const char days[] = "SunMonTueWedThuFriSat", months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char *const long_days[] = {"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"};
static const char *const long_months[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
                                          "December"};

struct tm *gmtime(const time_t *time)
{
    return gmtime_r(time, &shared);
}

struct tm *localtime_r(const time_t *time, struct tm *out)
{
    return gmtime_r(time, out);
}

struct tm *localtime(const time_t *time)
{
    return gmtime_r(time, &shared);
}

time_t mktime(struct tm *fields)
{
    int years = fields->tm_mon / 12 - (fields->tm_mon % 12 < 0);
    fields->tm_year += years;
    fields->tm_mon -= 12 * years;
    time_t time = timegm(fields);
    gmtime_r(&time, fields);
    return time;
}

static unsigned index_of(int value, unsigned count)
{
    return value >= 0 && (unsigned)value < count ? (unsigned)value : 0;
}

char *asctime(const struct tm *t)
{
    static char text[40];
    snprintf(text, sizeof text, "%.3s %.3s%3d %02d:%02d:%02d %d\n", days + 3 * index_of(t->tm_wday, 7), months + 3 * index_of(t->tm_mon, 12), t->tm_mday,
             t->tm_hour, t->tm_min, t->tm_sec, 1900 + t->tm_year);
    return text;
}

char *ctime(const time_t *time)
{
    struct tm fields;
    return asctime(gmtime_r(time, &fields));
}

static int one(char *out, size_t size, char kind, const struct tm *t)
{
    int hour = t->tm_hour % 12 ? t->tm_hour % 12 : 12, year = 1900 + t->tm_year;
    switch (kind) {
    case 'a': return snprintf(out, size, "%.3s", days + 3 * index_of(t->tm_wday, 7));
    case 'A': return snprintf(out, size, "%s", long_days[index_of(t->tm_wday, 7)]);
    case 'b':
    case 'h': return snprintf(out, size, "%.3s", months + 3 * index_of(t->tm_mon, 12));
    case 'B': return snprintf(out, size, "%s", long_months[index_of(t->tm_mon, 12)]);
    case 'C': return snprintf(out, size, "%02d", year / 100);
    case 'd': return snprintf(out, size, "%02d", t->tm_mday);
    case 'e': return snprintf(out, size, "%2d", t->tm_mday);
    case 'H': return snprintf(out, size, "%02d", t->tm_hour);
    case 'I': return snprintf(out, size, "%02d", hour);
    case 'j': return snprintf(out, size, "%03d", t->tm_yday + 1);
    case 'm': return snprintf(out, size, "%02d", t->tm_mon + 1);
    case 'M': return snprintf(out, size, "%02d", t->tm_min);
    case 'n': return snprintf(out, size, "\n");
    case 'p': return snprintf(out, size, "%s", t->tm_hour < 12 ? "AM" : "PM");
    case 'S': return snprintf(out, size, "%02d", t->tm_sec);
    case 't': return snprintf(out, size, "\t");
    case 'u': return snprintf(out, size, "%d", t->tm_wday ? t->tm_wday : 7);
    case 'w': return snprintf(out, size, "%d", t->tm_wday);
    case 'y': return snprintf(out, size, "%02d", year % 100);
    case 'Y': return snprintf(out, size, "%d", year);
    case 'z': return snprintf(out, size, "+0000");
    case 'Z': return snprintf(out, size, "UTC");
    case '%': return snprintf(out, size, "%%");
    default: return -1;
    }
}

// What is short for several.
static const char *longer(char kind)
{
    switch (kind) {
    case 'c': return "%a %b %e %H:%M:%S %Y";
    case 'D':
    case 'x': return "%m/%d/%y";
    case 'F': return "%Y-%m-%d";
    case 'r': return "%I:%M:%S %p";
    case 'R': return "%H:%M";
    case 'T':
    case 'X': return "%H:%M:%S";
    default: return NULL;
    }
}

size_t strftime(char *restrict out, size_t size, const char *restrict format, const struct tm *restrict t)
{
    size_t used = 0;
    for (const char *p = format; *p; p++) {
        size_t left = size - used;
        if (*p != '%' || !p[1]) {
            if (left < 2)
                return 0;
            out[used++] = *p;
            continue;
        }
        const char *more = longer(*++p);
        int n = more ? (int)strftime(out + used, left, more, t) : one(out + used, left, *p, t);
        if (n < 0 || (size_t)n >= left || (more && !n))
            return 0;
        used += (size_t)n;
    }
    if (used >= size)
        return 0;
    out[used] = 0;
    return used;
}
