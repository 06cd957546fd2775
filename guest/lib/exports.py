"""The rows of src/exports/*.def, as the SDK's generators read them."""
import re

LIBRARIES = ("xboxkrnl", "xam", "xbdm")
ROW = re.compile(r'^(FN|VAR)\(0x([0-9A-Fa-f]+), (\w+)(?:, (\w+), "([^"]*)")?')
WIDE = {"u64", "i64", "time"}


class Row:
    def __init__(self, library, kind, ordinal, name, result, arguments, line):
        self.library, self.ordinal, self.variable, self.result = library, int(ordinal, 16), kind == "VAR", result
        self.symbol = self.name = name
        pairs = [a.split() for a in (arguments or "").split(", ") if a]
        self.varargs = bool(pairs) and pairs[-1] == ["..."]
        self.arguments = [tuple(p) for p in pairs if p != ["..."]]
        self.absent = ", absent, " in line
        self.typed = bool(self.arguments) or not self.absent
        # Exports with names of C library functions are linkable under another name, so that they do not hide the SDK's own.
        if re.match(r"[a-z_]", name):
            self.symbol = f"krnl_{name}"

    @property
    def types(self):
        return [kind for kind, _ in self.arguments]


def read(folder):
    seen = set()
    for number, module in enumerate(LIBRARIES):
        path = folder / f"{module}.def"
        if not path.exists():
            continue
        for line in path.read_text().splitlines():
            found = ROW.match(line)
            if not found:
                continue
            row = Row(number, *found.groups(), line)
            if row.symbol in seen:
                row.symbol = f"{module}_{row.symbol}"
            seen.add(row.symbol)
            yield row
