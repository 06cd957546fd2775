// ctype.h: classes of ASCII characters.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif
int isalnum(int c), isalpha(int c), isblank(int c), iscntrl(int c), isdigit(int c), isgraph(int c), islower(int c);
int isprint(int c), ispunct(int c), isspace(int c), isupper(int c), isxdigit(int c), tolower(int c), toupper(int c);
#ifdef __cplusplus
}
#endif
