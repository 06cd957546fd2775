#!/usr/bin/env python3
"""Writes the prototypes of every typed export: headers.py EXPORTS_FOLDER OUT_FOLDER makes OUT/xenolith/{xboxkrnl,xam,xbdm}_exports.h.

The tables say what an argument is; which structure a `ptr` points to is told here, by the argument's name and where need be the
function's. The structures are in guest/include/xenolith/types.h."""
import pathlib
import re
import sys

import exports

PLAIN = {
    "u32": "uint32_t", "i32": "int32_t", "u16": "uint16_t", "u8": "uint8_t", "bool": "BOOLEAN", "u64": "uint64_t",
    "i64": "int64_t", "f64": "double", "size": "uint32_t", "flags": "uint32_t", "status": "NTSTATUS", "error": "uint32_t",
    "handle": "HANDLE", "address": "void *", "ptr": "void *", "str": "const char *", "wstr": "const WCHAR *",
    "ansi": "ANSI_STRING *", "obja": "OBJECT_ATTRIBUTES *", "p_u16": "uint16_t *", "p_u32": "uint32_t *",
    "p_u64": "uint64_t *", "p_handle": "HANDLE *", "p_address": "void **", "p_time": "uint64_t *", "func": "void *",
    "time": "uint64_t", "void": "void",
}
# (type, argument, function): the C type. The first row that fits.
STRUCTURES = [(kind, re.compile(name), re.compile(function), to) for kind, name, function, to in [
    ("ptr", "io_status", "", "IO_STATUS_BLOCK *"),
    ("ptr", "cs", "Rtl", "RTL_CRITICAL_SECTION *"),
    ("ptr", "event", "Ke.*Event", "KEVENT *"),
    ("ptr", "semaphore", "Ke.*Semaphore", "KSEMAPHORE *"),
    ("ptr", "mutant", "Ke.*Mutant", "KMUTANT *"),
    ("ptr", "timer", "Ke.*Timer.*", "KTIMER *"),
    ("ptr", "apc", "Ke.*Apc", "KAPC *"),
    ("ptr", "dpc", "Ke.*Dpc", "KDPC *"),
    ("ptr", "thread", "Ke", "KTHREAD *"),
    ("ptr", "lock", "K[ef].*SpinLock", "KSPIN_LOCK *"),
    ("ptr", "list", ".*SList", "SLIST_HEADER *"),
    ("ptr", "entry", ".*SList", "SLIST_ENTRY *"),
    ("ptr", "statistics", "MmQueryStatistics", "MM_STATISTICS *"),
    ("ptr", "time_fields", "Rtl", "TIME_FIELDS *"),
    ("ptr", "record", "RtlRaiseException", "EXCEPTION_RECORD *"),
    ("ptr", "information", "NtQueryFullAttributesFile", "FILE_NETWORK_OPEN_INFORMATION *"),
    ("ptr", "information", "NtQueryVirtualMemory", "MEMORY_BASIC_INFORMATION *"),
    ("ptr", "target", "NtQuerySymbolicLinkObject", "ANSI_STRING *"),
    ("ptr", "destination", "RtlUnicodeStringToAnsiString|RtlInitAnsiString|RtlCopyString|RtlAppendStringToString", "ANSI_STRING *"),
    ("ptr", "destination", "Rtl.*Unicode.*String|RtlAppendUnicode.*", "UNICODE_STRING *"),
    ("ptr", "source|string|string1|string2", "Rtl.*UnicodeString.*", "UNICODE_STRING *"),
    ("ptr", "startup|xapi_.*", "", "void *"),
    ("ptr", "source|source1|source2", "RtlCompareMemory.*|RtlMultiByteToUnicode.*", "const void *"),
    ("ptr", "source", "RtlUnicodeToMultiByte.*", "const WCHAR *"),
    ("ptr", "buffer", "NtWriteFile|RtlComputeCrc32", "const void *"),
    ("ptr", "buffer", "_?v?sn?printf", "char *"),
    ("ptr", "buffer", "_?v?sn?wprintf", "WCHAR *"),
    ("ptr", "va_list", "", "const uint64_t *"),
    ("p_u32", "previous_state|previous_count", "", "int32_t *"),
    ("p_u64", "byte_offset|allocation_size", "", "const uint64_t *"),
    ("p_time", "timeout|interval|due_time", "", "const int64_t *"),
    ("p_time", "time", "RtlTimeToTimeFields", "const uint64_t *"),
    ("p_handle", "handles", "NtWaitForMultipleObjectsEx", "const HANDLE *"),
    ("p_address", "objects", "KeWaitForMultipleObjects", "void *const *"),
]]
FUNCTIONS = [(re.compile(name), re.compile(function), to) for name, function, to in [
    ("start_address", "ExCreateThread", "uint32_t (*{})(void *context)"),
    ("apc_routine", "NtQueueApcThread", "void (*{})(void *context, void *arg1, void *arg2)"),
    ("apc_routine", "Nt.*File.*", "void (*{})(void *context, IO_STATUS_BLOCK *io_status, uint32_t reserved)"),
    ("routine", "NtSetTimerEx", "void (*{})(void *context, uint32_t time_low, uint32_t time_high)"),
    ("routine", "KeInitializeDpc", "void (*{})(KDPC *dpc, void *context, void *arg1, void *arg2)"),
    ("normal_routine", "KeInitializeApc", "void (*{})(void *context, void *arg1, void *arg2)"),
]]
KEYWORDS = {"default", "register", "struct", "union", "int", "char", "short", "long", "signed", "unsigned", "float", "double", "new"}


def declare(kind, name, function):
    name = name + "_" if name in KEYWORDS else name
    if kind == "func":
        for argument, where, to in FUNCTIONS:
            if argument.fullmatch(name) and where.fullmatch(function):
                return to.format(name)
    to = PLAIN[kind]
    for wanted, argument, where, structure in STRUCTURES:
        if kind == wanted and argument.fullmatch(name) and (not where.pattern or where.match(function)):
            to = structure
            break
    return f"{to}{'' if to.endswith('*') else ' '}{name}"


def prototype(row):
    arguments = [declare(kind, name, row.name) for kind, name in row.arguments]
    if row.varargs:
        arguments.append("...")
    result = PLAIN[row.result]
    text = f"{result}{'' if result.endswith('*') else ' '}{row.symbol}({', '.join(arguments) or 'void'});"
    return text


def header(module, rows):
    lines = [f"// {module}_exports.h: made by guest/lib/headers.py from src/exports/{module}.def. What is absent there stops the title",
             "// where it is called. A note behind a prototype says what is missing.",
             "#pragma once", "#include <xenolith/types.h>", "", "#ifdef __cplusplus", 'extern "C" {', "#endif"]
    for row in rows:
        if row.variable:
            lines.append(f"extern void *const __imp_{row.symbol}; // the variable's address")
        elif not row.typed:
            continue
        elif row.varargs:
            lines.append(f"// {row.name}: variable arguments differ: <xenolith/arguments.h>")
        else:
            lines.append(prototype(row) + (" // absent" if row.absent else ""))
    return "\n".join(lines + ["#ifdef __cplusplus", "}", "#endif"]) + "\n"


def main():
    rows = list(exports.read(pathlib.Path(sys.argv[1])))
    out = pathlib.Path(sys.argv[2]) / "xenolith"
    out.mkdir(parents=True, exist_ok=True)
    # Variables with types of their own are declared by hand.
    by_hand = {"ExLoadedCommandLine", "KeTimeStampBundle", "XexExecutableModuleHandle"}
    for number, module in enumerate(exports.LIBRARIES):
        mine = [row for row in rows if row.library == number and not (row.variable and row.name in by_hand)]
        (out / f"{module}_exports.h").write_text(header(module, mine))


main()
