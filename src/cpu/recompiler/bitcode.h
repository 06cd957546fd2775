// bitcode.h: handlers.c as LLVM bitcode, made at build time (tools/embed_bitcode.py).
#pragma once
#include <stddef.h>

extern const unsigned char rc_bitcode[];
extern const size_t rc_bitcode_size;
