#!/usr/bin/env python3
"""Compares our disassembler with GNU objdump on random words: ppc_objdump.py build/release/xenolith [COUNT]

Every row of opcodes.def that binutils knows (its VMX128 forms it does not) gets COUNT words with random operands. Both texts
are brought to one spelling first. Prints what differs, and exits 1 if anything does. Exits 77 (skipped) without objdump.
"""
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

OBJDUMP = "powerpc64-linux-gnu-objdump"
ROW = re.compile(r'^OPCODE\((\w+),\s*"[^"]+",\s*(0x[0-9a-f]+),\s*(0x[0-9a-f]+),', re.M)
ROOT = pathlib.Path(__file__).resolve().parent.parent
BASE = 0x10000
# Bits that the rows leave free, but whose set bits are another or no instruction for binutils.
RESERVED = {
    "cmp": 1 << 22 | 1, "cmpi": 1 << 22, "cmpl": 1 << 22 | 1, "cmpli": 1 << 22, "mcrf": 0x63F801, "mcrfs": 0x63F801, "mcrxr": 0x7FF801,
    "fcmpu": 0x600001, "fcmpo": 0x600001, "mtfsfix": 0x7F0800, "mtfsfx": 0x2010000, "mftb": 1, "sync": 0x3FFF801, "eieio": 0x3FFF801,
    "isync": 0x3FFF801, "mfmsr": 0x1FF801, "mtmsr": 0x1FF801, "mtmsrd": 0x1FF801, "mfcr": 0x1FF801, "mtcrf": 0x100801, "mfvscr": 0x1FF800,
    "mtvscr": 0x3FF0000, "sc": 0x3FFFFFD, "dcbt": 0x3E00001, "dcbtst": 0x3E00001, "dcbf": 0x3E00001, "dcbst": 0x3E00001,
    "dcbi": 0x3E00001, "icbi": 0x3E00001, "dcbz": 0x1E00001, "dcbz128": 0x1E00001, "bclrx": 0xF800, "bcctrx": 0xF800,
    "mffsx": 0x1FF800, "mfspr": 1, "mtspr": 1, "divdux": 0, "lswi": 1, "vsldoi": 0x400,
}
# A clear meaning is missing there, or ours is of this machine.
SKIPPED = {"dcbz128", "icbi", "mtmsrd", "mtmsr", "vsldoi128"}
NO_RECORD = {"crand", "crandc", "creqv", "crnand", "crnor", "cror", "crorc", "crxor", "td", "tw"}


def reserved(name, value, mask):
    bits = RESERVED.get(name, 0)
    primary = value >> 26
    if name in NO_RECORD or (primary == 31 and (mask & 0x7FE) == 0x7FE and name[-1] != "x"):
        bits |= 1
    if primary == 31 and name.startswith(("l", "st")) and "cx" != name[-2:]:
        bits |= 1
    return bits


def unused(name):
    """Fields that an instruction does not read are zero in real code, and binutils insists."""
    none_a = {"fabsx", "fcfidx", "fctidx", "fctidzx", "fctiwx", "fctiwzx", "fmrx", "fnabsx", "fnegx", "fresx", "frspx", "frsqrtex",
              "fsqrtsx", "fsqrtx"}
    none_b = {"addmex", "addzex", "subfmex", "subfzex", "negx", "cntlzdx", "cntlzwx", "extsbx", "extshx", "extswx", "mfvscr"}
    bits = 0
    if name in none_a:
        bits |= 0x1F << 16
    if name in none_b:
        bits |= 0x1F << 11
    if name in none_a | {"faddsx", "faddx", "fdivsx", "fdivx", "fsubsx", "fsubx", "fcmpu", "fcmpo"} and name not in {
            "fabsx", "fcfidx", "fctidx", "fctidzx", "fctiwx", "fctiwzx", "fmrx", "fnabsx", "fnegx", "frspx"}:
        bits |= 0x1F << 6
    if name in {"fmulx", "fmulsx"}:
        bits |= 0x1F << 11
    if name in {"mtfsb0x", "mtfsb1x"}:
        bits |= 0x3FF << 11
    if name in {"mulhdx", "mulhdux", "mulhwx", "mulhwux"}:
        bits |= 1 << 10
    if re.match(r"v(ref|rsqrte|expte|loge|rfi|upk)", name) or name.startswith(("vspltis",)):
        bits |= 0x1F << (11 if name.startswith("vspltis") else 16)
    if name == "vspltb":
        bits |= 1 << 20
    if name == "vsplth":
        bits |= 3 << 19
    if name == "vspltw":
        bits |= 7 << 18
    return bits


def normal(text):
    text = re.sub(r"\s*[<#].*$", "", text.strip())
    text = re.sub(r"\s+", " ", text.replace(", ", ","))
    text = re.sub(r"\b0x([0-9a-f]+)\b", lambda m: str(int(m.group(1), 16)), text)
    text = re.sub(r"\b(\d{11,})\b", lambda m: str(int(m[1]) & 0xFFFFFFFF), text)
    mnemonic, _, rest = text.partition(" ")
    o = rest.split(",") if rest else []
    # Their spelling of the same.
    if m := re.fullmatch(r"sub(c?)(o?\.?)", mnemonic):
        mnemonic, o = f"subf{m[1]}{m[2]}", [o[0], o[2], o[1]]
    if m := re.fullmatch(r"subic(\.?)", mnemonic):
        mnemonic, o = f"addic{m[1]}", [o[0], o[1], str(-int(o[2]))]
    if mnemonic in ("subi", "subis"):
        mnemonic, o = "addi" + mnemonic[4:], [o[0], o[1], str(-int(o[2]))]
    mnemonic = {"vmr": "vor", "vnot": "vnor", "mtcr": "mtcrf", "trap": "tw", "tweq": "tweq", "hwsync": "sync", "dcbtct": "dcbt",
                "dcbtstct": "dcbtst"}.get(mnemonic, mnemonic)
    if mnemonic in ("vor", "vnor") and len(o) == 2:
        o = [o[0], o[1], o[1]]
    if mnemonic == "mtcrf" and len(o) == 1:
        o = ["255"] + o
    if mnemonic == "tw" and not o:
        o = ["31", "r0", "r0"]
    if mnemonic in ("twu", "tdu"):
        mnemonic, o = mnemonic[:2], ["31"] + o
    if mnemonic in ("twui", "tdui"):
        mnemonic, o = mnemonic[:2] + "i", ["31"] + o
    if re.fullmatch(r"fcmp[uo]|mtfsfi\.?|mcrfs", mnemonic) and o and o[0].isdigit():
        o[0] = f"cr{o[0]}"
    if mnemonic == "sc" and o == ["0"]:
        o = []
    if mnemonic.startswith("mtfsfi") and len(o) == 3:
        o = o[:2]
    # A count that is printed in another way, lis of unsigned.
    if mnemonic in ("lis", "addis") and int(o[-1]) > 32767:
        o[-1] = str(int(o[-1]) - 65536)
    return mnemonic + " " + ",".join(o)


def objdump(words):
    with tempfile.NamedTemporaryFile() as f:
        f.write(b"".join(struct.pack(">I", w) for w in words))
        f.flush()
        out = subprocess.run([OBJDUMP, "-D", "-b", "binary", "-m", "powerpc:common64", "-EB", "-M", "cell", f"--adjust-vma={BASE}",
                              "-z", f.name], check=True, capture_output=True, text=True).stdout
    return [m[1] for m in re.finditer(r"^\s*[0-9a-f]+:\t(?:[0-9a-f]{2} ){4}\t(.*)$", out, re.M)]


def ours(xenolith, words):
    with tempfile.NamedTemporaryFile(suffix=".bin") as f:
        f.write(b"".join(struct.pack(">I", w) for w in words))
        f.flush()
        out = subprocess.run([xenolith, "disasm", f.name, "--raw", hex(BASE)], check=True, capture_output=True, text=True).stdout
    return [m[1] for m in re.finditer(r"^[0-9a-f]{8}  [0-9a-f]{8}  (.*)$", out, re.M)]


def main():
    if not shutil.which(OBJDUMP):
        print("skipped: no " + OBJDUMP)
        return 77
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 60
    dice = random.Random(1)
    words, names = [], []
    for name, value, mask in ROW.findall((ROOT / "src/ppc/opcodes.def").read_text()):
        value, mask = int(value, 16), int(mask, 16)
        if name.endswith("128") or name in SKIPPED or value >> 26 in (5, 6):
            continue
        for _ in range(count):
            words.append(value | dice.getrandbits(32) & ~mask & ~reserved(name, value, mask) & ~unused(name))
            names.append(name)
    theirs, mine = objdump(words), ours(sys.argv[1], words)
    if not len(words) == len(theirs) == len(mine):
        print(f"{len(words)} words, {len(theirs)} lines of objdump, {len(mine)} of ours")
        return 1
    bad = {}
    unknown = 0
    for word, name, a, b in zip(words, names, theirs, mine):
        if a.startswith(".long") or re.match(r"bc(lr|ctr)?l?a? ", b) or re.match(r"m[ft]spr ", b):
            unknown += 1  # an invalid form, a reserved BO, registers of other machines
        elif normal(a) != normal(b):
            bad.setdefault(name, []).append(f"{word:08x}  objdump: {a.strip()!r}  ours: {b!r}")
    for name, lines in bad.items():
        print(f"{name}: {len(lines)} of {count}\n  " + "\n  ".join(lines[:3]))
    print(f"{len(words)} words of {len(set(names))} instructions, {unknown} not comparable, {sum(map(len, bad.values()))} differ")
    return 1 if bad else 0


sys.exit(main())
