// pages.h: hints about host memory pages.
#pragma once
#include <stddef.h>

// Has the host put memory behind [p, p + size) now, in one go, because all of it is about to be written: page faults one by one
// are what a start waits for. Changes no contents; does nothing where the host cannot.
void pages_prefault(void *p, size_t size);
