#!/usr/bin/env python3
"""Each container form of one program: packed by the command line, read back, run, equal: forms.py XENOLITH SDK."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

XENOLITH = pathlib.Path(sys.argv[1]).resolve()
SDK = sys.argv[2]
ROOT = pathlib.Path(__file__).resolve().parent.parent
KEY = "000102030405060708090a0b0c0d0e0f"
ENV = {**os.environ, "XENOLITH": str(XENOLITH), "XENOLITH_SDK": SDK}

OLD = """
#include <stdio.h>
#include <xenolith/module.h>
static const char table[200000] = "old";
static uint32_t twice(uint32_t n) { return 2 * n; }
XENOLITH_EXPORT(7, twice);
int main(void) { printf("%s %u\\n", table, (unsigned)sizeof table); return 11; }
"""
NEW = OLD.replace('"old"', '"new"').replace("200000", "300000").replace("11", "12")


class Forms(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        cls.at = pathlib.Path(cls.folder.name)
        for name, text in (("old", OLD), ("new", NEW)):
            (cls.at / f"{name}.c").write_text(text)
            cls.command(ROOT / "guest/bin/xcc", "-o", cls.at / f"{name}.xex", "--keep-elf", cls.at / f"{name}.elf", cls.at / f"{name}.c")

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @staticmethod
    def command(*arguments, status=0):
        done = subprocess.run([str(a) for a in arguments], env=ENV, capture_output=True, text=True)
        if done.returncode != status:
            raise AssertionError(f"{arguments}: {done.returncode}, want {status}\n{done.stdout}{done.stderr}")
        return done

    def xenolith(self, *arguments, status=0):
        return self.command(XENOLITH, *arguments, status=status)

    def pack(self, out, *options, elf="old.elf"):
        self.xenolith("pack", self.at / elf, "-o", self.at / out, *options)
        return self.at / out

    def check(self, path, *options, output="old 200000\n", status=11):
        self.assertEqual(self.xenolith("run", path, *options, status=status).stdout, output)
        return json.loads(self.xenolith("info", "--json", path, *options).stdout)

    def test_every_compression_and_encryption(self):
        hashes = set()
        sizes = {}
        for compression, *blocks in (("none",), ("basic",), ("normal",), *(("normal", "--lzx", form) for form in ("stored", "verbatim", "aligned"))):
            for number, (pack, read) in enumerate((((), ()), (("--encrypt",), ()), (("--encrypt", "devkit"), ()),
                                                   (("--encrypt", "retail", "--key", KEY), ("--key", KEY)))):
                path = self.pack(f"{'-'.join([compression, *blocks])}{number}.xex", "--compression", compression, *blocks, *pack)
                sizes[compression, *blocks] = path.stat().st_size
                one = self.check(path, *read)
                self.assertTrue(one["compression"].startswith(compression))
                hashes.add(one["image_sha256"])
                if read:
                    self.assertIn("--key", self.xenolith("run", path, status=100).stderr)
        self.assertEqual(len(hashes), 1)
        self.assertLess(sizes["normal",], sizes["normal", "--lzx", "stored"] / 2)

    def test_patches(self):
        for number, (make, read) in enumerate((((), ()), (("--encrypt",), ()), (("--encrypt", "retail", "--key", KEY), ("--key", KEY)))):
            title = self.pack(f"title{number}.xex", "--compression", "basic")
            patch = self.pack(f"patch{number}", "--patch-from", title, "--title-version", "1.1.0.0", *make, elf="new.elf")
            self.check(title, *read)
            named = self.check(title, "--patch", patch, *read, output="new 300000\n", status=12)
            patch.rename(self.at / f"title{number}.xexp")
            beside = self.check(title, *read, output="new 300000\n", status=12)
            self.check(title, "--patch", "none", *read)
            whole = json.loads(self.xenolith("info", "--json", self.at / "new.xex").stdout)
            self.assertEqual({named["image_sha256"], beside["image_sha256"]}, {whole["image_sha256"]})
            self.xenolith("check", title, "-n", "1000", *read)
            self.xenolith("disasm", title, *read)
            self.assertIn("1.1.0.0", self.xenolith("info", self.at / f"title{number}.xexp").stdout)
        self.assertIn("patch", self.xenolith("run", self.at / "title0.xex", "--patch", self.at / "old.xex", status=100).stderr)

    def test_dll_and_exports(self):
        for options, flags in ((("--dll",), 0x8), ((), 0x3)):
            one = self.check(self.pack("module.xex", *options))
            self.assertEqual(int(one["module_flags"], 16), flags)
            self.assertEqual([e["ordinal"] for e in one["exports"]], [7])

    def test_resources_and_libraries(self):
        (self.at / "data").write_bytes(bytes(range(256)) * 300)
        title = self.pack("r.xex", "--resource", f"DATA={self.at / 'data'}", "--resource", f"../X={self.at / 'old.c'}",
                          "--static-library", "XENOSDK=1.2.3.4", "--compression", "normal")
        one = self.check(title)
        self.assertEqual([r["name"] for r in one["resources"]], ["DATA", "../X"])
        self.assertEqual(one["static_libraries"][0]["version"], "1.2.3.4")
        self.xenolith("extract", title, "-o", self.at / "all")
        self.assertEqual(sorted(p.name for p in (self.at / "all").iterdir()), ["DATA", "_._X", "header.bin", "image.exe"])
        self.assertEqual((self.at / "all/DATA").read_bytes(), (self.at / "data").read_bytes())
        self.assertEqual((self.at / "all/_._X").read_text(), OLD)
        self.xenolith("extract", title, "DATA", "-o", self.at / "one")
        self.assertEqual([p.name for p in (self.at / "one").iterdir()], ["DATA"])
        self.assertIn("NONE", self.xenolith("extract", title, "NONE", "-o", self.at / "one", status=100).stderr)

    def test_digests(self):
        title = self.pack("damaged.xex")
        data = bytearray(title.read_bytes())
        data[-1] ^= 1
        title.write_bytes(data)
        self.assertIn("--ignore-hashes", self.xenolith("run", title, status=100).stderr)
        self.assertIn("do not match", self.xenolith("run", title, "--ignore-hashes", status=11).stderr)
        for name in ("dolphin/dolphin.xex", "fog/VolumeFog.xex"):
            if (ROOT / "corpus" / name).exists():
                self.assertEqual(self.xenolith("info", ROOT / "corpus" / name).stderr, "")

    def test_old_magics(self):
        for magic in ("XEX1", "XEX0", "XEX-", "XEX%", "XEX?"):
            (self.at / "old-magic").write_bytes(magic.encode() + bytes(4096))
            self.assertIn(f"'{magic}'", self.xenolith("info", self.at / "old-magic", status=100).stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
