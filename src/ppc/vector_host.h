// vector_host.h: what the vector instructions need of the host beyond the compiler's own vector operators.
// Two sets with the same meaning: x86 with AVX2 and FMA, and plain loops for any other host (-DVECTOR_HOST_PORTABLE
// forces them). Lane 0 is the least significant. Nothing here depends on the host's floating-point control register,
// which stays as the process starts with it: round to nearest, denormals kept.
#pragma once
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__AVX2__) && defined(__FMA__) && !defined(VECTOR_HOST_PORTABLE)
#define VECTOR_HOST_X86 1
#include <immintrin.h>
#else
#define VECTOR_HOST_X86 0
#endif

#define VECTOR(bytes) __attribute__((vector_size(bytes), may_alias))

typedef uint8_t v16u VECTOR(16);
typedef uint16_t v8u VECTOR(16);
typedef uint32_t v4u VECTOR(16);
typedef uint64_t v2u VECTOR(16);
typedef int8_t v16s VECTOR(16);
typedef int16_t v8s VECTOR(16);
typedef int32_t v4s VECTOR(16);
typedef float v4f VECTOR(16);
// Twice as wide, for results that need more bits.
typedef uint8_t v8u8 VECTOR(8);
typedef uint16_t v16u16 VECTOR(32);
typedef int16_t v16s16 VECTOR(32);
typedef uint32_t v8u32 VECTOR(32);
typedef int32_t v8s32 VECTOR(32);
typedef uint64_t v4u64 VECTOR(32);
typedef int64_t v4s64 VECTOR(32);
typedef double v4d VECTOR(32);

#define WIDEN(type, x) __builtin_convertvector((x), type)

static inline v4u splat_word(uint32_t x)
{
    return (v4u){x, x, x, x};
}

static inline v4f splat_float(float x)
{
    return (v4f){x, x, x, x};
}

static inline v8u splat_halfword(uint16_t x)
{
    return (v8u){x, x, x, x, x, x, x, x};
}

static inline v16u splat_byte(uint8_t x)
{
    return (v16u){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x};
}

// Bits of `yes` where `mask` is 1, of `no` elsewhere.
static inline v4u choose(v4u mask, v4u yes, v4u no)
{
    return (mask & yes) | (~mask & no);
}

#if VECTOR_HOST_X86

// Byte i is table[control[i] & 15], or 0 where control[i] has its top bit set.
static inline v16u host_shuffle(v16u table, v16u control)
{
    return (v16u)_mm_shuffle_epi8((__m128i)table, (__m128i)control);
}

// Byte i is from `yes` where the top bit of select[i] is set, from `no` elsewhere.
static inline v16u host_blend(v16u no, v16u yes, v16u select)
{
    return (v16u)_mm_blendv_epi8((__m128i)no, (__m128i)yes, (__m128i)select);
}

static inline bool host_any(v4u x)
{
    return !_mm_testz_si128((__m128i)x, (__m128i)x);
}

// Top bit of every byte; byte 0 is bit 0.
static inline unsigned host_signs(v4u x)
{
    return (unsigned)_mm_movemask_epi8((__m128i)x);
}

static inline v4f host_fma(v4f a, v4f b, v4f c)
{
    return (v4f)_mm_fmadd_ps((__m128)a, (__m128)b, (__m128)c);
}

// The lesser; `b` where either is a NaN.
static inline v4f host_min_float(v4f a, v4f b)
{
    return (v4f)_mm_min_ps((__m128)a, (__m128)b);
}

static inline v4f host_round_nearest(v4f x)
{
    return (v4f)_mm_round_ps((__m128)x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline v4f host_round_down(v4f x)
{
    return (v4f)_mm_round_ps((__m128)x, _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
}

static inline v4f host_round_up(v4f x)
{
    return (v4f)_mm_round_ps((__m128)x, _MM_FROUND_TO_POS_INF | _MM_FROUND_NO_EXC);
}

static inline v4f host_round_zero(v4f x)
{
    return (v4f)_mm_round_ps((__m128)x, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}

#define HOST_2(name, type, intrinsic)                                                                                  \
    static inline type host_##name(type a, type b)                                                                     \
    {                                                                                                                  \
        return (type)intrinsic((__m128i)a, (__m128i)b);                                                                \
    }
HOST_2(add_sat_ub, v16u, _mm_adds_epu8)
HOST_2(add_sat_uh, v8u, _mm_adds_epu16)
HOST_2(add_sat_sb, v16s, _mm_adds_epi8)
HOST_2(add_sat_sh, v8s, _mm_adds_epi16)
HOST_2(sub_sat_ub, v16u, _mm_subs_epu8)
HOST_2(sub_sat_uh, v8u, _mm_subs_epu16)
HOST_2(sub_sat_sb, v16s, _mm_subs_epi8)
HOST_2(sub_sat_sh, v8s, _mm_subs_epi16)
HOST_2(average_ub, v16u, _mm_avg_epu8)
HOST_2(average_uh, v8u, _mm_avg_epu16)
HOST_2(max_ub, v16u, _mm_max_epu8)
HOST_2(max_uh, v8u, _mm_max_epu16)
HOST_2(max_uw, v4u, _mm_max_epu32)
HOST_2(max_sb, v16s, _mm_max_epi8)
HOST_2(max_sh, v8s, _mm_max_epi16)
HOST_2(max_sw, v4s, _mm_max_epi32)
HOST_2(min_ub, v16u, _mm_min_epu8)
HOST_2(min_uh, v8u, _mm_min_epu16)
HOST_2(min_uw, v4u, _mm_min_epu32)
HOST_2(min_sb, v16s, _mm_min_epi8)
HOST_2(min_sh, v8s, _mm_min_epi16)
HOST_2(min_sw, v4s, _mm_min_epi32)
#undef HOST_2

// Signed elements to half their width: `low` fills the less significant half.
#define HOST_PACK(name, from, to, intrinsic)                                                                           \
    static inline to host_##name(from low, from high)                                                                  \
    {                                                                                                                  \
        return (to)intrinsic((__m128i)low, (__m128i)high);                                                             \
    }
HOST_PACK(pack_sh_sb, v8s, v16s, _mm_packs_epi16)
HOST_PACK(pack_sh_ub, v8s, v16u, _mm_packus_epi16)
HOST_PACK(pack_sw_sh, v4s, v8s, _mm_packs_epi32)
HOST_PACK(pack_sw_uh, v4s, v8u, _mm_packus_epi32)
#undef HOST_PACK

#else

static inline v16u host_shuffle(v16u table, v16u control)
{
    v16u r;
    for (int i = 0; i < 16; i++)
        r[i] = control[i] & 0x80 ? 0 : table[control[i] & 15];
    return r;
}

static inline v16u host_blend(v16u no, v16u yes, v16u select)
{
    v16u mask = (v16u)((v16s)select < 0);
    return (mask & yes) | (~mask & no);
}

static inline bool host_any(v4u x)
{
    return (((v2u)x)[0] | ((v2u)x)[1]) != 0;
}

static inline unsigned host_signs(v4u x)
{
    unsigned r = 0;
    for (int i = 0; i < 16; i++)
        r |= (unsigned)(((v16u)x)[i] >> 7) << i;
    return r;
}

static inline v4f host_fma(v4f a, v4f b, v4f c)
{
    v4f r;
    for (int i = 0; i < 4; i++)
        r[i] = __builtin_fmaf(a[i], b[i], c[i]);
    return r;
}

static inline v4f host_min_float(v4f a, v4f b)
{
    return (v4f)choose((v4u)(a < b), (v4u)a, (v4u)b);
}

#define HOST_ROUND(name, function)                                                                                     \
    static inline v4f host_round_##name(v4f x)                                                                         \
    {                                                                                                                  \
        v4f r;                                                                                                         \
        for (int i = 0; i < 4; i++)                                                                                    \
            r[i] = x[i] != x[i] ? x[i] : function(x[i]);                                                               \
        v4u nan = (v4u)(x != x);                                                                                       \
        return (v4f)((v4u)r | (nan & splat_word(0x00400000)));                                                         \
    }
HOST_ROUND(nearest, __builtin_rintf)
HOST_ROUND(down, __builtin_floorf)
HOST_ROUND(up, __builtin_ceilf)
HOST_ROUND(zero, __builtin_truncf)
#undef HOST_ROUND

#define HOST_2(name, type, lanes, expression)                                                                          \
    static inline type host_##name(type a, type b)                                                                     \
    {                                                                                                                  \
        type r = a;                                                                                                    \
        for (int i = 0; i < lanes; i++) {                                                                              \
            int64_t x = a[i], y = b[i];                                                                                \
            r[i] = (__typeof__(r[0] + 0u))(expression);                                                                \
        }                                                                                                              \
        return r;                                                                                                      \
    }
#define LIMIT(x, low, high) ((x) < (low) ? (low) : (x) > (high) ? (high) : (x))
HOST_2(add_sat_ub, v16u, 16, LIMIT(x + y, 0, 255))
HOST_2(add_sat_uh, v8u, 8, LIMIT(x + y, 0, 65535))
HOST_2(add_sat_sb, v16s, 16, LIMIT(x + y, -128, 127))
HOST_2(add_sat_sh, v8s, 8, LIMIT(x + y, -32768, 32767))
HOST_2(sub_sat_ub, v16u, 16, LIMIT(x - y, 0, 255))
HOST_2(sub_sat_uh, v8u, 8, LIMIT(x - y, 0, 65535))
HOST_2(sub_sat_sb, v16s, 16, LIMIT(x - y, -128, 127))
HOST_2(sub_sat_sh, v8s, 8, LIMIT(x - y, -32768, 32767))
HOST_2(average_ub, v16u, 16, (x + y + 1) >> 1)
HOST_2(average_uh, v8u, 8, (x + y + 1) >> 1)
#define HOST_MIN_MAX(suffix, type, lanes)                                                                              \
    HOST_2(max_##suffix, type, lanes, x > y ? x : y)                                                                   \
    HOST_2(min_##suffix, type, lanes, x < y ? x : y)
HOST_MIN_MAX(ub, v16u, 16)
HOST_MIN_MAX(uh, v8u, 8)
HOST_MIN_MAX(uw, v4u, 4)
HOST_MIN_MAX(sb, v16s, 16)
HOST_MIN_MAX(sh, v8s, 8)
HOST_MIN_MAX(sw, v4s, 4)
#undef HOST_MIN_MAX
#undef HOST_2

#define HOST_PACK(name, from, to, lanes, least, most)                                                                  \
    static inline to host_##name(from low, from high)                                                                  \
    {                                                                                                                  \
        to r;                                                                                                          \
        for (int i = 0; i < lanes; i++) {                                                                              \
            int64_t x = low[i], y = high[i];                                                                           \
            r[i] = (__typeof__(r[0] + 0u))LIMIT(x, least, most);                                                       \
            r[i + lanes] = (__typeof__(r[0] + 0u))LIMIT(y, least, most);                                               \
        }                                                                                                              \
        return r;                                                                                                      \
    }
HOST_PACK(pack_sh_sb, v8s, v16s, 8, -128, 127)
HOST_PACK(pack_sh_ub, v8s, v16u, 8, 0, 255)
HOST_PACK(pack_sw_sh, v4s, v8s, 4, -32768, 32767)
HOST_PACK(pack_sw_uh, v4s, v8u, 4, 0, 65535)
#undef HOST_PACK
#undef LIMIT

#endif
