#include "trace/buffer.h"

#include <stdlib.h>

bool trace_buffer_reserve(struct trace_buffer *b, size_t more)
{
    if (b->capacity - b->used >= more)
        return true;
    if (more > SIZE_MAX / 4 || b->used > SIZE_MAX / 4)
        return false;
    size_t capacity = b->capacity ? b->capacity : 4096;
    while (capacity - b->used < more)
        capacity *= 2;
    uint8_t *grown = realloc(b->data, capacity);
    if (!grown)
        return false;
    b->data = grown;
    b->capacity = capacity;
    return true;
}

void trace_buffer_free(struct trace_buffer *b)
{
    free(b->data);
    *b = (struct trace_buffer){0};
}

bool trace_buffer_varint(struct trace_buffer *b, uint64_t value)
{
    if (!trace_buffer_reserve(b, TRACE_VARINT_MAX))
        return false;
    b->used = (size_t)(trace_put_varint(b->data + b->used, value) - b->data);
    return true;
}

bool trace_buffer_string(struct trace_buffer *b, const char *text)
{
    size_t length = text ? strlen(text) : 0;
    if (!trace_buffer_varint(b, length) || !trace_buffer_reserve(b, length))
        return false;
    if (length)
        memcpy(b->data + b->used, text, length);
    b->used += length;
    return true;
}
