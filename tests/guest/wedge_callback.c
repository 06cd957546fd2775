// Main waits for three vblanks; the callback that signals them is never set.
#include "wedge.h"


static KEVENT vblank;

static void on_interrupt(uint32_t source, void *context)
{
    (void)context;
    if (source == 0)
        KeSetEvent(&vblank, 1, 0);
}

int main(void)
{
    KeInitializeEvent(&vblank, SynchronizationEvent, 0);
    if (fixed)
        VdSetGraphicsInterruptCallback((void *)on_interrupt, 0);
    for (int i = 0; i < 3; i++)
        KeWaitForSingleObject(&vblank, 3, KernelMode, 0, 0);
    if (fixed)
        VdSetGraphicsInterruptCallback(0, 0);
    return 0;
}
