// errno.h: one for all threads.
#pragma once
extern int errno;
enum { ENOENT = 2, EIO = 5, EBADF = 9, ENOMEM = 12, EACCES = 13, EEXIST = 17, EINVAL = 22, ENOTDIR = 20, EISDIR = 21, EAGAIN = 11, EBUSY = 16, EPERM = 1, EDOM = 33, EILSEQ = 84, EMFILE = 24, ENOSPC = 28, ERANGE = 34 };
