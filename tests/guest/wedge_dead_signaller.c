// A loader serves requests, and ends after the second of three.
#include "wedge.h"

static HANDLE request, done;

static uint32_t serve(void *context)
{
    (void)context;
    for (int i = 0; i < (fixed ? 3 : 2); i++) {
        wait(request);
        NtSetEvent(done, 0);
    }
    return fixed ? 0 : 5;
}

int main(void)
{
    request = event(SynchronizationEvent);
    done = event(SynchronizationEvent);
    thread(serve, 0);
    for (int i = 0; i < 3; i++) {
        NtSetEvent(request, 0);
        wait(done);
    }
    return 0;
}
