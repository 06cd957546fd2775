// format.h: the numbers of the binary log, described in docs/formats/trace.md. Internal to trace/.
#pragma once
#include <stdint.h>

#define TRACE_FILE_MAGIC "XENTRACE" // 8 bytes

enum {
    TRACE_FORMAT_VERSION = 1,
    TRACE_PREFIX_BYTES = 32,       // magic, version, raw and stored size of the header, its guard
    TRACE_CHUNK_HEADER_BYTES = 40,
    TRACE_INDEX_HEADER_BYTES = 8,
    TRACE_INDEX_ENTRY_BYTES = 16,
    TRACE_TRAILER_BYTES = 40,
    TRACE_CHUNK_RAW_BYTES = 65536, // a chunk closes when it has grown to this
    TRACE_CHUNK_RAW_LIMIT = 1 << 24, // readers believe no more
};

#define TRACE_CHUNK_MAGIC 0x4B484358u   // "XCHK"
#define TRACE_INDEX_MAGIC 0x58444958u   // "XIDX"
#define TRACE_TRAILER_MAGIC 0x444E4558u // "XEND"

// Second byte of an event: what follows.
enum {
    TRACE_HAS_TID = 1,      // another thread than the event before
    TRACE_HAS_HW = 2,       // another hardware thread
    TRACE_HAS_LR = 4,       // a caller, as a difference to the last one
    TRACE_HAS_TEXTS = 8,
    TRACE_LR_SAME = 16,     // a caller, the same as the last one
    TRACE_FLAGS_KNOWN = 31,
};

// Flags of a row in the table of exports.
enum { TRACE_EXPORT_VOID = 1, TRACE_EXPORT_TIME = 2, TRACE_EXPORT_ABSENT = 4 };
