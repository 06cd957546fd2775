// busy: makes kernel calls for ever, and prints now and then.
#include <stdio.h>
#include <xenolith/xboxkrnl.h>

int main(void)
{
    for (unsigned n = 0;; n++) {
        NtYieldExecution();
        if (n % 1000 == 0)
            printf("busy %u\n", n);
    }
}
