// Two workers wait for one "go"; an auto-reset event lets only one of them through.
#include "wedge.h"

static HANDLE go;

static uint32_t work(void *context)
{
    (void)context;
    wait(go);
    return 0;
}

int main(void)
{
    go = event(fixed ? NotificationEvent : SynchronizationEvent);
    HANDLE first = thread(work, 0), second = thread(work, 0);
    pause();
    NtSetEvent(go, 0);
    wait(first);
    wait(second);
    return 0;
}
