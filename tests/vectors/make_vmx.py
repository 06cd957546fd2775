#!/usr/bin/env python3
"""Prints test vectors for every vector instruction, one JSON object a line, as `xenolith exec` reads them.

The model below is written from the architecture manuals, on guest element numbers, whole integers and exact fractions; it
shares nothing with src/ppc but opcodes.def, from which it takes the encodings. Output is the same on every run.
Usage: make_vmx.py [CASES_PER_INSTRUCTION]
"""
import json
import os
import random
import re
import sys
from fractions import Fraction

HERE = os.path.dirname(os.path.abspath(__file__))
TABLE = os.path.join(HERE, "../../src/ppc/opcodes.def")
DATA = 0x10000000
QNAN = 0x7FC00000


# ---- Registers: a 128-bit integer; guest element 0 is the most significant

def split(v, size):
    return [v >> (128 - 8 * size * (i + 1)) & ((1 << 8 * size) - 1) for i in range(16 // size)]


def join(elements, size):
    v = 0
    for e in elements:
        v = v << 8 * size | e & ((1 << 8 * size) - 1)
    return v


def signed(x, bits):
    return x - (1 << bits) if x >> (bits - 1) & 1 else x


# ---- Floats: exact

def is_nan(x):
    return x & 0x7FFFFFFF > 0x7F800000


def is_inf(x):
    return x & 0x7FFFFFFF == 0x7F800000


def value(x):
    """The fraction a finite float stands for."""
    e, f = x >> 23 & 255, x & 0x7FFFFF
    r = Fraction(f, 1 << 149) if e == 0 else Fraction(f | 0x800000) * Fraction(2) ** (e - 150)
    return -r if x >> 31 else r


def to_float(r, negative_zero=False):
    """Nearest float, ties to even."""
    if r == 0:
        return 0x80000000 if negative_zero else 0
    sign, r = (0x80000000, -r) if r < 0 else (0, r)
    e = -126
    while r >= Fraction(2) ** (e + 1):
        e += 1
    n = r / Fraction(2) ** (e - 23)
    whole = n.numerator // n.denominator
    rest = n - whole
    if rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole & 1):
        whole += 1
    if whole == 1 << 24:
        whole, e = whole >> 1, e + 1
    if e > 127:
        return sign | 0x7F800000
    if whole < 1 << 23:  # denormal
        return sign | whole
    return sign | (e + 127) << 23 | whole & 0x7FFFFF


def flush(x, nj):
    return x & 0x80000000 if nj and x & 0x7F800000 == 0 else x


def first_nan(*operands):
    for x in operands:
        if is_nan(x):
            return x | 0x400000
    return None


def fused(a, c, b, nj, nan_order):
    """a * c + b, rounded once."""
    nan = first_nan(*nan_order)
    if nan is not None:
        return nan
    a, b, c = flush(a, nj), flush(b, nj), flush(c, nj)
    sign = (a ^ c) & 0x80000000
    if is_inf(a) or is_inf(c):
        if a & 0x7FFFFFFF == 0 or c & 0x7FFFFFFF == 0 or (is_inf(b) and b & 0x80000000 != sign):
            return QNAN
        return sign | 0x7F800000
    if is_inf(b):
        return b
    exact = value(a) * value(c) + value(b)
    if exact == 0:
        both_negative = sign and b >> 31
        product_zero = value(a) * value(c) == 0
        return 0x80000000 if both_negative and product_zero else 0
    if nj and abs(exact) < Fraction(1, 1 << 126):
        return 0x80000000 if exact < 0 else 0
    return to_float(exact)


def order_key(x):
    return -(x & 0x7FFFFFFF) - 1 if x >> 31 else x


class Machine:
    def __init__(self, nj, sat):
        self.nj, self.sat, self.sat_before = nj, sat, sat

    def limit(self, x, low, high):
        if x < low or x > high:
            self.sat = 1
        return min(max(x, low), high)

    def limit_signed(self, x, bits):
        return self.limit(x, -(1 << bits - 1), (1 << bits - 1) - 1)

    def limit_unsigned(self, x, bits):
        return self.limit(x, 0, (1 << bits) - 1)


MODEL = {}


def model(name):
    def add(f):
        MODEL[name] = f
        return f
    return add


def lanes(name, size, f):
    """f(machine, elements of a, b, c) for each element."""
    def whole(m, o):
        sources = [split(o[k], size) for k in ("VA", "VB", "VC") if k in o]
        return join([f(m, *e) for e in zip(*sources)], size)
    MODEL[name] = whole


ONES = (1 << 128) - 1
MODEL["vand"] = lambda m, o: o["VA"] & o["VB"]
MODEL["vandc"] = lambda m, o: o["VA"] & ~o["VB"]
MODEL["vnor"] = lambda m, o: ~(o["VA"] | o["VB"]) & ONES
MODEL["vor"] = lambda m, o: o["VA"] | o["VB"]
MODEL["vxor"] = lambda m, o: o["VA"] ^ o["VB"]
MODEL["vsel"] = lambda m, o: (o["VA"] & ~o["VC"]) | (o["VB"] & o["VC"])

for letter, size in (("b", 1), ("h", 2), ("w", 4)):
    bits = 8 * size

    def s(x, bits=bits):
        return signed(x, bits)
    lanes("vaddu%sm" % letter, size, lambda m, a, b: a + b)
    lanes("vsubu%sm" % letter, size, lambda m, a, b: a - b)
    lanes("vaddu%ss" % letter, size, lambda m, a, b, n=bits: m.limit_unsigned(a + b, n))
    lanes("vsubu%ss" % letter, size, lambda m, a, b, n=bits: m.limit_unsigned(a - b, n))
    lanes("vadds%ss" % letter, size, lambda m, a, b, n=bits, s=s: m.limit_signed(s(a) + s(b), n))
    lanes("vsubs%ss" % letter, size, lambda m, a, b, n=bits, s=s: m.limit_signed(s(a) - s(b), n))
    lanes("vavgu%s" % letter, size, lambda m, a, b: (a + b + 1) >> 1)
    lanes("vavgs%s" % letter, size, lambda m, a, b, s=s: (s(a) + s(b) + 1) >> 1)
    lanes("vmaxu%s" % letter, size, lambda m, a, b: max(a, b))
    lanes("vminu%s" % letter, size, lambda m, a, b: min(a, b))
    lanes("vmaxs%s" % letter, size, lambda m, a, b, s=s: max(s(a), s(b)))
    lanes("vmins%s" % letter, size, lambda m, a, b, s=s: min(s(a), s(b)))
    lanes("vsl%s" % letter, size, lambda m, a, b, n=bits: a << b % n)
    lanes("vsr%s" % letter, size, lambda m, a, b, n=bits: a >> b % n)
    lanes("vsra%s" % letter, size, lambda m, a, b, n=bits, s=s: s(a) >> b % n)
    lanes("vrl%s" % letter, size, lambda m, a, b, n=bits: a << b % n | a >> (n - b % n))
    lanes("vcmpequ%s" % letter, size, lambda m, a, b: -(a == b))
    lanes("vcmpgtu%s" % letter, size, lambda m, a, b: -(a > b))
    lanes("vcmpgts%s" % letter, size, lambda m, a, b, s=s: -(s(a) > s(b)))
lanes("vaddcuw", 4, lambda m, a, b: a + b >> 32)
lanes("vsubcuw", 4, lambda m, a, b: int(a >= b))


# ---- Multiplications and sums

def products(name, size, first, sign):
    def whole(m, o):
        a, b = split(o["VA"], size), split(o["VB"], size)
        n = 8 * size
        if sign:
            a, b = [signed(x, n) for x in a], [signed(x, n) for x in b]
        return join([a[i] * b[i] for i in range(first, 16 // size, 2)], 2 * size)
    MODEL[name] = whole


for letter, size in (("b", 1), ("h", 2)):
    for first, word in ((0, "e"), (1, "o")):
        products("vmul%ss%s" % (word, letter), size, first, True)
        products("vmul%su%s" % (word, letter), size, first, False)


def h(x):
    return signed(x, 16)


def w(x):
    return signed(x, 32)


lanes("vmhaddshs", 2, lambda m, a, b, c: m.limit_signed((h(a) * h(b) >> 15) + h(c), 16))
lanes("vmhraddshs", 2, lambda m, a, b, c: m.limit_signed((h(a) * h(b) + 0x4000 >> 15) + h(c), 16))
lanes("vmladduhm", 2, lambda m, a, b, c: a * b + c)


def multiply_sum(name, size, sign_a, sign_b, finish):
    def whole(m, o):
        n = 4 // size
        a, b, c = split(o["VA"], size), split(o["VB"], size), split(o["VC"], 4)
        a = [signed(x, 8 * size) for x in a] if sign_a else a
        b = [signed(x, 8 * size) for x in b] if sign_b else b
        sums = [sum(a[i * n + k] * b[i * n + k] for k in range(n)) for i in range(4)]
        return join([finish(m, t, x) for t, x in zip(sums, c)], 4)
    MODEL[name] = whole


multiply_sum("vmsumubm", 1, False, False, lambda m, t, c: t + c)
multiply_sum("vmsummbm", 1, True, False, lambda m, t, c: t + c)
multiply_sum("vmsumuhm", 2, False, False, lambda m, t, c: t + c)
multiply_sum("vmsumshm", 2, True, True, lambda m, t, c: t + c)
multiply_sum("vmsumuhs", 2, False, False, lambda m, t, c: m.limit_unsigned(t + c, 32))
multiply_sum("vmsumshs", 2, True, True, lambda m, t, c: m.limit_signed(t + w(c), 32))


def sum_fours(name, size, sign):
    def whole(m, o):
        n = 4 // size
        a, b = split(o["VA"], size), split(o["VB"], 4)
        a = [signed(x, 8 * size) for x in a] if sign else a
        r = []
        for i in range(4):
            t = sum(a[i * n:i * n + n])
            r.append(m.limit_signed(t + w(b[i]), 32) if sign else m.limit_unsigned(t + b[i], 32))
        return join(r, 4)
    MODEL[name] = whole


sum_fours("vsum4ubs", 1, False)
sum_fours("vsum4sbs", 1, True)
sum_fours("vsum4shs", 2, True)


@model("vsum2sws")
def _(m, o):
    a, b = [w(x) for x in split(o["VA"], 4)], [w(x) for x in split(o["VB"], 4)]
    return join([0, m.limit_signed(a[0] + a[1] + b[1], 32), 0, m.limit_signed(a[2] + a[3] + b[3], 32)], 4)


@model("vsumsws")
def _(m, o):
    a, b = [w(x) for x in split(o["VA"], 4)], [w(x) for x in split(o["VB"], 4)]
    return join([0, 0, 0, m.limit_signed(sum(a) + b[3], 32)], 4)


# ---- Moves

@model("vperm")
def _(m, o):
    both = split(o["VA"], 1) + split(o["VB"], 1)
    return join([both[c & 31] for c in split(o["VC"], 1)], 1)


MODEL["vsldoi"] = lambda m, o: (o["VA"] << 128 | o["VB"]) >> (128 - 8 * o["SHB"]) & ONES
MODEL["vslo"] = lambda m, o: o["VA"] << 8 * (o["VB"] >> 3 & 15) & ONES
MODEL["vsro"] = lambda m, o: o["VA"] >> 8 * (o["VB"] >> 3 & 15)


@model("vsl")  # each byte by its own count, taking bits from the next byte
def _(m, o):
    a, b = split(o["VA"], 1) + [0], split(o["VB"], 1)
    return join([(a[i] << 8 | a[i + 1]) << (b[i] & 7) >> 8 for i in range(16)], 1)


@model("vsr")
def _(m, o):
    a, b = [0] + split(o["VA"], 1), split(o["VB"], 1)
    return join([(a[i] << 8 | a[i + 1]) >> (b[i] & 7) for i in range(16)], 1)


def merge(name, size, low):
    def whole(m, o):
        half = 8 // size
        a, b = split(o["VA"], size), split(o["VB"], size)
        part = range(half, 2 * half) if low else range(half)
        return join([x for i in part for x in (a[i], b[i])], size)
    MODEL[name] = whole


for letter, size in (("b", 1), ("h", 2), ("w", 4)):
    merge("vmrgh%s" % letter, size, False)
    merge("vmrgl%s" % letter, size, True)
    MODEL["vsplt%s" % letter] = lambda m, o, z=size: join(
        [split(o["VB"], z)[o["UIMM"] % (16 // z)]] * (16 // z), z)
    MODEL["vspltis%s" % letter] = lambda m, o, z=size: join([signed(o["SIMM"], 5)] * (16 // z), z)


@model("vpermwi")
def _(m, o):
    b = split(o["VB"], 4)
    return join([b[o["UIMM"] >> (6 - 2 * i) & 3] for i in range(4)], 4)


@model("vrlimi")
def _(m, o):
    d, b = split(o["VD"], 4), split(o["VB"], 4)
    return join([b[(i + o["z"]) % 4] if o["IMM"] >> (3 - i) & 1 else d[i] for i in range(4)], 4)


# ---- Packs

def pack(name, size, sign, limit):
    def whole(m, o):
        e = split(o["VA"], 2 * size) + split(o["VB"], 2 * size)
        e = [signed(x, 16 * size) for x in e] if sign else e
        return join([limit(m, x, 8 * size) for x in e], size)
    MODEL[name] = whole


pack("vpkuhum", 1, False, lambda m, x, n: x)
pack("vpkuwum", 2, False, lambda m, x, n: x)
pack("vpkuhus", 1, False, Machine.limit_unsigned)
pack("vpkuwus", 2, False, Machine.limit_unsigned)
pack("vpkshus", 1, True, Machine.limit_unsigned)
pack("vpkswus", 2, True, Machine.limit_unsigned)
pack("vpkshss", 1, True, Machine.limit_signed)
pack("vpkswss", 2, True, Machine.limit_signed)


@model("vpkpx")
def _(m, o):
    e = split(o["VA"], 4) + split(o["VB"], 4)
    return join([(x >> 24 & 1) << 15 | (x >> 19 & 31) << 10 | (x >> 11 & 31) << 5 | x >> 3 & 31 for x in e], 2)


def unpack(name, size, low, f):
    def whole(m, o):
        e = split(o["VB"], size)
        half = len(e) // 2
        return join([f(x) for x in (e[half:] if low else e[:half])], 2 * size)
    MODEL[name] = whole


def pixel(x):
    return (0xFF000000 if x >> 15 else 0) | (x >> 10 & 31) << 16 | (x >> 5 & 31) << 8 | x & 31


for low, letter in ((False, "h"), (True, "l")):
    unpack("vupk%ssb" % letter, 1, low, lambda x: signed(x, 8))
    unpack("vupk%ssh" % letter, 2, low, lambda x: signed(x, 16))
    unpack("vupk%spx" % letter, 2, low, pixel)


def steps(x, low, high):
    """Which integer n a float near 3 + n * 2^-22 holds, kept in [low, high]; a NaN counts as the least."""
    if is_nan(x):
        return low
    if is_inf(x):
        return low if x >> 31 else high
    n = (value(x) - 3) * (1 << 22)
    return low if n < low else high if n > high else n.numerator


def half(x):
    sign = x >> 16 & 0x8000
    if is_nan(x) or is_inf(x) or abs(value(x)) >= 131008:
        return sign | 0x7FFF
    r = abs(value(x))
    if r < Fraction(1, 1 << 14):
        return sign
    return sign | half_bits(r)


def half_bits(r):
    e = 1
    while r >= Fraction(2) ** (e + 1 - 15):
        e += 1
    n = (r / Fraction(2) ** (e - 15) - 1) * 1024
    return e << 10 | n.numerator // n.denominator


def unhalf(x):
    e, f = x >> 10 & 31, x & 1023
    return to_float((1 + Fraction(f, 1024)) * Fraction(2) ** (e - 15)) | (x & 0x8000) << 16 if e else (x & 0x8000) << 16


def fields(values_and_bits):
    r = 0
    for v, bits in values_and_bits:
        r = r << bits | v & ((1 << bits) - 1)
    return r


@model("vpkd3d")
def _(m, o):
    x, y, z, t = split(o["VB"], 4)
    kind = o["IMM"] >> 2
    if kind == 0:
        p = fields([(steps(e, 0, 255), 8) for e in (t, x, y, z)])
    elif kind in (1, 4):
        p = fields([(steps(e, -32767, 32767), 16) for e in ((x, y) if kind == 1 else (x, y, z, t))])
    elif kind in (2, 6):
        n, k = (10, 2) if kind == 2 else (20, 4)
        most = (1 << n - 1) - 1
        p = fields([(steps(t, 0, (1 << k) - 1), k)] + [(steps(e, -most, most), n) for e in (z, y, x)])
    else:
        p = fields([(half(e), 16) for e in ((x, y) if kind == 3 else (x, y, z, t))])
    old, new = split(o["VD"], 4), [None, None, p >> 32, p & 0xFFFFFFFF]
    places = {
        (1, 0): "o0 o1 o2 n3", (1, 1): "o0 o1 n3 o3", (1, 2): "o0 n3 o2 o3", (1, 3): "n3 o1 o2 o3",
        (2, 0): "o0 o1 n2 n3", (2, 1): "o0 n2 n3 o3", (2, 2): "n2 n3 o2 o3", (2, 3): "n3 o1 o2 o3",
        (3, 0): "o0 o1 n2 n3", (3, 1): "o0 n2 n3 o3", (3, 2): "n2 n3 o2 o3", (3, 3): "o0 o1 o2 n2",
    }[o["IMM"] & 3, o["z"]].split()
    return join([(old if q[0] == "o" else new)[int(q[1])] for q in places], 4)


def number(n, bits):
    n = signed(n & ((1 << bits) - 1), bits)
    return QNAN if n == -(1 << bits - 1) else to_float(3 + Fraction(n, 1 << 22))


def one_plus(n):
    return to_float(1 + Fraction(n, 1 << 23))


@model("vupkd3d")
def _(m, o):
    p = o["VB"] & (1 << 64) - 1
    kind = o["IMM"] >> 2
    if kind == 0:
        return join([one_plus(p >> n & 255) for n in (16, 8, 0, 24)], 4)
    if kind == 1:
        return join([number(p >> 16, 16), number(p, 16), 0, one_plus(0)], 4)
    if kind == 4:
        return join([number(p >> n, 16) for n in (48, 32, 16, 0)], 4)
    if kind == 2:
        return join([number(p >> n, 10) for n in (0, 10, 20)] + [one_plus(p >> 30 & 3)], 4)
    if kind == 6:
        return join([number(p >> n, 20) for n in (0, 20, 40)] + [one_plus(p >> 60)], 4)
    if kind == 3:
        return join([unhalf(p >> 16 & 0xFFFF), unhalf(p & 0xFFFF), 0, one_plus(0)], 4)
    return join([unhalf(p >> n & 0xFFFF) for n in (48, 32, 16, 0)], 4)


# ---- Floats

ONE, MINUS_ZERO = 0x3F800000, 0x80000000
lanes("vaddfp", 4, lambda m, a, b: fused(a, ONE, b, m.nj, (a, b)))
lanes("vsubfp", 4, lambda m, a, b: fused(a, ONE, b ^ MINUS_ZERO, m.nj, (a, b)))
lanes("vmulfp", 4, lambda m, a, b: fused(a, b, MINUS_ZERO, m.nj, (a, b)))
lanes("vmaddfp", 4, lambda m, a, b, c: fused(a, c, b, m.nj, (a, b, c)))


def negative_multiply_subtract(m, a, b, c):
    r = fused(a, c, b ^ MINUS_ZERO, m.nj, (a, b, c))
    return r if is_nan(r) else r ^ MINUS_ZERO


lanes("vnmsubfp", 4, negative_multiply_subtract)
lanes("vmaxfp", 4, lambda m, a, b: first_nan(a, b) if first_nan(a, b) is not None else
      max(flush(a, m.nj), flush(b, m.nj), key=order_key))
lanes("vminfp", 4, lambda m, a, b: first_nan(a, b) if first_nan(a, b) is not None else
      min(flush(a, m.nj), flush(b, m.nj), key=order_key))


def compare(a, b, nj):
    """-1, 0, 1, or None where they have no order."""
    if is_nan(a) or is_nan(b):
        return None
    x, y = [order_key(e) if e & 0x7FFFFFFF else 0 for e in (flush(a, nj), flush(b, nj))]
    return (x > y) - (x < y)


lanes("vcmpeqfp", 4, lambda m, a, b: -(compare(a, b, m.nj) == 0))
lanes("vcmpgtfp", 4, lambda m, a, b: -(compare(a, b, m.nj) == 1))
lanes("vcmpgefp", 4, lambda m, a, b: -(compare(a, b, m.nj) in (0, 1)))
lanes("vcmpbfp", 4, lambda m, a, b: (compare(a, b, m.nj) not in (-1, 0)) << 31 |
      (compare(a, b ^ MINUS_ZERO, m.nj) not in (0, 1)) << 30)


def rounding(name, to_integer):
    def lane(m, b):
        b = flush(b, m.nj)
        if is_nan(b):
            return b | 0x400000
        return b if is_inf(b) else to_float(Fraction(to_integer(value(b))), b >> 31)
    lanes(name, 4, lane)


rounding("vrfin", round)
rounding("vrfim", lambda r: r.numerator // r.denominator)
rounding("vrfip", lambda r: -(-r.numerator // r.denominator))
rounding("vrfiz", int)


def to_integer(name, low, high):
    def whole(m, o):
        r = []
        for b in split(o["VB"], 4):
            if is_nan(b):
                r.append(0)
            elif is_inf(b):
                r.append(m.limit(-1 << 40 if b >> 31 else 1 << 40, low, high))
            else:
                r.append(m.limit(int(value(b) * (1 << o["UIMM"])), low, high))
        return join(r, 4)
    MODEL[name] = whole


to_integer("vctsxs", -1 << 31, (1 << 31) - 1)
to_integer("vctuxs", 0, (1 << 32) - 1)
MODEL["vcfsx"] = lambda m, o: join([to_float(Fraction(w(x), 1 << o["UIMM"])) for x in split(o["VB"], 4)], 4)
MODEL["vcfux"] = lambda m, o: join([to_float(Fraction(x, 1 << o["UIMM"])) for x in split(o["VB"], 4)], 4)


def dot(name, order):
    """Products and sums in double, in the order of a tree; overflow of finite operands is a NaN."""
    def whole(m, o):
        a, b = [[flush(x, m.nj) for x in split(o[k], 4)] for k in ("VA", "VB")]
        nan = first_nan(*[x for i in order for x in (a[i], b[i])])
        if nan is not None:
            return join([nan] * 4, 4)
        infinities, zero_signs, terms = set(), set(), []
        for i in order:
            sign = (a[i] ^ b[i]) & 0x80000000
            if is_inf(a[i]) or is_inf(b[i]):
                if a[i] & 0x7FFFFFFF == 0 or b[i] & 0x7FFFFFFF == 0:
                    return join([QNAN] * 4, 4)
                infinities.add(sign)
                continue
            terms.append(float(value(a[i])) * float(value(b[i])))
            zero_signs.add(sign)
        if infinities:
            return join([QNAN if len(infinities) == 2 else infinities.pop() | 0x7F800000] * 4, 4)
        total = (terms[0] + terms[1]) + (terms[2] if len(terms) == 3 else terms[2] + terms[3])
        exact = Fraction(total)
        if abs(exact) < Fraction(1, 1 << 126):
            negative = total < 0 or (total == 0 and zero_signs == {0x80000000} and not any(terms))
            return join([MINUS_ZERO if negative else 0] * 4, 4)
        r = to_float(exact)
        return join([QNAN if is_inf(r) else r] * 4, 4)
    MODEL[name] = whole


dot("vmsum3fp", (0, 2, 1))
dot("vmsum4fp", (0, 2, 1, 3))


# Estimates: only what has one right answer; test_ppc_vmx_estimate.c checks the rest against their error bounds.

def special(name, zero, infinite, negative, power):
    def lane(m, b):
        if is_nan(b):
            return b | 0x400000
        b = flush(b, m.nj)
        if b & 0x7FFFFFFF == 0:
            return zero(b)
        if is_inf(b):
            return infinite(b)
        return negative if b >> 31 and negative else power(b)
    lanes(name, 4, lane)


def log_of_power(b):
    return to_float(Fraction((b >> 23) - 127))


def power_of_integer(b):
    n = value(b)
    return 0x7F800000 if n > 127 else 0 if n < -126 else to_float(Fraction(2) ** n.numerator)


special("vrefp", lambda b: b | 0x7F800000, lambda b: b & MINUS_ZERO, 0,
        lambda b: b & MINUS_ZERO | 253 - (b >> 23 & 255) << 23 | 0x7FF800)
special("vrsqrtefp", lambda b: b | 0x7F800000, lambda b: QNAN if b >> 31 else 0, QNAN,
        lambda b: (380 - (b >> 23)) // 2 << 23 | (0x7FF400 if b >> 23 & 1 else 0x34FD00))
special("vlogefp", lambda b: 0xFF800000, lambda b: QNAN if b >> 31 else b, QNAN, log_of_power)
special("vexptefp", lambda b: ONE, lambda b: 0 if b >> 31 else b, 0, power_of_integer)
ESTIMATE_OPERANDS = {
    "vrefp": [0x3F800000, 0x40000000, 0xBF800000, 0xC1000000, 0x5F800000, 0x1F800000],
    "vrsqrtefp": [0x3F800000, 0x40000000, 0x40800000, 0x5F800000, 0x1F800000, 0x01000000, 0xC0000000],
    "vlogefp": [0x3F800000, 0x40000000, 0x3F000000, 0x7F000000, 0x00800000, 0xBF800000],
    "vexptefp": [0x3F800000, 0x40400000, 0xC1200000, 0x42FE0000, 0x43000000, 0xC2FC0000, 0xC2FE0000, 0x7F000000, 0xFF000000],
}
ESTIMATE_SPECIALS = [0, 0x80000000, 0x7F800000, 0xFF800000, 0x7F800001, 0xFFC12345, 0xFF812345, 0x7FFFFFFF]

# ---- Memory: addresses, and what may stand around them


def aligned(memory, ea):
    at = (ea & ~15) - DATA
    return memory[at:at + 16]


def load(name, f):
    MODEL[name] = lambda m, o: int.from_bytes(f(o["memory"], o["ea"]), "big")


for name in ("lvx", "lvebx", "lvehx", "lvewx"):
    load(name, aligned)
load("lvlx", lambda memory, ea: aligned(memory, ea)[ea & 15:] + bytes(ea & 15))
load("lvrx", lambda memory, ea: bytes(16 - (ea & 15)) + aligned(memory, ea)[:ea & 15] if ea & 15 else bytes(16))
MODEL["lvsl"] = lambda m, o: join([(o["ea"] & 15) + i for i in range(16)], 1)
MODEL["lvsr"] = lambda m, o: join([16 - (o["ea"] & 15) + i for i in range(16)], 1)


def store(name, f):
    def whole(m, o):
        start, data = f(o["VS"].to_bytes(16, "big"), o["ea"])
        start -= DATA
        if data:
            o["memory"][start:start + len(data)] = data
    MODEL[name] = whole


def element(size):
    def f(data, ea):
        ea &= -size
        return ea, data[ea & 15:(ea & 15) + size]
    return f


store("stvx", lambda data, ea: (ea & ~15, data))
store("stvebx", element(1))
store("stvehx", element(2))
store("stvewx", element(4))
store("stvlx", lambda data, ea: (ea, data[:16 - (ea & 15)]))
store("stvrx", lambda data, ea: (ea & ~15, data[16 - (ea & 15):] if ea & 15 else b""))

# ---- Cases

SAME_AS = {"vcfpsxws": "vctsxs", "vcfpuxws": "vctuxs", "vcsxwfp": "vcfsx", "vcuxwfp": "vcfux", "vmaddcfp": "vmaddfp"}
FLOATS = [
    0x00000000, 0x80000000, 0x00000001, 0x80000001, 0x007FFFFF, 0x807FFFFF, 0x00800000, 0x80800000, 0x00800001, 0x80FFFFFF,
    0x3F800000, 0xBF800000, 0x3F7FFFFF, 0x3F800001, 0x3F000000, 0xBF000000, 0x3FC00000, 0x40200000, 0x4B000000, 0xCAFFFFFF,
    0x4B800001, 0x4EFFFFFF, 0x4F000000, 0xCF000000, 0xCF000001, 0x4F7FFFFF, 0x4F800000, 0x7F7FFFFF, 0xFF7FFFFF, 0x7F800000,
    0xFF800000, 0x7FC00000, 0xFFC00000, 0x7F800001, 0xFF812345, 0x7FFFFFFF, 0xFFFFFFFF, 0x20000000, 0x1F800000, 0xA0000000,
]
D3D_FLOATS = [
    0x40400000, 0x404000FF, 0x40400100, 0x403FFFFF, 0x40400001, 0x40400003, 0x40400004, 0x404001FF, 0x40400200, 0x403FFE01,
    0x403FFE00, 0x40407FFF, 0x40408000, 0x403F8001, 0x403F8000, 0x4047FFFF, 0x40480000, 0x40380001, 0x40380000, 0x4040000F,
    0x47FFDFFF, 0x47FFE000, 0x47800000, 0x38800000, 0x387FFFFF, 0xB8800000, 0xC7FFE000, 0x3F801FFF, 0x3F802000, 0xBF803FFF,
]
BYTES = [0, 1, 0x7F, 0x80, 0xFF, 0xFE, 0x81, 0x40]
HALFWORDS = [0, 1, 0x7FFF, 0x8000, 0xFFFF, 0x8001, 0x00FF, 0x0100, 0xFF80, 0xFF7F, 0x4000, 0x007F]
WORDS = [0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x80000001, 0xFFFF, 0x10000, 0xFFFF8000, 0xFFFF7FFF, 0x40000000, 0x7FFF]


class Maker:
    def __init__(self, cases):
        self.rng, self.cases = random.Random(360), cases

    def random_float(self):
        r = self.rng
        if r.random() < 0.5:
            return r.choice(FLOATS)
        if r.random() < 0.5:  # of like size, so that sums cancel and round
            return r.randrange(2) << 31 | r.randrange(120, 136) << 23 | r.getrandbits(23)
        return r.getrandbits(32)

    def lane(self, name):
        r = self.rng
        if name in ESTIMATE_OPERANDS:
            return r.choice(ESTIMATE_OPERANDS[name] + ESTIMATE_SPECIALS)
        if name == "vpkd3d":
            return r.choice(D3D_FLOATS) if r.random() < 0.7 else self.random_float()
        if "fp" in name or name.startswith("vct") or name.startswith("vrf"):
            return self.random_float()
        kind = r.randrange(5)
        if kind == 0:
            return r.choice(WORDS)
        if kind == 1:
            return r.choice(HALFWORDS) << 16 | r.choice(HALFWORDS)
        if kind == 2:
            return fields([(r.choice(BYTES), 8) for _ in range(4)])
        return r.getrandbits(32)

    def vector(self, name):
        return join([self.lane(name) for _ in range(4)], 4)


def parse_table():
    rows = []
    for line in open(TABLE):
        if line.startswith("// ---- "):
            group = line.split()[2]
        match = re.match(r'OPCODE\((\w+),\s*"([^"]+)",\s*(\w+),\s*(\w+),\s*\w+,\s*(\w+),\s*"([^"]*)"', line)
        if match and group in ("vector_memory", "vmx", "vmx128"):
            name, _, code, _, variant, operands = match.groups()
            rows.append((name, int(code, 16), int(variant, 16), operands.split()))
    return rows


def encode(pieces, number):
    word = 0
    for piece in pieces.split("+"):
        place, _, up = piece.partition("<<")
        lsb, width = map(int, place.split(":"))
        word |= (number >> int(up or 0) & ((1 << width) - 1)) << lsb
    return word


def choose_number(rng, pieces, wide):
    widths = [int(p.partition("<<")[0].split(":")[1]) for p in pieces.split("+")]
    return rng.randrange(1 << sum(widths)) if wide else rng.randrange(32)


def base_name(row):
    name = row[:-3] if row.endswith("128") else row
    if name.endswith("xl") and name[1] in "vt" and name not in ("vmulxl",):
        name = name[:-1]
    return name


def make_case(maker, row, index):
    name, code, variant, operands = row
    rng, base = maker.rng, base_name(name)
    plain = SAME_AS.get(base, base)
    machine = Machine(nj=rng.random() < 0.75, sat=int(rng.random() < 0.2))
    before, values = {}, {}
    if name in ("vupkhsb128", "vupklsb128") and index % 2:  # vupkhsh128, vupklsh128
        code |= 1 << 5 | 1 << 10
        plain = plain[:-1] + "h"
    target = None
    for operand in operands:
        left, pieces = operand.split("=")
        field, direction = left.split(":")
        number = choose_number(rng, pieces, True)
        if field in ("IMM",):
            kind = rng.randrange(7) if plain != "vrlimi" else 0
            number = kind << 2 | rng.randrange(1, 4) if plain != "vrlimi" else rng.randrange(16)
        if field in ("VA", "VB", "VC", "VD", "VS") and rng.random() < 0.15 and before:
            shared = [int(k[1:]) for k in before if k[0] == "v" and int(k[1:]) < 1 << (5 if "+" not in pieces else 7)]
            if shared and not (field == "VC" and name == "vperm128"):
                number = rng.choice(shared)
        if field in ("RA0", "RB"):
            number = rng.randrange(0 if field == "RA0" else 1, 32)
        code |= encode(pieces, number)
        if field in ("VA", "VB", "VC", "VS", "VD"):
            if "in" in direction.split("/"):
                before.setdefault("v%d" % number, maker.vector(plain))
                values[field] = "v%d" % number
            if "out" in direction.split("/"):
                target = "v%d" % number
        elif field in ("RA0", "RB"):
            values[field] = "r%d" % number
        else:
            values[field] = number
    memory = None
    if "RB" in values:
        memory = bytearray(rng.getrandbits(8) for _ in range(64))
        ea = DATA + 16 + rng.randrange(32)
        if values["RA0"] == "r0":
            before[values["RB"]] = ea
        elif values["RA0"] == values["RB"]:
            ea &= ~1
            before[values["RB"]] = ea >> 1
        else:
            offset = rng.randrange(1 << 64)
            before[values["RA0"]], before[values["RB"]] = offset, (ea - offset) % (1 << 64)
        values["ea"], values["memory"] = ea, bytearray(memory)
    o = {k: before.get(v, 0) if isinstance(v, str) else v for k, v in values.items()}
    if base in ("vmaddfp", "vnmsubfp") and name.endswith("128"):
        o["VB"], o["VC"] = o["VD"], o["VB"]
    elif base == "vmaddcfp":
        o["VC"] = o["VD"]
    elif base == "vsel" and name.endswith("128"):
        o["VC"] = o["VD"]
    if plain not in ("vpkd3d", "vrlimi"):
        o.pop("VD", None)
    record = variant and rng.random() < 0.5
    if record:
        code |= variant
    result = MODEL[plain](machine, o)
    expect = {}
    for k, v in before.items():
        if k[0] == "v" and k != target:
            expect[k] = "0x%032x" % v
    if target:
        expect[target] = "0x%032x" % result
    if record:
        elements = split(result, 4)
        if base == "vcmpbfp":
            cr6 = 2 if not any(elements) else 0
        else:
            cr6 = 8 if result == ONES else 2 if result == 0 else 0
        expect["cr"] = "0x%x" % (cr6 << 4)
    elif variant:
        expect["cr"] = "0x0"
    expect["vscr"] = "0x%08x" % (int(machine.nj) << 16 | machine.sat)
    case = {"name": "%s:%d" % (name, index), "code": "%08x 4e800020" % code, "base": "0x80000000"}
    case["in"] = {k: ("0x%032x" if k[0] == "v" else "0x%016x") % v for k, v in before.items()}
    case["in"]["vscr"] = "0x%08x" % (int(machine.nj) << 16 | machine.sat_before)
    if memory is not None:
        case["mem"] = {"0x%08x" % DATA: memory.hex()}
        for at in range(0, 64, 16):
            expect["mem:0x%08x:16" % (DATA + at)] = o["memory"][at:at + 16].hex()
    case["expect"] = expect
    return case


def edge_cases():
    """Nothing may be touched beyond the last mapped byte."""
    end = DATA + 0x10000
    for name, word, expect in (
            ("lvrx", 0x7C40244E, {"v2": "0x%032x" % 0}), ("lvrxl", 0x7C40264E, {"v2": "0x%032x" % 0}),
            ("stvrx", 0x7C40254E, {"v2": "0x%032x" % ONES}), ("stvrxl", 0x7C40274E, {"v2": "0x%032x" % ONES})):
        yield {"name": name + ":end", "code": "%08x 4e800020" % word, "base": "0x80000000",
               "in": {"v2": "0x%032x" % ONES, "r4": "0x%016x" % end}, "expect": expect}
    for name, word, out in (("lvlx", 0x7C40240E, "0x5a" + "0" * 30), ("lvx", 0x7C4020CE, "0x" + "0" * 30 + "5a")):
        yield {"name": name + ":last", "code": "%08x 4e800020" % word, "base": "0x80000000",
               "in": {"r4": "0x%016x" % (end - 1)}, "mem": {"0x%08x" % (end - 1): "5a"}, "expect": {"v2": out}}
    yield {"name": "stvlx:last", "code": "7c40250e 4e800020", "base": "0x80000000",
           "in": {"v2": "0xa5" + "f" * 30, "r4": "0x%016x" % (end - 1)},
           "expect": {"mem:0x%08x:16" % (end - 16): "0" * 30 + "a5"}}


def main():
    maker = Maker(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
    for row in parse_table():
        for index in range(maker.cases):
            print(json.dumps(make_case(maker, row, index), separators=(",", ":")))
    for case in edge_cases():
        print(json.dumps(case, separators=(",", ":")))


if __name__ == "__main__":
    main()
