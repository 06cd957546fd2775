#!/usr/bin/env python3
"""Test vectors for the integer, branch, control and memory instructions, with a model written from the Power ISA's text.

    ppc_vectors.py XENOLITH        runs them all through `xenolith exec`; exit 1 if any differs
    ppc_vectors.py --write FOLDER  writes integer.jsonl, branch.jsonl, control.jsonl, memory.jsonl

The model shares nothing with src/ppc: numbers here are Python's, bits are numbered as in the ISA (0 is the most significant),
and the computation mode is 32-bit (docs/cpu.md): CA, OV and CR0 come from the low words. Deterministic.
"""
import json
import pathlib
import random
import struct
import subprocess
import sys

M64 = (1 << 64) - 1
M32 = (1 << 32) - 1
BLR = 0x4E800020
DATA = 0x10000000
EDGES = [0, 1, M64, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0x100000000, 0xFFFFFFFF80000000, 1 << 63, (1 << 63) - 1, 0x8000000080000000,
         0x123456789ABCDEF0]
COUNTS = [0, 1, 5, 31, 32, 33, 63, 64, 65, 127, 128, 0xFFFFFFFFFFFFFFE0, 0x1F00000000000003]
IMMEDIATES = [0, 1, 0xFFFF, 0x7FFF, 0x8000, 0x1234]
dice = random.Random(360)


def signed(v, bits):
    v &= (1 << bits) - 1
    return v - (1 << bits) if v >> (bits - 1) else v


class State:
    """Registers before, and after the model has run."""

    def __init__(self, **registers):
        self.r = [0] * 32
        self.f = [0] * 32
        self.cr = self.xer = self.ctr = self.fpscr = 0
        self.vscr = 0x10000
        self.v = [0] * 32
        self.lr = None
        self.mem = None
        for name, value in registers.items():
            if name[0] in "rfv" and name[1:].isdigit():
                getattr(self, name[0])[int(name[1:])] = value & ((1 << 128) - 1 if name[0] == "v" else M64)
            else:
                setattr(self, name, value)

    def copy(self):
        other = State()
        other.__dict__ = {k: (list(v) if isinstance(v, list) else bytearray(v) if isinstance(v, bytearray) else v)
                          for k, v in self.__dict__.items()}
        return other

    # XER's and CR's parts
    def bit(self, name, bit):
        return getattr(self, name) >> (31 - bit) & 1

    def set_bit(self, name, bit, value):
        mask = 1 << (31 - bit)
        setattr(self, name, getattr(self, name) & ~mask | (mask if value else 0))

    ca = property(lambda s: s.bit("xer", 2), lambda s, v: s.set_bit("xer", 2, v))

    def overflow(self, v):
        self.set_bit("xer", 1, v)
        if v:
            self.set_bit("xer", 0, 1)

    def field(self, n, lt, gt, eq, so=None):
        so = self.bit("xer", 0) if so is None else so
        self.cr = self.cr & ~(15 << (28 - 4 * n)) | (lt << 3 | gt << 2 | eq << 1 | so) << (28 - 4 * n)

    def record(self, v):
        v = signed(v, 32)
        self.field(0, v < 0, v > 0, v == 0)

    # Memory is DATA and some bytes behind; address arithmetic wraps at 32 bits.
    def load(self, ea, n):
        at = (ea & M32) - DATA
        return int.from_bytes(self.mem[at:at + n], "big")

    def store(self, ea, n, v):
        at = (ea & M32) - DATA
        self.mem[at:at + n] = (v & ((1 << 8 * n) - 1)).to_bytes(n, "big")


CASES = {}
group = None


def emit(name, words, before, after, data_out=0):
    """One case: everything that differs from before, or was given, is expected after."""
    given, expect = {}, {}
    for file in "rfv":
        for i, (a, b) in enumerate(zip(getattr(before, file), getattr(after, file))):
            if a:
                given[f"{file}{i}"] = hex(a)
            if a or b:
                expect[f"{file}{i}"] = hex(b)
    for special in ("cr", "xer", "ctr", "fpscr"):
        if getattr(before, special):
            given[special] = hex(getattr(before, special))
        expect[special] = hex(getattr(after, special))
    if before.vscr != 0x10000:
        given["vscr"] = hex(before.vscr)
    expect["vscr"] = hex(after.vscr)
    if before.lr is not None:
        given["lr"] = hex(before.lr)
    case = {"name": name, "code": " ".join(f"{w:08x}" for w in words), "in": given, "expect": expect}
    if before.mem is not None:
        case["mem"] = {hex(DATA): before.mem.hex()}
        expect[f"mem:{hex(DATA)}:{len(after.mem)}"] = after.mem.hex()
    CASES.setdefault(group, []).append(case)


def try_one(name, word, before, model, *arguments):
    after = before.copy()
    model(after, *arguments)
    emit(f"{name}_{len(CASES.get(group, []))}", [word, BLR], before, after)


# ---- Integer

def x_form(primary, xo, d, a, b, rc=0, oe=0):
    return primary << 26 | d << 21 | a << 16 | b << 11 | oe << 10 | xo << 1 | rc


def adds(s, d, a, b, carry, oe, rc, sets_ca):
    """d = a + b + carry; flags from the low words."""
    if sets_ca:
        s.ca = (a & M32) + (b & M32) + carry > M32
    if oe:
        s.overflow(not -(1 << 31) <= signed(a, 32) + signed(b, 32) + carry < 1 << 31)
    s.r[d] = a + b + carry & M64
    if rc:
        s.record(s.r[d])


def inverted(v):
    return v ^ M64


# name, XO, first addend, second addend, carry, sets CA
ADDS = [
    ("add", 266, lambda s, a, b: (s.r[a], s.r[b], 0), False), ("addc", 10, lambda s, a, b: (s.r[a], s.r[b], 0), True),
    ("adde", 138, lambda s, a, b: (s.r[a], s.r[b], s.ca), True), ("addme", 234, lambda s, a, b: (s.r[a], M64, s.ca), True),
    ("addze", 202, lambda s, a, b: (s.r[a], 0, s.ca), True), ("subf", 40, lambda s, a, b: (inverted(s.r[a]), s.r[b], 1), False),
    ("subfc", 8, lambda s, a, b: (inverted(s.r[a]), s.r[b], 1), True),
    ("subfe", 136, lambda s, a, b: (inverted(s.r[a]), s.r[b], s.ca), True),
    ("subfme", 232, lambda s, a, b: (inverted(s.r[a]), M64, s.ca), True),
    ("subfze", 200, lambda s, a, b: (inverted(s.r[a]), 0, s.ca), True), ("neg", 104, lambda s, a, b: (inverted(s.r[a]), 0, 1), False),
]


def divide(s, a, b, bits, sign):
    if sign:
        a, b = signed(a, bits), signed(b, bits)
        if b == 0 or (b == -1 and a == -(1 << (bits - 1))):
            return 0, True
        q = abs(a) // abs(b)
        return (q if (a < 0) == (b < 0) else -q) & ((1 << bits) - 1), False
    a, b = a & ((1 << bits) - 1), b & ((1 << bits) - 1)
    return (a // b, False) if b else (0, True)


def multiply(a, b, bits, sign):
    if sign:
        return signed(a, bits) * signed(b, bits)
    mask = (1 << bits) - 1
    return (a & mask) * (b & mask)


MULTIPLIES = [  # name, XO, has OE, (result, overflow)
    ("mulhd", 73, False, lambda a, b: (multiply(a, b, 64, True) >> 64, False)),
    ("mulhdu", 9, False, lambda a, b: (multiply(a, b, 64, False) >> 64, False)),
    ("mulhw", 75, False, lambda a, b: (multiply(a, b, 32, True) >> 32, False)),
    ("mulhwu", 11, False, lambda a, b: (multiply(a, b, 32, False) >> 32, False)),
    ("mulld", 233, True, lambda a, b: (multiply(a, b, 64, True), not -(1 << 63) <= multiply(a, b, 64, True) < 1 << 63)),
    ("mullw", 235, True, lambda a, b: (multiply(a, b, 32, True), not -(1 << 31) <= multiply(a, b, 32, True) < 1 << 31)),
    ("divd", 489, True, lambda a, b: divide(None, a, b, 64, True)), ("divdu", 457, True, lambda a, b: divide(None, a, b, 64, False)),
    ("divw", 491, True, lambda a, b: divide(None, a, b, 32, True)), ("divwu", 459, True, lambda a, b: divide(None, a, b, 32, False)),
]

LOGIC = [
    ("and", 28, lambda s, b: s & b), ("or", 444, lambda s, b: s | b), ("xor", 316, lambda s, b: s ^ b), ("nand", 476, lambda s, b: ~(s & b)),
    ("nor", 124, lambda s, b: ~(s | b)), ("eqv", 284, lambda s, b: ~(s ^ b)), ("andc", 60, lambda s, b: s & ~b), ("orc", 412, lambda s, b: s | ~b),
]


def leading_zeros(v, bits):
    return f"{v & ((1 << bits) - 1):0{bits}b}1".index("1") if v & ((1 << bits) - 1) else bits


UNARY = [
    ("extsb", 954, lambda s: signed(s, 8)), ("extsh", 922, lambda s: signed(s, 16)), ("extsw", 986, lambda s: signed(s, 32)),
    ("cntlzw", 26, lambda s: leading_zeros(s, 32)), ("cntlzd", 58, lambda s: leading_zeros(s, 64)),
]


def algebraic(s, v, n, bits):
    """v is signed; CA if it is negative and loses ones."""
    s.ca = v < 0 and (v & ((1 << n) - 1)) != 0
    return v >> n


SHIFTS = [
    ("slw", 24, lambda s, v, n: (v & M32) << (n & 63) & M32), ("srw", 536, lambda s, v, n: (v & M32) >> (n & 63)),
    ("sld", 27, lambda s, v, n: v << (n & 127) & M64), ("srd", 539, lambda s, v, n: v >> (n & 127)),
    ("sraw", 792, lambda s, v, n: algebraic(s, signed(v, 32), n & 63, 32)), ("srad", 794, lambda s, v, n: algebraic(s, signed(v, 64), n & 127, 64)),
]

REGISTERS = [(3, 4, 5), (3, 3, 4), (4, 3, 4), (5, 5, 5), (31, 0, 1)]


def flags(xer_ca=None):
    """An XER with every part in some state, and a CR to be seen through."""
    xer = (dice.getrandbits(3) << 29) | dice.choice([0, 0, 17])
    if xer_ca is not None:
        xer = xer & ~(1 << 29) | xer_ca << 29
    return {"xer": xer, "cr": dice.choice([0, M32, dice.getrandbits(32)])}


def operand():
    return dice.choice(EDGES + [dice.getrandbits(64), dice.getrandbits(32)])


def integer_adds():
    def model(s, d, a, b, oe, rc, sources, sets_ca):
        x, y, c = sources(s, a, b)
        adds(s, d, x, y, c, oe, rc, sets_ca)
    for name, xo, sources, sets_ca in ADDS:
        pairs = [(x, y) for x in EDGES for y in (EDGES if name in ("add", "addc", "adde", "subf", "subfc", "subfe") else [7])]
        pairs += [(operand(), operand()) for _ in range(60)]
        for x, y in pairs:
            for carry in (0, 1):
                d, a, b = dice.choice(REGISTERS)
                oe, rc = dice.getrandbits(1), dice.getrandbits(1)
                s = State(**{f"r{a}": x, f"r{b}": y}, **flags(carry))
                try_one(name, x_form(31, xo, d, a, b if len(pairs) > 80 else 0, rc, oe), s, model, d, a, b, oe, rc, sources, sets_ca)


def integer_immediates():
    def addi(s, d, a, v):
        s.r[d] = (s.r[a] if a else 0) + v & M64

    def addic(s, d, a, v, rc):
        adds(s, d, s.r[a], v & M64, 0, 0, rc, True)

    def logic(s, d, a, v, f, rc):
        s.r[a] = f(s.r[d], v)
        if rc:
            s.record(s.r[a])

    for x in EDGES:
        for v in IMMEDIATES + [dice.getrandbits(16)]:
            for d, a in [(3, 4), (3, 0), (5, 5)]:
                s, si = State(**{f"r{a}": x}, **flags()), signed(v, 16)
                word = d << 21 | a << 16 | v
                try_one("addi", 14 << 26 | word, s, addi, d, a, si)
                try_one("addis", 15 << 26 | word, s, addi, d, a, si << 16)
                try_one("addic", 12 << 26 | word, s, addic, d, a, si, 0)
                try_one("addic.", 13 << 26 | word, s, addic, d, a, si, 1)
                try_one("subfic", 8 << 26 | word, s, lambda t: adds(t, d, inverted(t.r[a]), si & M64, 1, 0, 0, True))
                try_one("mulli", 7 << 26 | word, s, lambda t: t.r.__setitem__(d, signed(t.r[a], 64) * si & M64))
                s = State(**{f"r{d}": x}, **flags())
                for primary, f in ((24, lambda p, q: p | q), (26, lambda p, q: p ^ q), (28, lambda p, q: p & q)):
                    name = {24: "ori", 26: "xori", 28: "andi."}[primary]
                    try_one(name, primary << 26 | word, s, logic, d, a, v, f, primary == 28)
                    try_one(name.replace("i", "is", 1), primary + 1 << 26 | word, s, logic, d, a, v << 16, f, primary == 28)


def integer_multiplies():
    def model(s, d, a, b, oe, rc, f):
        result, overflow = f(s.r[a], s.r[b])
        if oe:
            s.overflow(overflow)
        s.r[d] = result & M64
        if rc:
            s.record(s.r[d])
    for name, xo, has_oe, f in MULTIPLIES:
        for x, y in [(x, y) for x in EDGES for y in EDGES] + [(operand(), operand()) for _ in range(60)]:
            d, a, b = dice.choice(REGISTERS)
            oe, rc = dice.getrandbits(1) if has_oe else 0, dice.getrandbits(1)
            try_one(name, x_form(31, xo, d, a, b, rc, oe), State(**{f"r{a}": x, f"r{b}": y}, **flags()), model, d, a, b, oe, rc, f)


def integer_logic():
    def set_a(s, a, v, rc):
        s.r[a] = v & M64
        if rc:
            s.record(v)
    for x in EDGES + [operand() for _ in range(10)]:
        for rc in (0, 1):
            for name, xo, f in UNARY:
                for a, d in ((3, 4), (5, 5)):
                    try_one(name, x_form(31, xo, d, a, 0, rc), State(**{f"r{d}": x}, **flags()), lambda s: set_a(s, a, f(s.r[d]), rc))
            for y in EDGES:
                for name, xo, f in LOGIC:
                    a, d, b = dice.choice(REGISTERS)
                    s = State(**{f"r{d}": x, f"r{b}": y}, **flags())
                    try_one(name, x_form(31, xo, d, a, b, rc), s, lambda t: set_a(t, a, f(t.r[d], t.r[b]), rc))
            for n in COUNTS:
                for name, xo, f in SHIFTS:
                    a, d, b = dice.choice(REGISTERS)
                    s = State(**{f"r{d}": x, f"r{b}": n}, **flags())
                    try_one(name, x_form(31, xo, d, a, b, rc), s, lambda t: set_a(t, a, f(t, t.r[d], t.r[b]), rc))
            for n in (0, 1, 15, 31):
                s = State(r4=x, **flags())
                try_one("srawi", x_form(31, 824, 4, 3, n, rc), s, lambda t: set_a(t, 3, algebraic(t, signed(x, 32), n, 32), rc))
            for n in (0, 1, 31, 32, 33, 63):
                s = State(r4=x, **flags())
                word = 31 << 26 | 4 << 21 | 3 << 16 | (n & 31) << 11 | 413 << 2 | n >> 5 << 1 | rc
                try_one("sradi", word, s, lambda t: set_a(t, 3, algebraic(t, signed(x, 64), n, 64), rc))


def integer_compares():
    def model(s, field, x, y):
        s.field(field, x < y, x > y, x == y)
    for x in EDGES:
        for y in EDGES + IMMEDIATES:
            for long in (0, 1):
                field = dice.randrange(8)
                bits = 64 if long else 32
                head = field << 23 | long << 21 | 3 << 16
                s, mask = State(r3=x, r4=y, **flags()), (1 << bits) - 1
                try_one("cmp", 31 << 26 | head | 4 << 11, s, model, field, signed(x, bits), signed(y, bits))
                try_one("cmpl", 31 << 26 | head | 4 << 11 | 32 << 1, s, model, field, x & mask, y & mask)
                if y in IMMEDIATES:
                    try_one("cmpi", 11 << 26 | head | y, s, model, field, signed(x, bits), signed(y, 16))
                    try_one("cmpli", 10 << 26 | head | y, s, model, field, x & mask, y)


def ones(first, last):
    """MASK(first, last): from bit to bit, around the end."""
    v, bit = 0, first
    while True:
        v |= 1 << (63 - bit)
        if bit == last:
            return v
        bit = (bit + 1) % 64


def rotated(v, n):
    text = f"{v:064b}"
    return int(text[n:] + text[:n], 2)


def doubled(v):
    return (v & M32) << 32 | v & M32


def integer_rotates():
    def model(s, a, v, mask, insert, rc):
        s.r[a] = v & mask | (s.r[a] & ~mask if insert else 0)
        if rc:
            s.record(s.r[a])
    ends = [0, 1, 5, 15, 16, 30, 31]
    for mb in ends:
        for me in ends:
            for sh in (0, 1, 16, 31, dice.randrange(32)):
                x, y, rc = operand(), operand(), dice.getrandbits(1)
                word = 4 << 21 | 3 << 16 | sh << 11 | mb << 6 | me << 1 | rc
                s, mask = State(r3=y, r4=x, **flags()), ones(mb + 32, me + 32)
                try_one("rlwinm", 21 << 26 | word, s, model, 3, rotated(doubled(x), sh), mask, False, rc)
                try_one("rlwimi", 20 << 26 | word, s, model, 3, rotated(doubled(x), sh), mask, True, rc)
                s = State(r4=x, r5=sh | dice.getrandbits(59) << 5, **flags())
                try_one("rlwnm", 23 << 26 | word & ~(31 << 11) | 5 << 11, s, model, 3, rotated(doubled(x), sh), mask, False, rc)
    ends = [0, 1, 31, 32, 33, 47, 62, 63]
    for m in ends:
        for sh in ends:
            for _ in range(4):
                x, y, rc = operand(), operand(), dice.getrandbits(1)
                s, v = State(r3=y, r4=x, **flags()), rotated(x, sh)
                word = 30 << 26 | 4 << 21 | 3 << 16 | (sh & 31) << 11 | (m & 31) << 6 | m >> 5 << 5 | sh >> 5 << 1 | rc
                try_one("rldicl", word, s, model, 3, v, ones(m, 63), False, rc)
                try_one("rldicr", word | 1 << 2, s, model, 3, v, ones(0, m), False, rc)
                try_one("rldic", word | 2 << 2, s, model, 3, v, ones(m, 63 - sh), False, rc)
                try_one("rldimi", word | 3 << 2, s, model, 3, v, ones(m, 63 - sh), True, rc)
                word = 30 << 26 | 4 << 21 | 3 << 16 | 5 << 11 | (m & 31) << 6 | m >> 5 << 5 | rc
                s = State(r4=x, r5=sh | dice.getrandbits(58) << 6, **flags())
                try_one("rldcl", word | 8 << 1, s, model, 3, v, ones(m, 63), False, rc)
                try_one("rldcr", word | 9 << 1, s, model, 3, v, ones(0, m), False, rc)


# ---- Branches: a taken one skips `li r3, 1`.

def branches():
    li = 14 << 26 | 3 << 21 | 1

    def taken(s, bo, bi):
        ctr_ok = True
        if not bo & 4:
            s.ctr = s.ctr - 1 & M64
            ctr_ok = (s.ctr & M32 != 0) != bool(bo & 2)
        return ctr_ok and (bool(bo & 16) or s.bit("cr", bi) == (bo >> 3 & 1))

    for bo in range(32):
        for ctr in (0, 1, 2, 0x100000000, 0x100000001, M64):
            for cr in (0, M32):
                bi = dice.randrange(32)
                before = State(cr=cr, ctr=ctr)
                # bc over the li; then bcl, whose LR is read.
                after = before.copy()
                if not taken(after, bo, bi):
                    after.r[3] = 1
                emit(f"bc_{bo}", [16 << 26 | bo << 21 | bi << 16 | 8, li, BLR], before, after)
                after = before.copy()
                if not taken(after, bo, bi):
                    after.r[3] = 1
                after.r[4] = 0x80000008
                after.r[5] = 0xBCBCBCBC
                mflr4, mflr5, mtlr5 = 0x7C8802A6, 0x7CA802A6, 0x7CA803A6
                emit(f"bcl_{bo}", [mflr5, 16 << 26 | bo << 21 | bi << 16 | 9, li, mflr4, mtlr5, BLR], before, after)
                # bclr to the end, with the li behind it.
                after = before.copy()
                if not taken(after, bo, bi):
                    after.r[3] = 1
                emit(f"bclr_{bo}", [19 << 26 | bo << 21 | bi << 16 | 16 << 1, li, BLR], before, after)
                # bcctr needs BO that leaves CTR alone.
                if bo & 4:
                    before = State(cr=cr, ctr=0x8000000B | ctr << 40 & M64)
                    after = before.copy()
                    if not taken(after, bo, bi):
                        after.r[3] = 1
                    emit(f"bcctr_{bo}", [19 << 26 | bo << 21 | bi << 16 | 528 << 1, li, BLR], before, after)
    after = State()
    emit("b", [18 << 26 | 8, li, BLR], State(), after)
    # A loop: 5 times.
    after = State(r3=5)
    emit("bdnz_loop", [0x38630001, 16 << 26 | 16 << 21 | 0xFFFC, BLR], State(ctr=5), after)
    # bl to a blr, and back.
    after = State(r5=0xBCBCBCBC, r3=1)
    emit("bl", [0x7CA802A6, 18 << 26 | 16 | 1, 0x7CA803A6, li, BLR, BLR], State(), after)


# ---- Control

def control():
    logic = [("crand", 257, lambda a, b: a & b), ("crandc", 129, lambda a, b: a & ~b), ("creqv", 289, lambda a, b: ~(a ^ b)),
             ("crnand", 225, lambda a, b: ~(a & b)), ("crnor", 33, lambda a, b: ~(a | b)), ("cror", 449, lambda a, b: a | b),
             ("crorc", 417, lambda a, b: a | ~b), ("crxor", 193, lambda a, b: a ^ b)]
    for name, xo, f in logic:
        for a in (0, 1):
            for b in (0, 1):
                for _ in range(6):
                    d, x, y = (dice.randrange(32) for _ in range(3))
                    s = State(cr=dice.getrandbits(32))
                    s.set_bit("cr", x, a)
                    s.set_bit("cr", y, b)
                    try_one(name, x_form(19, xo, d, x, y), s,
                            lambda t: t.set_bit("cr", d, f(t.bit("cr", x), t.bit("cr", y)) & 1))
    for d in range(8):
        for x in range(8):
            s = State(cr=dice.getrandbits(32))
            try_one("mcrf", 19 << 26 | d << 23 | x << 18, s,
                    lambda t: t.field(d, *[t.bit("cr", 4 * x + i) for i in range(4)]))
        for xer in range(8):
            s = State(cr=dice.getrandbits(32), xer=xer << 29 | 5)

            def mcrxr(t):
                t.field(d, xer >> 2, xer >> 1 & 1, xer & 1, 0)
                t.xer = 5
            try_one("mcrxr", x_form(31, 512, d << 2, 0, 0), s, mcrxr)
    for fxm in [0xFF, 0, 0x80, 0x01, 0xA5, 0x18]:
        nibbles = sum(0xF << 4 * i for i in range(8) if fxm >> i & 1)
        for _ in range(6):
            s, v = State(cr=dice.getrandbits(32), r3=dice.getrandbits(64)), None
            try_one("mtcrf", 31 << 26 | 3 << 21 | fxm << 12 | 144 << 1, s,
                    lambda t: setattr(t, "cr", t.cr & ~nibbles | t.r[3] & nibbles))
            try_one("mfcr", 31 << 26 | 4 << 21 | 19 << 1, s, lambda t: t.r.__setitem__(4, t.cr))
            if bin(fxm).count("1") == 1:
                try_one("mfocrf", 31 << 26 | 4 << 21 | 1 << 20 | fxm << 12 | 19 << 1, s,
                        lambda t: t.r.__setitem__(4, t.cr & nibbles))
                try_one("mtocrf", 31 << 26 | 3 << 21 | 1 << 20 | fxm << 12 | 144 << 1, s,
                        lambda t: setattr(t, "cr", t.cr & ~nibbles | t.r[3] & nibbles))
    control_special()
    control_fpscr()
    control_traps()


def spr(number):
    return (number & 31) << 16 | number >> 5 << 11


def control_special():
    def moves(number, read, write, name, mask):
        for v in EDGES:
            s = State(r3=v, **flags())
            s.ctr = 0x1122334455667788
            try_one(f"mt{name}", 31 << 26 | 3 << 21 | spr(number) | 467 << 1, s, lambda t: write(t, v & mask))
            try_one(f"mf{name}", 31 << 26 | 4 << 21 | spr(number) | 339 << 1, s, lambda t: t.r.__setitem__(4, read(t)))
    moves(1, lambda s: s.xer, lambda s, v: setattr(s, "xer", v), "xer", 0xE000007F)
    moves(9, lambda s: s.ctr, lambda s, v: setattr(s, "ctr", v), "ctr", M64)
    for v in EDGES:
        # mtlr, mflr, and back; VRSAVE has 32 bits.
        s = State(r3=v)
        after = s.copy()
        after.r[4], after.r[5] = v, 0xBCBCBCBC
        emit("lr", [0x7CA802A6, 0x7C6803A6, 0x7C8802A6, 0x7CA803A6, BLR], s, after)
        after = s.copy()
        after.r[4] = v & M32
        mtvrsave, mfvrsave = 31 << 26 | 3 << 21 | spr(256) | 467 << 1, 31 << 26 | 4 << 21 | spr(256) | 339 << 1
        emit("vrsave", [mtvrsave, mfvrsave, BLR], s, after)
    emit("pvr", [31 << 26 | 3 << 21 | spr(287) | 339 << 1, BLR], State(), State(r3=0x00710700))
    # MSR: as titles start it, and as they change EE around a lock.
    emit("mfmsr", [0x7C6000A6, BLR], State(), State(r3=0x9030))
    for v in (0, 0x8000, 0x8002, 0xFFFF):
        emit("mtmsrd_1", [0x7C610164, 0x7C8000A6, BLR], State(r3=v), State(r3=v, r4=0x1030 | v & 0x8002))
    emit("mtmsr", [0x7C600124, 0x7C8000A6, BLR], State(r3=0x8010), State(r3=0x8010, r4=0x9010))
    # The timebase counts one in 64 instructions.
    nop = 0x60000000
    for count in (0, 60, 63, 64, 130):
        for number, shift in ((268, 0), (269, 32)):
            mftb, mfspr = 31 << 26 | 3 << 21 | spr(number) | 371 << 1, 31 << 26 | 4 << 21 | spr(number) | 339 << 1
            emit("mftb", [nop] * count + [mftb, mfspr, BLR], State(), State(r3=count // 64 >> shift, r4=(count + 1) // 64 >> shift))
    for value in (0, 1, 0x10000, 0x10001, M32):
        given = State(v3=value | 0x1111111122222222333333330 << 32)
        after = given.copy()
        after.vscr = value & 0x10001
        after.v[4] = value & 0x10001
        emit("vscr", [0x10001E44 & ~0xF800 | 3 << 11, 0x10000604 | 4 << 21, BLR], given, after)
    for word, name in ((0x7C0004AC, "sync"), (0x7C2004AC, "lwsync"), (0x4C00012C, "isync"), (0x7C0006AC, "eieio")):
        emit(name, [word, BLR], State(r3=1), State(r3=1))


FPSCR_STICKY = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 21, 22, 23]
INVALID = [7, 8, 9, 10, 11, 12, 21, 22, 23]


def fpscr_sum(s):
    s.set_bit("fpscr", 2, any(s.bit("fpscr", i) for i in INVALID))
    s.set_bit("fpscr", 1, any(s.bit("fpscr", 2 + i) and s.bit("fpscr", 24 + i) for i in range(5)))


def control_fpscr():
    def cr1(s, rc):
        if rc:
            s.field(1, *[s.bit("fpscr", i) for i in range(4)])

    def start():
        s = State(fpscr=dice.getrandbits(32) & ~0x00000800 & ~0x3, cr=dice.getrandbits(32))
        s.fpscr = dice.choice([s.fpscr, s.fpscr & 0xFF, 0])
        fpscr_sum(s)
        return s

    def set_bits(s, bits, rc):
        for i, v in bits.items():
            if i not in (1, 2, 20):
                s.set_bit("fpscr", i, v)
        fpscr_sum(s)
        cr1(s, rc)

    for bit in range(30):
        for rc in (0, 1):
            for _ in range(3):
                def mtfsb1(s):
                    fresh = bit in FPSCR_STICKY and not s.bit("fpscr", bit)
                    set_bits(s, {bit: 1, **({0: 1} if fresh else {})}, rc)
                try_one("mtfsb0", x_form(63, 70, bit, 0, 0, rc), start(), set_bits, {bit: 0}, rc)
                try_one("mtfsb1", x_form(63, 38, bit, 0, 0, rc), start(), mtfsb1)
    for field in range(7):
        for v in range(16):
            for rc in (0, 1):
                bits = {4 * field + i: v >> (3 - i) & 1 for i in range(4)}
                try_one("mtfsfi", 63 << 26 | field << 23 | v << 12 | 134 << 1 | rc, start(), set_bits, bits, rc)
    for _ in range(100):
        fm, v, rc = dice.choice([0xFE, dice.getrandbits(8) & 0xFE]), dice.getrandbits(64), dice.getrandbits(1)
        bits = {i: v >> (31 - i) & 1 for i in range(32) if fm >> (7 - i // 4) & 1}
        s = start()
        s.f[3] = v
        try_one("mtfsf", 63 << 26 | fm << 17 | 3 << 11 | 711 << 1 | rc, s, set_bits, bits, rc)
        try_one("mffs", x_form(63, 583, 4, 0, 0, rc), start(), lambda t: (t.f.__setitem__(4, t.fpscr), cr1(t, rc)))
    for source in range(8):
        for _ in range(4):
            d = dice.randrange(8)

            def mcrfs(s):
                s.field(d, *[s.bit("fpscr", 4 * source + i) for i in range(4)])
                for i in range(4 * source, 4 * source + 4):
                    if i == 0 or i in FPSCR_STICKY:
                        s.set_bit("fpscr", i, 0)
                fpscr_sum(s)
            try_one("mcrfs", 63 << 26 | d << 23 | source << 18 | 64 << 1, start(), mcrfs)


def control_traps():
    """Those that do not hold: a trap ends a case. tests/unit/test_cpu_exits.c has those that do."""
    for to in range(32):
        for x in EDGES:
            for y in EDGES + IMMEDIATES:
                for bits in (32, 64):
                    a, b, ua, ub = signed(x, bits), signed(y, bits), x & ((1 << bits) - 1), y & ((1 << bits) - 1)
                    holds = to & 16 and a < b or to & 8 and a > b or to & 4 and a == b or to & 2 and ua < ub or to & 1 and ua > ub
                    if holds or dice.randrange(4):
                        continue
                    s = State(r3=x, r4=y)
                    emit("tw" if bits == 32 else "td", [31 << 26 | to << 21 | 3 << 16 | 4 << 11 | (4 if bits == 32 else 68) << 1, BLR], s, s)


# ---- Memory

def double_of(w):
    """A single's bits as a double's."""
    sign, exponent, fraction = w >> 31, w >> 23 & 255, w & 0x7FFFFF
    if exponent == 255:
        return sign << 63 | 0x7FF << 52 | fraction << 29
    value = struct.unpack(">f", struct.pack(">I", w))[0]
    return struct.unpack(">Q", struct.pack(">d", value))[0]


def single_of(d):
    """The store's conversion: FRS(0:1) and (5:34), or shifted right until the exponent is -126."""
    exponent = d >> 52 & 0x7FF
    if exponent > 896 or d & (M64 >> 1) == 0:
        return d >> 62 << 30 | d >> 29 & 0x3FFFFFFF
    fraction, e = 1 << 52 | d & ((1 << 52) - 1), exponent - 1023
    while e < -126:
        fraction, e = fraction >> 1, e + 1
    return d >> 63 << 31 | (fraction >> 29 & 0x7FFFFF if exponent >= 874 else 0)


def reversed_bytes(v, n):
    return int.from_bytes(v.to_bytes(n, "big"), "little")


def extended(n):
    return lambda v: signed(v, 8 * n) & M64


def identity(v):
    return v


# name, bytes, primary (D), primary (D with update), XO (X), XO (X with update), conversion
LOADS = [
    ("lbz", 1, 34, 35, 87, 119, identity), ("lhz", 2, 40, 41, 279, 311, identity), ("lha", 2, 42, 43, 343, 375, extended(2)),
    ("lwz", 4, 32, 33, 23, 55, identity), ("lwa", 4, None, None, 341, 373, extended(4)), ("ld", 8, None, None, 21, 53, identity),
    ("lfs", 4, 48, 49, 535, 567, double_of), ("lfd", 8, 50, 51, 599, 631, identity),
    ("lhbrx", 2, None, None, 790, None, lambda v: reversed_bytes(v, 2)), ("lwbrx", 4, None, None, 534, None, lambda v: reversed_bytes(v, 4)),
    ("ldbrx", 8, None, None, 532, None, lambda v: reversed_bytes(v, 8)), ("lwarx", 4, None, None, 20, None, identity),
    ("ldarx", 8, None, None, 84, None, identity),
]
STORES = [
    ("stb", 1, 38, 39, 215, 247, identity), ("sth", 2, 44, 45, 407, 439, identity), ("stw", 4, 36, 37, 151, 183, identity),
    ("std", 8, None, None, 149, 181, identity), ("stfs", 4, 52, 53, 663, 695, single_of), ("stfd", 8, 54, 55, 727, 759, identity),
    ("sthbrx", 2, None, None, 918, None, lambda v: reversed_bytes(v & 0xFFFF, 2)),
    ("stwbrx", 4, None, None, 662, None, lambda v: reversed_bytes(v & M32, 4)), ("stdbrx", 8, None, None, 660, None, lambda v: reversed_bytes(v, 8)),
    ("stfiwx", 4, None, None, 983, None, identity),
]
DS = {"lwa": (58, 2, None), "ld": (58, 0, 1), "std": (62, 0, 1)}  # primary, low bits, low bits with update
SINGLES = [0, 1 << 31, 1, 0x007FFFFF, 0x80400000, 0x00800000, 0x3F800000, 0x7F7FFFFF, 0x7F800000, 0xFF800000, 0x7FC00000, 0x7F800001, 0xFFBFFFFF]
DOUBLES = [double_of(w) for w in SINGLES] + [1, 1 << 63, (896 << 52) | 0xFFFFFFFFFFFFF, 897 << 52, 874 << 52, 873 << 52, 895 << 52 | 1 << 30,
                                             (880 << 52) | 0x123456789ABCD, 0x7FEFFFFFFFFFFFFF, 0x7FF0000000000001, 0xFFF123456789ABCD]


def data(size=96):
    return bytearray(dice.getrandbits(8) for _ in range(size))


def high():
    """Bits above an address, which memory does not see."""
    return dice.choice([0, 0, 0xFFFFFFFF, dice.getrandbits(32)]) << 32


def forms(name, primary, update, xo, xo_update):
    """(word without registers, offset kind, update)"""
    if primary:
        yield primary << 26, "d", False
        yield update << 26, "d", True
    if name in DS:
        p, plain, updating = DS[name]
        yield p << 26 | plain, "ds", False
        if updating is not None:
            yield p << 26 | updating, "ds", True
    if xo:
        yield 31 << 26 | xo << 1, "x", False
    if xo_update:
        yield 31 << 26 | xo_update << 1, "x", True


def addressed(kind, update, at):
    """Registers, and the rest of the word, so that the address is DATA + at."""
    if kind == "x":
        if dice.randrange(4) == 0 and not update:
            return State(r5=high() | DATA + at), 0, 5 << 11
        offset = dice.choice([8, at, M64, dice.getrandbits(64)])
        return State(r4=(DATA + at - offset & M64 & M32) | high(), r5=offset), 4, 5 << 11
    offset = dice.choice([0, 4, 0x7FFC, 0x8000, 0xFFFC, dice.getrandbits(16)]) & (0xFFFC if kind == "ds" else 0xFFFF)
    return State(r4=(DATA + at - signed(offset, 16)) & M32 | high()), 4, offset


def accesses():
    for name, size, *how, convert in LOADS + STORES:
        load = name[0] == "l"
        file = "f" if name[1 + (not load)] == "f" else "r"
        values = [dice.getrandbits(8 * size) for _ in range(8)] + [0, (1 << 8 * size) - 1, 1 << (8 * size - 1)]
        if name == "lfs":
            values += SINGLES
        if file == "f" and not load:
            values = DOUBLES + [dice.getrandbits(64) for _ in range(10)]
        for word, kind, update in forms(name, *how):
            for v in values:
                at = dice.choice([0, 8, 3, 33, 63])
                s, ra, rest = addressed(kind, update, at)
                s.mem = data()
                if ra == 0 and kind == "x":
                    ea = s.r[5]
                else:
                    ea = s.r[4] + (s.r[5] if kind == "x" else signed(rest, 16)) & M64
                rt = dice.choice([3, 31])
                if load:
                    s.store(DATA + at, size, v)
                else:
                    getattr(s, file)[rt] = v | (dice.getrandbits(64 - 8 * size) << 8 * size if file == "r" and size < 8 else 0)

                def model(t):
                    if load:
                        getattr(t, file)[rt] = convert(t.load(ea, size))
                    else:
                        t.store(ea, size, convert(getattr(t, file)[rt]))
                    if update:
                        t.r[4] = ea
                try_one(name + "u" * update + "x" * (kind == "x"), word | rt << 21 | ra << 16 | rest, s, model)


def reservations():
    lwarx, stwcx = 0x7C602028, 0x7CA0212D  # r3 <- (r4), (r4) <- r5
    ldarx, stdcx = 0x7C6020A8, 0x7CA021AD
    for so in (0, 1):
        for at in (0, 8, 88):
            for load, store, size in ((lwarx, stwcx, 4), (ldarx, stdcx, 8)):
                s = State(r4=DATA + at, r5=dice.getrandbits(64), xer=so << 31, cr=M32)
                s.mem = data()
                after = s.copy()
                after.r[3] = s.load(DATA + at, size)
                after.store(DATA + at, size, s.r[5])
                after.field(0, 0, 0, 1)
                emit("reserved", [load, store, BLR], s, after)
                again = after.copy()
                again.field(0, 0, 0, 0)
                emit("used_up", [load, store, store, BLR], s, again)
                after = s.copy()
                after.field(0, 0, 0, 0)
                emit("unreserved", [store, BLR], s, after)
                # Elsewhere: another line of 128 bytes fails, the same line succeeds.
                for distance, success in ((128, 0), (4, 1)):
                    t = s.copy()
                    t.mem = data(256)
                    t.r[4], t.r[6] = DATA, DATA + distance
                    after = t.copy()
                    after.r[3] = t.load(DATA, size)
                    if success:
                        after.store(DATA + distance, size, t.r[5])
                    after.field(0, 0, 0, success)
                    emit("elsewhere", [load, store & ~0xF800 | 6 << 11, BLR], t, after)


def strings():
    for count in list(range(1, 33)):
        s = State(r4=DATA + count % 7)
        s.mem = data()
        rt = dice.choice([5, 20, 30])

        def load_string(t):
            for i in range(count):
                r, shift = (rt + i // 4) % 32, 24 - i % 4 * 8
                if i % 4 == 0:
                    t.r[r] = 0
                t.r[r] |= t.mem[count % 7 + i] << shift
        if 4 not in [(rt + i // 4) % 32 for i in range(count)]:
            try_one("lswi", x_form(31, 597, rt, 4, count % 32), s, load_string)
            x = s.copy()
            x.xer, x.r[3] = count, s.r[4] - 100 & M64
            x.r[4] = 100
            after = x.copy()
            load_string(after)
            if 3 not in [(rt + i // 4) % 32 for i in range(count)]:
                emit("lswx", [x_form(31, 533, rt, 4, 3), BLR], x, after)
        for r in range(5, 32):
            s.r[r] = dice.getrandbits(64)

        def store_string(t):
            for i in range(count):
                t.mem[count % 7 + i] = t.r[(rt + i // 4) % 32] >> (24 - i % 4 * 8) & 255
        try_one("stswi", x_form(31, 725, rt, 4, count % 32), s, store_string)
        x = s.copy()
        x.xer = count
        try_one("stswx", x_form(31, 661, rt, 0, 4), x, store_string)
    s = State(r4=DATA, r7=7)
    s.mem = data()
    try_one("lswx_none", x_form(31, 533, 7, 0, 4), s, lambda t: None)
    for rt in (5, 16, 29, 31):
        s = State(r4=DATA + 8, **{f"r{i}": dice.getrandbits(64) for i in range(5, 32)})
        s.mem = data(160)

        def lmw(t):
            for r in range(rt, 32):
                t.r[r] = t.load(DATA + 12 + 4 * (r - rt), 4)

        def stmw(t):
            for r in range(rt, 32):
                t.store(DATA + 12 + 4 * (r - rt), 4, t.r[r])
        try_one("lmw", 46 << 26 | rt << 21 | 4 << 16 | 4, s, lmw)
        try_one("stmw", 47 << 26 | rt << 21 | 4 << 16 | 4, s, stmw)


def caches():
    for at in (0, 31, 32, 127, 128, 200):
        for word, size in ((0x7C0027EC, 32), (0x7C2027EC, 128)):
            s = State(r4=high() | DATA + at)
            s.mem = data(256)

            def clear(t):
                t.mem[at // size * size:(at // size + 1) * size] = bytes(size)
            try_one("dcbz" if size == 32 else "dcbz128", word, s, clear)
    for xo, name in ((86, "dcbf"), (470, "dcbi"), (54, "dcbst"), (278, "dcbt"), (246, "dcbtst"), (982, "icbi")):
        for address in (DATA, 0x666):  # a hint's address may be anything
            s = State(r4=address)
            s.mem = data()
            emit(name, [x_form(31, xo, 0, 0, 4), BLR], s, s)
    # Code that writes over what has run: icbi makes it seen. r3 counts.
    s = State(r4=0x80000000, r5=0x38630010, ctr=2)
    after = s.copy()
    after.r[3], after.ctr = 0x11, 0
    emit("icbi_code", [0x38630001, 0x90A40000, 0x7C0027AC, 0x4200FFF4, BLR], s, after)


def main():
    global group
    groups = {
        "integer": [integer_adds, integer_immediates, integer_multiplies, integer_logic, integer_compares, integer_rotates],
        "branch": [branches], "control": [control], "memory": [accesses, reservations, strings, caches],
    }
    for group, makers in groups.items():
        for make in makers:
            make()
    if len(sys.argv) == 3 and sys.argv[1] == "--write":
        for name, cases in CASES.items():
            (pathlib.Path(sys.argv[2]) / f"{name}.jsonl").write_text("".join(json.dumps(c) + "\n" for c in cases))
        return 0
    text = "".join(json.dumps(c) + "\n" for cases in CASES.values() for c in cases)
    by_name = {}
    for cases in CASES.values():
        for case in cases:
            by_name.setdefault(case["name"], case)
    run = subprocess.run([sys.argv[1], "exec", "-", "--quiet"], input=text, capture_output=True, text=True)
    for line in run.stdout.splitlines()[:20]:
        print(line)
        print("   ", json.dumps(by_name.get(json.loads(line)["name"])))
    print({name: len(cases) for name, cases in CASES.items()}, run.stderr.strip())
    return run.returncode


sys.exit(main())
