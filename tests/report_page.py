#!/usr/bin/env python3
"""The HTML page of `xenolith diff` in headless Chromium: report_page.py XENOLITH [FOLDER]. Screenshots stay in FOLDER.
Exit status 77 (skipped), with the reason, where Chromium is not there."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

XENOLITH = pathlib.Path(sys.argv[1]).resolve()
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FRAMES = 60


class Log:
    """A small run in schema v1: three lines a call."""

    def __init__(self, engine):
        self.engine, self.lines, self.next = engine, [], {}
        self.line("schema_version", 0, {"version": 1, "emitter_build": engine, "title": "page.xex"})
        self.next.clear()

    def line(self, kind, tid, payload):
        index = self.next.get(tid, 0)
        self.next[tid] = index + 1
        self.lines.append(json.dumps({"schema_version": 1, "engine": self.engine, "kind": kind, "tid": tid, "tid_event_idx": index,
                                      "guest_cycle": 0, "host_ns": len(self.lines) * 1000, "deterministic": True, "payload": payload}))

    def call(self, tid, ordinal, name, args, result, out=None, void=False, resolved=None):
        self.line("import.call", tid, {"ord": ordinal, "name": name, "module": "xboxkrnl.exe"})
        call = {"ord": ordinal, "name": name, "args": [hex(a) for a in args], "lr": hex(0x82010000 + ordinal * 16)}
        self.line("kernel.call", tid, call | ({"args_resolved": resolved} if resolved else {}))
        back = {"name": name, "return_value": result, "status": f"0x{result & 0xFFFFFFFF:08x}"}
        self.line("kernel.return", tid, back | ({"void": True} if void else {}) | ({"out": out} if out else {}))

    def thread(self, tid, creator, entry, main=False):
        self.line("thread.create", creator, {"tid": tid, "handle": hex(0xF8000000 + 4 * tid), "entry": hex(entry), "xapi_startup": "0x00000000",
                  "start_context": "0x00000000", "creator_tid": creator, "creation_flags": "0x00000001" if main else "0x00000000", "affinity": "0x0",
                  "cpu": 0, "priority": 0, "suspended": main, "stack_size": 65536, "stack_base": hex(0x70190000 + tid * 0x20000),
                  "stack_limit": hex(0x70180000 + tid * 0x20000), "pcr": hex(0x30020000 + tid * 0x4000), "kthread": hex(0x30021018 + tid * 0x4000),
                  "guest": True, "main": main, "name": ""})


def scenario(engine, fault=None):
    """`fault`: None, "beta" (one allocation in the wrong heap), or "many"."""
    log = Log(engine)
    log.thread(6, 0, 0x82010000, main=True)
    base = 0x40105000 if fault else 0xFFFFFFFFBC220000
    for i in range(20):
        log.call(6, 0x14B, "KeTlsGetValue", [0], 0)
    log.call(6, 0xBA, "MmAllocatePhysicalMemoryEx", [0, 0x8000, 0x20000004, 0, 0xFFFFFFFF, 0], base)
    log.thread(7, 6, 0x82020000)
    for i in range(FRAMES):
        many = fault == "many"
        log.call(6, 0xF0, "NtQueryFullAttributesFile", [0x7018F000, 0x7018F100], 0xC0000034 if many and i % 7 == 3 else 0,
                 resolved={"arg0": f"game:\\media\\<texture {i}>.xpr"})
        if not (many and i % 9 == 5):
            log.call(6, 0x125, "RtlEnterCriticalSection", [0x82271A88], 0x82271A88, void=True)
        log.call(6, 0x130, "RtlLeaveCriticalSection", [0x82271A88], 0x82271A88, void=True)
        if many and i % 11 == 6:
            log.call(6, 0x99, "KeQueryPerformanceFrequency", [], 50000000)
        log.call(7, 0x1D1, "VdQueryVideoFlags", [], 0 if many and i % 5 == 2 else 3)
        log.call(7, 0x9D, "KeSetEvent", [0x40004838, 1 if not (many and i % 13 == 1) else 2, 0], 1)
    return "\n".join(log.lines) + "\n"


PROBE = """<script>
document.title = JSON.stringify((() => {
  const press = (key) => document.dispatchEvent(new KeyboardEvent("keydown", {key}));
  const chosen = () => (document.querySelector("[aria-selected=true]") || {}).id || null;
  const items = document.querySelectorAll(".item").length;
  const steps = [chosen()];
  press("j");
  steps.push(chosen());
  const after = [...document.querySelectorAll(".events tbody tr")], here = after.findIndex((r) => r.className === "here");
  const behind = after.length - 1 - here, stack = document.getElementById("detail").innerText.includes("call stack");
  const text = document.body.innerText.includes("<texture 3>");
  for (const key of ["j", "k", "n", "p"]) { press(key); steps.push(chosen()); }
  press("/");
  const searching = document.activeElement.id === "search";
  document.getElementById("search").value = "vdqueryvideoflags";
  document.getElementById("search").dispatchEvent(new Event("input"));
  const found = document.querySelectorAll(".item").length;
  document.getElementById("search").blur();
  const before = document.documentElement.dataset.theme;
  press("t");
  return {badge: document.getElementById("badge").textContent, items, steps, searching, found, theme: before,
          flipped: document.documentElement.dataset.theme, threads: document.querySelectorAll("#threads tbody tr").length,
          overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          behind, stack, ready: document.documentElement.dataset.ready, text,
          card: document.querySelector(".card b").textContent};
})());
</script>"""


def browse(page, *options):
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
               "--virtual-time-budget=3000", f"--user-data-dir={page.parent / 'profile'}", *options, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def probe(page, *options):
    copy = page.with_suffix(".probe.html")
    copy.write_text(page.read_text() + PROBE)
    shutil.rmtree(page.parent / "profile", ignore_errors=True)  # a theme chosen before would stay
    done = browse(copy, "--dump-dom", *options)
    title = re.search(r"<title>(\{.*?\})</title>", done.stdout, re.S)
    assert title, f"the page's script failed\n{done.stderr[-2000:]}"
    return json.loads(title[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def make(folder, name, reference, ours):
    (folder / f"{name}.reference.jsonl").write_text(reference)
    (folder / f"{name}.ours.jsonl").write_text(ours)
    page = folder / f"{name}.html"
    done = subprocess.run([XENOLITH, "diff", folder / f"{name}.reference.jsonl", folder / f"{name}.ours.jsonl", "--html", page], capture_output=True, text=True)
    text = page.read_text()
    assert "http://" not in text.replace("http://www.w3.org/2000/svg", "") and "https://" not in text, "the page must not need a network"
    assert len(text) < 4 << 20, f"the page is too large: {len(text)}"
    return page, done.returncode


def check(name, what, wanted):
    assert what == wanted, f"{name}: {what!r}, wanted {wanted!r}"


def run(folder):
    reference = scenario("canary")
    pages = {"equal": make(folder, "equal", reference, scenario("ours")), "beta": make(folder, "beta", reference, scenario("ours", "beta")),
             "many": make(folder, "many", reference, scenario("ours", "many"))}
    for name, (page, status) in pages.items():
        check(f"{name} status", status, 0 if name == "equal" else 1)
        seen = probe(page, "--window-size=1280,900")
        check(f"{name} ready", seen["ready"], "yes")
        check(f"{name} badge", seen["badge"], "SAME" if name == "equal" else "DIVERGED")
        check(f"{name} threads", seen["threads"] >= 2, True)
        check(f"{name} overflow", seen["overflow"], 0)
        check(f"{name} theme", (seen["theme"], seen["flipped"]), ("light", "dark"))
        check(f"{name} search takes the focus", seen["searching"], True)
        shutil.rmtree(folder / "profile", ignore_errors=True)
        browse(page, f"--screenshot={folder / (name + '.png')}", "--window-size=1280,1700")
        if name == "many":
            check("many: keys", (seen["items"] > 5, seen["steps"][0] != seen["steps"][1], seen["steps"][3] == seen["steps"][1]), (True, True, True))
            check("many: ten calls behind, and the call stack", (seen["behind"], seen["stack"]), (10, True))
            check("many: another thread", seen["steps"][4] != seen["steps"][3], True)
            check("many: search", 0 < seen["found"] < seen["items"], True)
            check("many: texts of the title are shown as text", seen["text"], True)
    narrow = probe(pages["many"][0], "--window-size=500,900")
    check("narrow: overflow", narrow["overflow"], 0)
    dark = probe(pages["many"][0], "--blink-settings=preferredColorScheme=0")
    check("dark", (dark["theme"], dark["flipped"]), ("dark", "light"))
    shutil.rmtree(folder / "profile", ignore_errors=True)
    browse(pages["many"][0], f"--screenshot={folder / 'narrow.png'}", "--window-size=500,2600")
    browse(pages["many"][0], f"--screenshot={folder / 'dark.png'}", "--window-size=1280,1700", "--blink-settings=preferredColorScheme=0")
    for name in ("equal", "beta", "many", "narrow", "dark"):
        assert (folder / f"{name}.png").stat().st_size > 20000, f"{name}.png is empty"


def main():
    if not BROWSER:
        print("skipped: chromium is not there: apt-get install chromium")
        sys.exit(77)
    if len(sys.argv) > 2:
        pathlib.Path(sys.argv[2]).mkdir(parents=True, exist_ok=True)
        run(pathlib.Path(sys.argv[2]).resolve())
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run(pathlib.Path(folder))


if __name__ == "__main__":
    main()
