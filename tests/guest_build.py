#!/usr/bin/env python3
"""The SDK's compiler and the packer: guest_build.py XENOLITH SDK. Builds programs in every form and looks into them."""
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
XCC = ROOT / "guest/bin/xcc"
ENV = {**os.environ, "XENOLITH": str(XENOLITH), "XENOLITH_SDK": SDK}


def xcc(*arguments, status=0):
    done = subprocess.run([XCC, *map(str, arguments)], env=ENV, capture_output=True, text=True)
    if done.returncode != status:
        raise AssertionError(f"xcc {arguments}: status {done.returncode}, want {status}\n{done.stdout}{done.stderr}")
    return done.stdout + done.stderr


def info(path):
    done = subprocess.run([XENOLITH, "info", "--json", path], capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class GuestBuild(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.at = pathlib.Path(self.folder.name)

    def write(self, name, text):
        (self.at / name).write_text(text)
        return self.at / name

    def test_samples_pack_the_same_image_in_every_form(self):
        for sample in ("hello", "memory", "threads-and-events"):
            source = ROOT / f"guest/samples/{sample}.c"
            forms = [(), ("--compression", "basic"), ("--encrypt",), ("--compression", "basic", "--encrypt")]
            seen = []
            for number, form in enumerate(forms):
                out = self.at / f"{sample}{number}.xex"
                xcc("-o", out, source, *form)
                seen.append(info(out))
            self.assertEqual(len({one["image_sha256"] for one in seen}), 1, sample)
            self.assertEqual([one["encryption"] for one in seen], ["none", "none", "normal", "normal"])
            self.assertEqual([one["compression"] for one in seen], ["none", "basic", "none", "basic"])
            self.assertEqual(seen[0]["entry"], "0x82010000")
            self.assertEqual(seen[0]["base"], "0x82000000")
            self.assertEqual([l["name"] for l in seen[0]["import_libraries"]], ["xboxkrnl.exe"])
            for one in seen[0]["import_libraries"][0]["imports"]:
                self.assertEqual("thunk" in one, one["kind"] == "function")
            self.assertLess((self.at / f"{sample}1.xex").stat().st_size, (self.at / f"{sample}0.xex").stat().st_size)

    def test_same_input_same_file(self):
        for name in ("a", "b"):
            (self.at / name).mkdir()
            xcc("-o", self.at / name / "p.xex", ROOT / "guest/samples/memory.c", "--encrypt")
        self.assertEqual((self.at / "a/p.xex").read_bytes(), (self.at / "b/p.xex").read_bytes())

    def test_thunk_convention(self):
        source = self.write("p.c", "#include <xenolith/xboxkrnl.h>\nint main(void) { return NtYieldExecution(); }\n")
        xcc("-o", self.at / "p.xex", source)
        title = info(self.at / "p.xex")
        image = (self.at / "p.xex").read_bytes()[title["header_size"]:]
        rows = {row["ordinal"]: row for row in title["import_libraries"][0]["imports"]}
        row = rows[0x101]
        slot, thunk = (int(row[key], 16) - 0x82000000 for key in ("slot", "thunk"))
        self.assertEqual(image[slot:slot + 4].hex(), "00000101")
        self.assertEqual(image[thunk:thunk + 16].hex(), "01000101" "02000101" "7d6903a6" "4e800420")
        self.assertEqual(rows[0x1AE]["kind"], "variable")  # ExLoadedCommandLine, which the start code reads

    def test_several_sources_options_and_two_libraries(self):
        one = self.write("one.c", "int twice(int n);\nint XGetLanguage(void);\n"
                                  "int main(void) { return twice(VALUE) + XGetLanguage(); }\n")
        two = self.write("two.c", "int twice(int n) { return 2 * n; }\n")
        xcc("-DVALUE=21", "-Os", "-std=c17", "-o", self.at / "p.xex", one, two)
        libraries = info(self.at / "p.xex")["import_libraries"]
        self.assertEqual([l["name"] for l in libraries], ["xboxkrnl.exe", "xam.xex"])
        self.assertEqual([i["ordinal"] for i in libraries[1]["imports"]], [0x3CD])
        xcc("-c", "-o", self.at / "two.o", two)
        xcc("-DVALUE=1", "-o", self.at / "q.xex", one, self.at / "two.o")

    def test_64_bit_arithmetic_and_floats_link(self):
        source = self.write("p.c", """
            #include <stdint.h>
            volatile uint64_t a = 1, b = 3; volatile int64_t c = -5; volatile double d = 2; volatile float f = 1; volatile int n = 3;
            int main(void) {
                a = a / b + a % b + (a << n) + (a >> n); c = c / 3 + c % 3 + (c >> n) + (int64_t)d + (int64_t)f;
                d = (double)a + (double)c; f = (float)a + (float)c; a = (uint64_t)d + (uint64_t)f + __builtin_popcountll(a)
                  + __builtin_clzll(a) + __builtin_ctzll(a) + __builtin_bswap64(a);
                return a > b || c < 4;
            }""")
        for level in ("-O0", "-O1", "-O2", "-Os", "-O3"):
            xcc(level, "-o", self.at / "p.xex", source)

    def test_r13_and_r2_are_never_written(self):
        xcc("-o", self.at / "p.xex", "--keep-elf", self.at / "p.elf", ROOT / "guest/samples/threads-and-events.c")
        text = subprocess.run(["powerpc64-linux-gnu-objdump", "-d", self.at / "p.elf"], capture_output=True, text=True,
                              check=True).stdout
        for line in text.splitlines():
            operands = line.split("\t")[-1]
            self.assertFalse(operands.startswith(("r13,", "r2,")), line)

    def test_unknown_export_is_one_clear_failure(self):
        source = self.write("p.c", "void NtNoSuchThing(void);\nint main(void) { NtNoSuchThing(); }\n")
        self.assertIn("undefined reference to `NtNoSuchThing'", xcc("-o", self.at / "p.xex", source, status=1))

    def test_pack_rejects_what_is_no_title(self):
        for name, data, word in (("empty", b"", "not an ELF"), ("text", b"hello", "not an ELF"),
                                 ("host", pathlib.Path("/bin/true").read_bytes()[:4096], "PowerPC")):
            (self.at / name).write_bytes(data)
            done = subprocess.run([XENOLITH, "pack", self.at / name, "-o", self.at / "x"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 100, name)
            self.assertIn(word, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(subprocess.run([XENOLITH, "pack"], capture_output=True).returncode, 2)

    def test_truncated_elf(self):
        xcc("-o", self.at / "p.xex", "--keep-elf", self.at / "p.elf", ROOT / "guest/samples/hello.c")
        elf = (self.at / "p.elf").read_bytes()
        for size in (1, 16, 51, 52, 60, 147, 0x400, len(elf) // 2, len(elf) - 1):
            (self.at / "cut").write_bytes(elf[:size])
            done = subprocess.run([XENOLITH, "pack", self.at / "cut", "-o", self.at / "x"], capture_output=True, text=True)
            self.assertEqual(done.returncode, 100, f"{size}: {done.stderr}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
