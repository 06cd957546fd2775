// hello: formatted output of every kind that the SDK knows.
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static int checks, failed;

static void expect(const char *want, const char *have)
{
    checks++;
    printf("%2d %s\n", checks, have);
    if (strcmp(want, have) != 0 && !failed) {
        failed = checks;
        printf("   wanted: %s\n", want);
    }
}

#define FORMAT(want, ...) (snprintf(text, sizeof text, __VA_ARGS__), expect(want, text))

int main(int argc, char **argv)
{
    char text[128];
    printf("Hello from the Xbox 360 side.\n");
    FORMAT("int -42 42 0x2a 052", "int %d %u %#x %#o", -42, 42u, 42u, 42u);
    FORMAT("[   42] [42   ] [00042] [+42]", "[%5d] [%-5d] [%05d] [%+d]", 42, 42, 42, 42);
    FORMAT("long -1234567890123456789", "long %lld", -1234567890123456789LL);
    FORMAT("hex fedcba9876543210", "hex %llx", 0xFEDCBA9876543210ULL);
    FORMAT("3.141593 2.5 -0.100", "%f %.1f %.3f", 3.14159265358979, 2.5, -0.1);
    FORMAT("1.000000e+10 1e+10 0.0001", "%e %g %g", 1e10, 1e10, 0.0001);
    FORMAT("string character % p 0x82000000", "%s %s %% %c %p", "string", "character", 'p', (void *)0x82000000);
    FORMAT("[abc  ] [  abc] [ab]", "[%-5s] [%5s] [%.2s]", "abc", "abc", "abc");
    FORMAT("1 2.0 3 4.0 5 6.0 7 8.0 9 10.0", "%d %.1f %d %.1f %d %.1f %d %.1f %d %.1f", 1, 2.0, 3, 4.0, 5, 6.0, 7, 8.0,
           9, 10.0);
    volatile uint64_t big = 10000000000000000000ULL, small = 7;
    FORMAT("1428571428571428571 rest 3", "%llu rest %llu", big / small, big % small);
    FORMAT("-3 rest -1", "%lld rest %lld", -(int64_t)(small + 3) / 3, -(int64_t)(small + 3) % 3);
    checks++;
    printf("%2d %d argument%s, the first %s\n", checks, argc, argc == 1 ? "" : "s",
           argc && argv[0][0] ? "named" : "empty");
    if ((argc < 1 || !argv[0][0]) && !failed)
        failed = checks;
    puts(failed ? "hello: failed" : "hello: ok");
    return failed;
}
