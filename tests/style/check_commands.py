#!/usr/bin/env python3
"""Commands in the documentation must exist: check_commands.py ROOT XENOLITH

Looks at code (indented or fenced blocks, and backticks) in Markdown that begins with `xenolith COMMAND`, `./dev COMMAND`, a script of tools/ or
guest/bin/xcc: command, subcommand and --options must stand in its --help; files that are called must be there."""
import functools
import pathlib
import re
import subprocess
import sys

root, xenolith = pathlib.Path(sys.argv[1]).resolve(), str(pathlib.Path(sys.argv[2]).resolve())
PROGRAM = re.compile(r"(?:build/(?:release|asan|debug|VARIANT)/)?xenolith$")
SUBCOMMANDS = {"trace": "cat stat convert export query".split(), "parity": "run log bisect".split()}
PLACEHOLDER = re.compile(r"[A-Z]|<|\[|\.\.\.|\$|-")


@functools.cache
def help_of(*words):
    """What the program says about a command; None where it has no such command."""
    done = subprocess.run([*words, "--help"], capture_output=True, text=True, cwd=root, stdin=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 and "unknown command" not in done.stderr else None


@functools.cache
def xenolith_commands():
    return {path.stem[4:] for path in (root / "src/cli").glob("cmd_*.c")} | {"help"}


@functools.cache
def dev_commands():
    return set(re.findall(r"^  ([a-z]+)\b", help_of("./dev"), re.M))


def options_of(words):
    return [word.split("=")[0] for word in words if re.match(r"--[a-z][a-z0-9-]*(=|$)", word)]


def missing_options(words, text):
    return [option for option in options_of(words) if option != "--help" and not re.search(re.escape(option) + r"(?![a-z0-9-])", text)]


def check_xenolith(words):
    if not words or PLACEHOLDER.match(words[0]) or words[0].endswith(":"): # "xenolith name: what is wrong" is a message
        return None
    names = words[0].split("|")
    for name in names:
        if name not in xenolith_commands():
            return f"xenolith has no command '{name}'"
    command = names[0]
    if command == "help":
        return None
    call = [xenolith, command]
    if command in SUBCOMMANDS and len(words) > 1 and not PLACEHOLDER.match(words[1]):
        for name in words[1].split("|"):
            if name not in SUBCOMMANDS[command]:
                return f"xenolith {command} has no '{name}'"
        call.append(words[1].split("|")[0])
    text = (help_of(*call) or "") + (help_of(xenolith, command) or "")
    bad = missing_options(words[1:], text)
    return f"xenolith {command} has no option {', '.join(bad)}" if bad else None


def check_dev(words):
    if not words or PLACEHOLDER.match(words[0]):
        return None
    if words[0] not in dev_commands():
        return f"./dev has no command '{words[0]}'"
    return check_xenolith(words[1:]) if words[0] == "run" else None


def check_script(path, words):
    if not (root / path).is_file():
        return f"there is no {path}"
    text = (root / path).read_text()
    bad = missing_options(words, text)
    return f"{path} has no option {', '.join(bad)}" if bad else None


def check(code):
    code = re.sub(r"(^|\s)#.*", "", code)
    code = re.sub(r"\"[^\"]*\"|'[^']*'", "QUOTED", code)
    for part in re.split(r"\|\||&&|;| \| ", code):
        words = part.replace("[", " ").replace("]", " ").split()
        while words and re.match(r"[A-Z_]+=", words[0]):
            words.pop(0)
        if not words:
            continue
        first, rest = words[0], [word.rstrip(",.") for word in words[1:]]
        problem = None
        if PROGRAM.match(first):
            problem = check_xenolith(rest)
        elif first == "./dev":
            problem = check_dev(rest)
        elif re.match(r"(tools|tests|bench|guest/bin)/\S+$", first) and not re.search(r"[*<{]|NAME", first) and (len(rest) or "/" not in first):
            problem = check_script(first.split(":")[0], rest)
        if problem:
            yield problem


def code_of(text):
    """(line number, code): lines of blocks, continued ones put together, and what stands in backticks."""
    fenced, lines, open_code = False, text.splitlines(), None
    for number, line in enumerate(lines, 1):
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            if open_code and line.startswith(" " * 12):
                open_code = (open_code[0], open_code[1] + " " + line.strip())
                continue
            if open_code:
                yield open_code
            open_code = (number, line.strip())
        else:
            for code in re.findall(r"`([^`\n]+)`", line):
                yield number, code
    if open_code:
        yield open_code


def main():
    bad = seen = 0
    for page in sorted([*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("guest/**/*.md")]):
        for number, code in code_of(page.read_text()):
            seen += 1
            for problem in check(code):
                print(f"{page.relative_to(root)}:{number}: {problem}: {code}")
                bad += 1
    if seen < 100:
        print(f"only {seen} pieces of code found: the pages are not read rightly")
        bad += 1
    sys.exit(1 if bad else 0)


main()
