#!/usr/bin/env python3
"""Test vectors for scalar floating point with the whole FPSCR, with a model in rational numbers from the Power ISA's text.

    fp_vectors.py XENOLITH        runs them all through `xenolith exec`; exit 1 if any differs
    fp_vectors.py --write FILE    writes them

The model shares nothing with src/ppc. What the console does otherwise than the ISA (docs/fp.md) is marked CONSOLE. The
estimates are checked for their bounds and special cases only: their tables are measurements, with nothing to derive them from.
"""
import json
import math
import random
import subprocess
import sys
from fractions import Fraction

BLR = 0x4E800020
FX, FEX, VX, OX, UX, ZX, XX = (1 << (31 - i) for i in range(7))
VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXVC, FR, FI = (1 << (31 - i) for i in range(7, 15))
VXSOFT, VXSQRT, VXCVI, VE, OE, UE, ZE, XE, NI = (1 << (31 - i) for i in range(21, 30))
VX_ALL = VXSNAN | VXISI | VXIDI | VXZDZ | VXIMZ | VXVC | VXSOFT | VXSQRT | VXCVI
FPRF = 0x1F000
QNAN = 0x7FF8000000000000
DOUBLE, SINGLE = (53, -1022, 1023, 1536), (24, -126, 127, 192)
dice = random.Random(360)

EDGES = [0x0, 0x1, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x369FFFFFFFFFFFFF, 0x36A0000000000000, 0x380FFFFFE0000000,
         0x380FFFFFF0000000, 0x3810000000000000, 0x3CA0000000000000, 0x3FE0000000000000, 0x3FF0000000000000,
         0x3FF0000010000000, 0x3FF0000010000001, 0x3FF8000000000000, 0x4008000000000000, 0x41DFFFFFFFE00000,
         0x41E0000000000000, 0x43DFFFFFFFFFFFFF, 0x43E0000000000000, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000,
         0x47F0000000000000, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000000, 0x7FF0000000000001, 0x7FF8000012345678]
EDGES += [x | 1 << 63 for x in EDGES]


def is_nan(x):
    return x & ~(1 << 63) > 0x7FF << 52


def is_snan(x):
    return is_nan(x) and not x >> 51 & 1


def is_inf(x):
    return x & ~(1 << 63) == 0x7FF << 52


def is_zero(x):
    return not x & ~(1 << 63)


def is_denormal(x):
    return not x >> 52 & 0x7FF and not is_zero(x)


def sign(x):
    return x >> 63


def value(x):
    e = x >> 52 & 0x7FF
    f = (x & (1 << 52) - 1) | (1 << 52 if e else 0)
    v = Fraction(f) * Fraction(2) ** (max(e, 1) - 1075)
    return -v if sign(x) else v


def exponent(v):
    e = abs(v.numerator).bit_length() - v.denominator.bit_length()
    return e if abs(v) >= Fraction(2) ** e else e - 1


def encode(v, negative):
    """A value that a double holds exactly."""
    bits = negative << 63
    if v == 0:
        return bits
    e = exponent(v)
    f = abs(v) / Fraction(2) ** (max(e, -1022) - 52)
    assert f.denominator == 1 and f < 1 << 53
    return bits | (f.numerator if e < -1022 else (e + 1023) << 52 | f.numerator - (1 << 52))


def klass(x, form):
    """FPRF; denormal as the format of the result sees it."""
    s = sign(x)
    if is_nan(x):
        return 0x11
    if is_inf(x):
        return 0x09 if s else 0x05
    if is_zero(x):
        return 0x12 if s else 0x02
    if abs(value(x)) < Fraction(2) ** form[1]:
        return 0x18 if s else 0x14
    return 0x08 if s else 0x04


def to_integral(v, rn):
    """|v| rounded, whether inexact, whether the magnitude grew."""
    m = abs(v)
    n, rest = m.numerator // m.denominator, m - m.numerator // m.denominator
    up = (rest > Fraction(1, 2) or (rest == Fraction(1, 2) and n & 1 == 1), False, rest > 0 and v > 0, rest > 0 and v < 0)[rn]
    return n + up, rest != 0, bool(up)


class Machine:
    def __init__(self, fpscr, old):
        self.fpscr, self.d, self.raised = fpscr, old, 0
        self.rn = fpscr & 3

    def status(self, fr, fi, fprf=None):
        mask = FR | FI | (FPRF if fprf is not None else 0)
        self.fpscr = self.fpscr & ~mask | (FR if fr else 0) | (FI if fi else 0) | (fprf or 0) << 12

    def result(self, x, form=DOUBLE, fr=False, fi=False):
        self.d = x
        self.status(fr, fi, klass(x, form))

    def invalid(self, causes, x):
        self.raised |= causes
        if self.fpscr & VE:
            self.status(False, False)
        else:
            self.result(x)

    def zero_divide(self, negative):
        self.raised |= ZX
        if self.fpscr & ZE:
            self.status(False, False)
        else:
            self.result(0x7FF << 52 | negative << 63)

    def rounded(self, v, form):
        """v is not zero."""
        p, low, high, adjust = form
        negative, e = v < 0, exponent(v)
        tiny = e < low
        if tiny and self.fpscr & UE:
            v *= Fraction(2) ** adjust
            e += adjust
        unit = Fraction(2) ** ((e if not tiny or self.fpscr & UE else low) - p + 1)
        n, inexact, up = to_integral(v / unit, self.rn)
        if tiny and (inexact or self.fpscr & UE):
            self.raised |= UX
        magnitude = n * unit
        if not tiny and magnitude >= Fraction(2) ** (high + 1):
            self.raised |= OX
            if self.fpscr & OE:
                magnitude /= Fraction(2) ** adjust
            else:
                inexact = True
                away = self.rn == 0 or self.rn == 2 + negative
                self.raised |= XX
                largest = (2 - Fraction(2) ** (1 - p)) * Fraction(2) ** high
                self.result(0x7FF << 52 | negative << 63 if away else encode(largest, negative), form, up, True)
                return
        if inexact:
            self.raised |= XX
        self.result(encode(magnitude, negative), form, up, inexact)

    def finish(self):
        if self.raised & ~self.fpscr:
            self.fpscr |= FX
        f = (self.fpscr | self.raised) & ~(VX | FEX)
        if f & VX_ALL:
            f |= VX
        if any(f >> (29 - i) & 1 and f >> (7 - i) & 1 for i in range(5)):
            f |= FEX
        self.fpscr = f


def root(v):
    """Exact, or with enough bits and a sticky one."""
    k = 200 + max(0, -exponent(v))
    scaled = v * 4 ** k
    r = math.isqrt(scaled.numerator // scaled.denominator)
    exact = scaled.denominator == 1 and r * r == scaled.numerator
    return Fraction(r, 2 ** k) if exact else Fraction(2 * r + 1, 2 ** (k + 1))


def scalable(v, form, fpscr):
    """False where an enabled overflow or underflow cannot be scaled into the format: undefined."""
    p, low, high, adjust = form
    e = exponent(v)
    return not (fpscr & UE and e < low and e + adjust < low) and not (fpscr & OE and e >= high and e + 1 - adjust > high)


def arithmetic(m, name, a, b, c):
    single, op = name.endswith("s") and name not in ("fabs",), name.rstrip("s")
    form = SINGLE if single or op == "frsp" else DOUBLE
    negate, product, subtract = op in ("fnmadd", "fnmsub"), op in ("fmul", "fmadd", "fmsub", "fnmadd", "fnmsub"), "sub" in op
    used = {"fadd": (a, b), "fsub": (a, b), "fdiv": (a, b), "fmul": (a, c), "fsqrt": (b,), "frsp": (b,)}.get(op, (a, b, c))
    causes = VXSNAN if any(map(is_snan, used)) else 0
    if product and ((is_inf(a) and is_zero(c)) or (is_zero(a) and is_inf(c))):
        causes |= VXIMZ
    nans = [x for x in used if is_nan(x)]
    if nans:
        x = nans[0] | 1 << 51
        if op == "frsp":
            x &= ~0x1FFFFFFF
        return m.invalid(causes, x) if causes else m.result(x)
    addends = None  # as pairs of sign, value or None for infinity
    if product and not causes:
        s = sign(a) ^ sign(c)
        left = (s, None if is_inf(a) or is_inf(c) else value(a) * value(c))
        addends = [left] if op == "fmul" else [left, (sign(b) ^ subtract, None if is_inf(b) else abs(value(b)))]
    elif op in ("fadd", "fsub"):
        addends = [(sign(a), None if is_inf(a) else value(a)), (sign(b) ^ subtract, None if is_inf(b) else abs(value(b)))]
    if addends and len(addends) == 2 and addends[0][1] is None and addends[1][1] is None and addends[0][0] != addends[1][0]:
        causes |= VXISI
    if op == "fdiv":
        causes |= VXIDI if is_inf(a) and is_inf(b) else VXZDZ if is_zero(a) and is_zero(b) else 0
    if op == "fsqrt" and sign(b) and not is_zero(b):
        causes |= VXSQRT
    if causes:
        return m.invalid(causes, QNAN)
    infinite = 0x7FF << 52
    if addends:
        for s, v in addends:
            if v is None:
                return m.result(infinite | (s ^ negate) << 63)
    if op == "fdiv":
        s = sign(a) ^ sign(b)
        if is_zero(b) and not is_inf(a):
            return m.zero_divide(s)
        if is_inf(a) or is_inf(b):
            return m.result((infinite if is_inf(a) else 0) | s << 63)
    if op in ("fsqrt", "frsp") and is_inf(b):
        return m.result(b)
    if single and any(map(is_denormal, used)):
        if op not in ("fdiv", "fsqrt"):
            return m.result(QNAN)  # CONSOLE
        form = DOUBLE  # CONSOLE
    if addends:
        signs = [s for s, _ in addends]
        total = sum((-1 if s else 1) * abs(v) for s, v in addends)
        zero_sign = signs[0] if len(set(signs)) == 1 else m.rn == 3
    elif op == "fdiv":
        total, zero_sign = value(a) / value(b), sign(a) ^ sign(b)
    elif op == "frsp":
        total, zero_sign = value(b), sign(b)
    else:
        total, zero_sign = (root(value(b)) if not is_zero(b) else Fraction(0)), sign(b)
    if total == 0:
        return m.result((zero_sign ^ negate) << 63, form)
    if not scalable(total, form, m.fpscr):
        return "undefined"
    m.rounded(total, form)
    if negate:
        m.d ^= 1 << 63
        m.status(m.fpscr & FR, m.fpscr & FI, klass(m.d, form))


def convert(m, name, b):
    bits = 64 if name.startswith("fctid") else 32
    limit = 1 << (bits - 1)
    mask = (1 << 64) - 1
    causes, n, inexact, up = 0, 0, False, False
    if is_nan(b):
        causes, bound = VXCVI | (VXSNAN if is_snan(b) else 0), -limit
    else:
        bound = -limit if sign(b) else limit - 1
        if is_inf(b):
            causes = VXCVI
        else:
            n, inexact, up = to_integral(value(b), 1 if name.endswith("z") else m.rn)
            n = -n if sign(b) else n
            if not -limit <= n < limit:
                causes = VXCVI
    if causes:
        m.raised |= causes
        m.status(False, False)
        if not m.fpscr & VE:
            m.d = bound & mask
    else:
        m.raised |= XX if inexact else 0
        m.d = n & mask
        m.status(up, inexact)


def compare(m, ordered, a, b):
    nan = is_nan(a) or is_nan(b)
    bit = 1 if nan else 8 if value_or_inf(a) < value_or_inf(b) else 4 if value_or_inf(a) > value_or_inf(b) else 2
    m.fpscr = m.fpscr & ~0xF000 | bit << 12
    if is_snan(a) or is_snan(b):
        m.raised |= VXSNAN | (VXVC if ordered and not m.fpscr & VE else 0)
    elif nan and ordered:
        m.raised |= VXVC
    return bit


def value_or_inf(x):
    return (Fraction(2) ** 2000 * (-1 if sign(x) else 1)) if is_inf(x) else Fraction(0) if is_nan(x) else value(x)


# name: primary opcode, extended opcode, operands. A-form where the extended opcode has five bits.
ARITHMETIC = {
    "fadd": (63, 21, "ab"), "fadds": (59, 21, "ab"), "fsub": (63, 20, "ab"), "fsubs": (59, 20, "ab"),
    "fmul": (63, 25, "ac"), "fmuls": (59, 25, "ac"), "fdiv": (63, 18, "ab"), "fdivs": (59, 18, "ab"),
    "fsqrt": (63, 22, "b"), "fsqrts": (59, 22, "b"), "fmadd": (63, 29, "abc"), "fmadds": (59, 29, "abc"),
    "fmsub": (63, 28, "abc"), "fmsubs": (59, 28, "abc"), "fnmadd": (63, 31, "abc"), "fnmadds": (59, 31, "abc"),
    "fnmsub": (63, 30, "abc"), "fnmsubs": (59, 30, "abc"), "frsp": (63, 12, "b"),
}
CONVERT = {"fctid": 814, "fctidz": 815, "fctiw": 14, "fctiwz": 15}


def word(primary, extended, used, rc):
    return primary << 26 | 4 << 21 | ("a" in used) << 16 | (2 if "b" in used else 0) << 11 | (3 if "c" in used else 0) << 6 | \
        extended << 1 | rc


def summed(fpscr):
    m = Machine(fpscr & ~0x800, 0)
    m.finish()
    return m.fpscr


def some_fpscr(i):
    if i % 4 == 0:
        return dice.randrange(4)
    if i % 4 == 1:
        return summed(XX | FX | dice.randrange(4))
    f = dice.getrandbits(32) & ~NI
    return summed(f if i % 4 == 2 else f & (VE | OE | UE | ZE | XE | 3))


def random_operand():
    kind = dice.randrange(5)
    if kind < 2:
        return dice.choice(EDGES)
    s = dice.getrandbits(1) << 63
    if kind == 2:
        return s | dice.getrandbits(63)
    e = dice.randrange(1023 - 30, 1023 + 30) << 52
    return s | e | dice.getrandbits(52) & (~0x1FFFFFFF if kind == 3 else ~((1 << 46) - 1) | 1) & (1 << 52) - 1


def cases():
    def case(name, insn, operands, fpscr, m, field=None, rc=0):
        m.finish()
        expect = {"fpscr": m.fpscr}
        cr = 0
        if field is not None:
            cr = field << 20
        else:
            expect["f4"] = m.d
        if rc:
            cr = m.fpscr >> 28 << 24
        expect["cr"] = cr
        return {"name": name, "code": f"{insn:08x} {BLR:08x}", "base": "0x80000000",
                "in": {**{f"f{i + 1}": hex(x) for i, x in enumerate(operands)}, "f4": hex(OLD), "fpscr": hex(fpscr)},
                "expect": {k: hex(v) for k, v in expect.items()}}

    OLD = 0x4045000000000000
    i = 0
    for name, (primary, extended, used) in ARITHMETIC.items():
        todo = [(x, x, x) for x in EDGES] if used == "b" else \
            [(x, y, y) for x in EDGES for y in dice.sample(EDGES, 12)]
        todo += [tuple(random_operand() for _ in range(3)) for _ in range(500)]
        if used == "abc":
            todo += [tuple(dice.choice(EDGES) for _ in range(3)) for _ in range(500)]
        for a, b, c in todo:
            for _ in range(4 if used == "b" else 1):
                i += 1
                fpscr, rc = some_fpscr(i // 2), i & 1
                m = Machine(fpscr, OLD)
                if arithmetic(m, name, a, b, c) == "undefined":
                    continue
                yield case(f"{name}_{i}", word(primary, extended, used, rc), (a, b, c), fpscr, m, rc=rc)
    for name, extended in CONVERT.items():
        near = [0x3FE0000000000000, 0x3FF8000000000000, 0x4004000000000000, 0x41DFFFFFFFFFFFFF, 0x41DFFFFFFFDFFFFF,
                0x41E0000000100000, 0x41E0000000200000, 0x43E0000000000001, 0x4330000000000001, 0x4320000000000001]
        near += [x | 1 << 63 for x in near]
        for b in (EDGES + near) * 8 + [random_operand() for _ in range(300)]:
            i += 1
            fpscr, rc = some_fpscr(i // 2), i & 1
            m = Machine(fpscr, OLD)
            convert(m, name, b)
            yield case(f"{name}_{i}", word(63, extended, "b", rc), (0, b), fpscr, m, rc=rc)
    for b in [0, 1, 3, (1 << 53) + 1, (1 << 54) + 2, (1 << 54) + 6, (1 << 63) - 1, 1 << 63, (1 << 64) - 1, (1 << 64) - (1 << 53) - 1] * 8 + \
            [dice.getrandbits(dice.randrange(1, 65)) for _ in range(300)]:
        i += 1
        fpscr, rc = some_fpscr(i // 2), i & 1
        m = Machine(fpscr, OLD)
        n = b - (1 << 64) if b >> 63 else b
        m.rounded(Fraction(n), DOUBLE) if n else m.result(0)
        yield case(f"fcfid_{i}", word(63, 846, "b", rc), (0, b), fpscr, m, rc=rc)
    for ordered in (0, 1):
        for a in EDGES:
            for b in dice.sample(EDGES, 20) + [a, a ^ 1 << 63]:
                i += 1
                fpscr = some_fpscr(i)
                m = Machine(fpscr, OLD)
                bit = compare(m, ordered, a, b)
                yield case(f"fcmp{'uo'[ordered]}_{i}", word(63, 32 * ordered, "ab", 0) & ~(31 << 21) | 2 << 23, (a, b), fpscr, m, bit)
    yield from moves(case, OLD)
    yield from estimates(case, OLD)


def moves(case, old):
    top = 1 << 63
    functions = {"fabs": (264, lambda x: x & ~top), "fmr": (72, lambda x: x), "fnabs": (136, lambda x: x | top), "fneg": (40, lambda x: x ^ top)}
    for i, b in enumerate(EDGES):
        fpscr, rc = some_fpscr(i), i & 1
        for name, (extended, f) in functions.items():
            m = Machine(fpscr, old)
            m.d = f(b)
            yield case(f"{name}_{i}", word(63, extended, "b", rc), (0, b), fpscr, m, rc=rc)
        m = Machine(fpscr, old)
        m.d = 0x3333 if not is_nan(b) and value_or_inf(b) >= 0 else 0x2222
        yield case(f"fsel_{i}", word(63, 23, "abc", rc), (b, 0x2222, 0x3333), fpscr, m, rc=rc)


def estimates(case, old):
    """Special operands: zero divide, invalid, infinity, NaN."""
    special = [x for x in EDGES if is_zero(x) or is_inf(x) or is_nan(x)]
    for i, b in enumerate(special * 6 + [0xBFF0000000000000, 0x8000000000000001] * 6):
        fpscr, rc = some_fpscr(i), i & 1
        for name, primary, extended in (("fres", 59, 24), ("frsqrte", 63, 26)):
            m = Machine(fpscr, old)
            causes = (VXSNAN if is_snan(b) else 0) | (VXSQRT if extended == 26 and sign(b) and not is_zero(b) and not is_nan(b) else 0)
            if is_nan(b):
                m.invalid(causes, b | 1 << 51) if causes else m.result(b)
            elif causes:
                m.invalid(causes, QNAN)
            elif is_zero(b):
                m.zero_divide(sign(b))
            elif is_inf(b):
                m.result(sign(b) << 63)
            else:
                continue
            yield case(f"{name}_{i}", word(primary, extended, "b", rc), (0, b), fpscr, m, rc=rc)


def main():
    text = "".join(json.dumps(c) + "\n" for c in cases())
    if sys.argv[1] == "--write":
        with open(sys.argv[2], "w") as f:
            f.write(text)
        return 0
    done = subprocess.run([sys.argv[1], "exec", "/dev/stdin"], input=text, capture_output=True, text=True)
    wrong = [line for line in done.stdout.splitlines() if '"pass":true' not in line.replace(" ", "")]
    print(f"{text.count(chr(10))} cases, {len(wrong)} wrong", *wrong[:20], done.stderr, sep="\n")
    return 1 if wrong or done.returncode else 0


if __name__ == "__main__":
    sys.exit(main())
