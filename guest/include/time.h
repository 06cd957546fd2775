// time.h: the console's clock, in UTC.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
typedef int64_t time_t; // seconds since 1970
typedef int64_t clock_t;
#define CLOCKS_PER_SEC 1000000
#define TIME_UTC 1

struct tm {
    int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday, tm_yday, tm_isdst;
};

struct timespec {
    time_t tv_sec;
    long tv_nsec;
};

time_t time(time_t *out);
clock_t clock(void); // time since the console began to count, not the program's alone
int timespec_get(struct timespec *out, int base);
struct tm *gmtime(const time_t *time);
struct tm *localtime(const time_t *time); // UTC too
struct tm *localtime_r(const time_t *time, struct tm *out);
time_t mktime(struct tm *fields);
char *asctime(const struct tm *fields);
char *ctime(const time_t *time);
size_t strftime(char *restrict out, size_t size, const char *restrict format, const struct tm *restrict fields);
struct tm *gmtime_r(const time_t *time, struct tm *out);
time_t timegm(struct tm *fields);
double difftime(time_t end, time_t start);
#ifdef __cplusplus
}
#endif
