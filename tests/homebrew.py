#!/usr/bin/env python3
"""Follows docs/homebrew.md word by word in a fresh copy of the working tree: homebrew.py BUILD. The emulator is not built twice:
`./dev build` is taken for done, with the build given."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile

BUILD = pathlib.Path(sys.argv[1]).resolve()
ROOT = pathlib.Path(__file__).resolve().parent.parent


def main():
    text = (ROOT / "docs/homebrew.md").read_text()
    commands = re.search(r"```sh\n(.*?)```", text, re.S).group(1).splitlines()
    if commands[0] != "./dev build":
        sys.exit("docs/homebrew.md no longer begins with ./dev build")
    with tempfile.TemporaryDirectory() as folder:
        clone = pathlib.Path(folder) / "clone"
        names = subprocess.run(["git", "ls-files", "-z", "guest", "src/exports"], cwd=ROOT, capture_output=True, check=True).stdout
        for name in filter(None, names.decode().split("\0")):
            if (ROOT / name).exists():
                (clone / name).parent.mkdir(parents=True, exist_ok=True)
                (clone / name).write_bytes((ROOT / name).read_bytes())
                (clone / name).chmod((ROOT / name).stat().st_mode)
        (clone / "build/release").mkdir(parents=True)
        (clone / "build/release/xenolith").symlink_to(BUILD / "src/cli/xenolith")
        environment = {k: v for k, v in os.environ.items() if not k.startswith("XENOLITH")}
        done = subprocess.run(["bash", "-e"], input="\n".join(commands[1:]), cwd=clone, env=environment, capture_output=True, text=True)
        if done.returncode or not done.stdout.startswith("Hello, I am title code at 0x82"):
            sys.exit(f"status {done.returncode}\n{done.stdout}{done.stderr}")
        print(done.stdout, end="")


main()
