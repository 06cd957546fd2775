#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { BAR_WIDTH = 30, FIRST_MS = 1000, EVERY_MS = 200, NS_PER_MS = 1000000, NS_PER_S = 1000000000 };

static void next_after(struct progress *p, const struct timespec *now, long ms)
{
    long ns = now->tv_nsec + ms * NS_PER_MS;
    p->next = (struct timespec){now->tv_sec + ns / NS_PER_S, ns % NS_PER_S};
}

static void tell(void *user, uint64_t bytes, uint64_t total)
{
    progress_show(user, bytes, total, NULL);
}

void progress_begin(struct progress *p)
{
    struct timespec now;
    *p = (struct progress){.wanted = isatty(STDERR_FILENO), .watch = {tell, p}};
    clock_gettime(CLOCK_MONOTONIC, &now);
    next_after(p, &now, FIRST_MS);
}

void progress_show(struct progress *p, uint64_t done, uint64_t total, const char *words)
{
    struct timespec now;
    char bar[BAR_WIDTH + 1];
    if (!p->wanted)
        return;
    clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < p->next.tv_sec || (now.tv_sec == p->next.tv_sec && now.tv_nsec < p->next.tv_nsec))
        return;
    next_after(p, &now, EVERY_MS);
    double part = !total ? 0 : done < total ? (double)done / (double)total : 1;
    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < (int)(part * BAR_WIDTH) ? '#' : '.';
    bar[BAR_WIDTH] = 0;
    if (total)
        fprintf(stderr, "\r[%s] %3d %%%s%s\033[K", bar, (int)(part * 100), words ? ", " : "", words ? words : "");
    else
        fprintf(stderr, "\r%s\033[K", words ? words : "reading");
    p->line = true;
}

void progress_end(struct progress *p)
{
    if (p->line)
        fputs("\r\033[K", stderr);
    p->line = false;
}
