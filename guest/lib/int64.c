// What gcc expects of libgcc for 64-bit integers: -m32 has no library of its own, but the CPU has 64-bit registers.
#include <stdint.h>

int64_t __divdi3(int64_t a, int64_t b);
int64_t __moddi3(int64_t a, int64_t b);
uint64_t __udivdi3(uint64_t a, uint64_t b);
uint64_t __umoddi3(uint64_t a, uint64_t b);
uint64_t __udivmoddi4(uint64_t a, uint64_t b, uint64_t *rest);
int64_t __divmoddi4(int64_t a, int64_t b, int64_t *rest);
uint64_t __ashldi3(uint64_t a, int n);
uint64_t __lshrdi3(uint64_t a, int n);
int64_t __ashrdi3(int64_t a, int n);
int __cmpdi2(int64_t a, int64_t b);
int __ucmpdi2(uint64_t a, uint64_t b);
int __clzdi2(uint64_t a);
int __ctzdi2(uint64_t a);
int __popcountdi2(uint64_t a);
int __popcountsi2(uint32_t a);
uint64_t __bswapdi2(uint64_t a);
double __floatdidf(int64_t a);
double __floatundidf(uint64_t a);
float __floatdisf(int64_t a);
float __floatundisf(uint64_t a);
int64_t __fixdfdi(double a);
uint64_t __fixunsdfdi(double a);
int64_t __fixsfdi(float a);
uint64_t __fixunssfdi(float a);

// Operands travel in pairs of 32-bit halves; the asm below makes 64-bit registers of them and takes the result apart.
static uint64_t join(uint32_t high, uint32_t low)
{
    return (uint64_t)high << 32 | low;
}

uint64_t __udivdi3(uint64_t a, uint64_t b)
{
    uint32_t high = (uint32_t)(a >> 32), low = (uint32_t)a, b_high = (uint32_t)(b >> 32), b_low = (uint32_t)b;
    __asm__("rldimi %1, %0, 32, 0\n\trldimi %3, %2, 32, 0\n\tdivdu %1, %1, %3\n\tsrdi %0, %1, 32"
            : "+&r"(high), "+&r"(low), "+&r"(b_high), "+&r"(b_low));
    return join(high, low);
}

int64_t __divdi3(int64_t a, int64_t b)
{
    uint32_t high = (uint32_t)((uint64_t)a >> 32), low = (uint32_t)a;
    uint32_t b_high = (uint32_t)((uint64_t)b >> 32), b_low = (uint32_t)b;
    __asm__("rldimi %1, %0, 32, 0\n\trldimi %3, %2, 32, 0\n\tdivd %1, %1, %3\n\tsrdi %0, %1, 32"
            : "+&r"(high), "+&r"(low), "+&r"(b_high), "+&r"(b_low));
    return (int64_t)join(high, low);
}

uint64_t __umoddi3(uint64_t a, uint64_t b)
{
    return a - __udivdi3(a, b) * b;
}

int64_t __moddi3(int64_t a, int64_t b)
{
    return a - __divdi3(a, b) * b;
}

uint64_t __udivmoddi4(uint64_t a, uint64_t b, uint64_t *rest)
{
    uint64_t q = __udivdi3(a, b);
    if (rest)
        *rest = a - q * b;
    return q;
}

int64_t __divmoddi4(int64_t a, int64_t b, int64_t *rest)
{
    int64_t q = __divdi3(a, b);
    *rest = a - q * b;
    return q;
}

uint64_t __lshrdi3(uint64_t a, int n)
{
    uint32_t high = (uint32_t)(a >> 32), low = (uint32_t)a;
    if (n >= 32)
        return high >> (n - 32);
    return n ? join(high >> n, low >> n | high << (32 - n)) : a;
}

uint64_t __ashldi3(uint64_t a, int n)
{
    uint32_t high = (uint32_t)(a >> 32), low = (uint32_t)a;
    if (n >= 32)
        return join(low << (n - 32), 0);
    return n ? join(high << n | low >> (32 - n), low << n) : a;
}

int64_t __ashrdi3(int64_t a, int n)
{
    int32_t high = (int32_t)((uint64_t)a >> 32);
    uint32_t low = (uint32_t)a;
    if (n >= 32)
        return (int64_t)join((uint32_t)(high >> 31), (uint32_t)(high >> (n - 32)));
    return n ? (int64_t)join((uint32_t)(high >> n), low >> n | (uint32_t)high << (32 - n)) : a;
}

int __cmpdi2(int64_t a, int64_t b)
{
    return a < b ? 0 : a > b ? 2 : 1;
}

int __ucmpdi2(uint64_t a, uint64_t b)
{
    return a < b ? 0 : a > b ? 2 : 1;
}

int __clzdi2(uint64_t a)
{
    uint32_t high = (uint32_t)(a >> 32);
    return high ? __builtin_clz(high) : 32 + __builtin_clz((uint32_t)a);
}

int __ctzdi2(uint64_t a)
{
    uint32_t low = (uint32_t)a;
    return low ? __builtin_ctz(low) : 32 + __builtin_ctz((uint32_t)(a >> 32));
}

int __popcountsi2(uint32_t a)
{
    a -= a >> 1 & 0x55555555;
    a = (a & 0x33333333) + (a >> 2 & 0x33333333);
    return (int)(((a + (a >> 4)) & 0x0F0F0F0F) * 0x01010101 >> 24);
}

int __popcountdi2(uint64_t a)
{
    return __popcountsi2((uint32_t)a) + __popcountsi2((uint32_t)(a >> 32));
}

uint64_t __bswapdi2(uint64_t a)
{
    return join(__builtin_bswap32((uint32_t)a), __builtin_bswap32((uint32_t)(a >> 32)));
}

// Halves convert exactly; one addition rounds.
double __floatundidf(uint64_t a)
{
    return (double)(uint32_t)(a >> 32) * 4294967296.0 + (double)(uint32_t)a;
}

double __floatdidf(int64_t a)
{
    return (double)(int32_t)((uint64_t)a >> 32) * 4294967296.0 + (double)(uint32_t)a;
}

// Bits that the double could not hold are folded into one sticky bit, so that rounding to float happens once.
static uint64_t sticky(uint64_t magnitude)
{
    return magnitude >> 53 ? (magnitude & ~0x7FFull) | ((magnitude & 0x7FF) != 0 ? 0x800 : 0) : magnitude;
}

float __floatundisf(uint64_t a)
{
    return (float)__floatundidf(sticky(a));
}

float __floatdisf(int64_t a)
{
    return a < 0 ? -__floatundisf(-(uint64_t)a) : __floatundisf((uint64_t)a);
}

uint64_t __fixunsdfdi(double a)
{
    if (!(a >= 1))
        return 0;
    uint32_t high = (uint32_t)(a * (1 / 4294967296.0));
    return join(high, (uint32_t)(a - (double)high * 4294967296.0));
}

int64_t __fixdfdi(double a)
{
    return a < 0 ? -(int64_t)__fixunsdfdi(-a) : (int64_t)__fixunsdfdi(a);
}

int64_t __fixsfdi(float a)
{
    return __fixdfdi(a);
}

uint64_t __fixunssfdi(float a)
{
    return __fixunsdfdi(a);
}
