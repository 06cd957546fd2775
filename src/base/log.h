// log.h: messages for a person. Tools read the trace, never this.
// Life: the owner fills a `struct log` and hands its address down; NULL is silent.
#pragma once

enum log_level {
    LOG_ERROR,
    LOG_WARN,
    LOG_INFO,
    LOG_DEBUG,
    LOG_STUB,  // we lack something the title asked for
    LOG_GUEST, // the title itself erred
};

struct log {
    // Receives one finished line without newline. `tag` names the module.
    void (*write)(void *user, enum log_level level, const char *tag, const char *line);
    void *user;
    enum log_level level; // messages less urgent than this are dropped; STUB and GUEST always pass
};

void log_write(const struct log *log, enum log_level level, const char *tag, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
