#!/usr/bin/env python3
"""Links and file names in the repository's Markdown must lead somewhere: check_docs.py ROOT

Checks relative links with their #anchors, and names of files in backticks that begin with a folder of this repository
(`src/cpu/cpu.h`; with * and <name> as patterns). Names that only a build or a fetch makes (build/, corpus/, shared/) are left out."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1]).resolve()
FOLDERS = ("src/", "docs/", "tests/", "tools/", "guest/", "bench/", "data/", ".ci/")


def without_code(text):
    return re.sub(r"^```.*?^```", "", text, flags=re.M | re.S)


def anchors(path):
    """As GitHub makes them from headings."""
    heads = re.findall(r"^#+ +(.*)$", without_code(path.read_text()), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


def check_link(page, link):
    target, _, anchor = link.partition("#")
    path = (page.parent / target).resolve() if target else page
    if not path.exists():
        return f"{link} leads nowhere"
    if anchor and path.suffix == ".md" and anchor not in anchors(path):
        return f"{link}: no such heading"
    return None


def check_name(name):
    pattern = re.sub(r"<[^>]*>|NNNN", "*", re.sub(r"[:#].*$", "", name)).rstrip("/")
    if re.search(r"[{},]", pattern):
        start, middle, rest = re.match(r"([^{]*)\{([^}]*)\}(.*)$", pattern).groups() if "{" in pattern else (pattern, "", "")
        return next(filter(None, (check_name(start + part.strip() + rest) for part in middle.split(","))), None)
    return None if any(root.glob(pattern)) else f"`{name}` is no file here"


bad = 0
pages = [path for path in [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("guest/**/*.md")]]
for page in sorted(pages):
    text = without_code(page.read_text())
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))
    problems = [check_link(page, link) for link in links if not re.match(r"\w+:", link)]
    names = [word for code in re.findall(r"`([^`\n]+)`", text) for word in code.split()]
    problems += [check_name(name.rstrip(".,;")) for name in names if name.startswith(FOLDERS)]
    for problem in filter(None, problems):
        print(f"{page.relative_to(root)}: {problem}")
        bad += 1
sys.exit(1 if bad else 0)
