// The C side of the start: constructors, the command line as argv, main.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <xenolith/xboxkrnl.h>

extern int main(int argc, char **argv);
extern void (*const __init_array_start[])(void), (*const __init_array_end[])(void);
int xenolith_start(void);
void xenolith_at_end(void); // exit.c
extern KTHREAD *xenolith_main_thread;

enum { ARGUMENTS = 32, LINE = 1024 };

static char line[LINE];
static char *arguments[ARGUMENTS + 1];

// Splits at blanks outside of double quotes.
static int split(char *text)
{
    int count = 0;
    while (count < ARGUMENTS) {
        while (*text == ' ' || *text == '\t')
            text++;
        if (!*text)
            break;
        char *out = text;
        arguments[count++] = out;
        for (int quoted = 0; *text && (quoted || (*text != ' ' && *text != '\t')); text++) {
            if (*text == '"')
                quoted = !quoted;
            else
                *out++ = *text;
        }
        if (*text)
            text++;
        *out = 0;
    }
    return count;
}

int xenolith_start(void)
{
    xenolith_main_thread = KeGetCurrentThread();
    for (void (*const *f)(void) = __init_array_start; f < __init_array_end; f++)
        (*f)();
    strncpy(line, ExLoadedCommandLine, LINE - 1);
    int count = split(line);
    int status = main(count, arguments);
    xenolith_at_end();
    return status;
}
