// No wedge: a server waits for ever, main sleeps in between, a ticker waits with a timeout, a third waits for vblanks.
#include "wedge.h"


static HANDLE request, never;
static KEVENT vblank;

static void on_interrupt(uint32_t source, void *context)
{
    (void)context;
    if (source == 0)
        KeSetEvent(&vblank, 1, 0);
}

static uint32_t serve(void *context)
{
    (void)context;
    for (;;)
        wait(request);
    return 0;
}

static uint32_t tick(void *context)
{
    (void)context;
    for (;;)
        NtWaitForSingleObjectEx(never, UserMode, 0, &ten_ms);
    return 0;
}

static uint32_t draw(void *context)
{
    (void)context;
    for (;;)
        KeWaitForSingleObject(&vblank, 3, KernelMode, 0, 0);
    return 0;
}

int main(void)
{
    request = event(SynchronizationEvent);
    never = event(NotificationEvent);
    KeInitializeEvent(&vblank, SynchronizationEvent, 0);
    VdSetGraphicsInterruptCallback((void *)on_interrupt, 0);
    thread(serve, 0);
    thread(tick, 0);
    thread(draw, 0);
    for (int i = 0; i < 6; i++) {
        NtSetEvent(request, 0);
        pause();
    }
    KeWaitForSingleObject(&vblank, 3, KernelMode, 0, 0); // from here on, all four wait
    return 0;
}
