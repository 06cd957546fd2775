// A title for the Xbox 360. Build and run it as README.md says.
#include <stdio.h>
#include <xenolith/xboxkrnl.h>

int main(void)
{
    printf("Hello, I am title code at %p.\n", (void *)main);
    printf("%llu ticks of the timebase since the start.\n", (unsigned long long)xenolith_timebase());
    return 0;
}
