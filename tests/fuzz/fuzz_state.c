// The states before the first instruction (JSON), compared. The first two bytes (big-endian) are the length of the reference's.
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bytes.h"
#include "fuzz.h"
#include "parity/parity.h"

static int make_file(const uint8_t *data, size_t size, char path[40])
{
    int fd = memfd_create("state", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && (!size || write(fd, data, size) == (ssize_t)size));
    snprintf(path, 40, "/proc/self/fd/%d", fd);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    char a[40], b[40];
    size_t length = be16_get(data) % (size - 1);
    int files[] = {make_file(data + 2, length, a), make_file(data + 2 + length, size - 2 - length, b)};
    struct par_state_result result;
    struct error err = {0};
    if (par_compare_states(&result, a, b, &err)) {
        volatile size_t sum = 0;
        for (size_t i = 0; i < result.count; i++)
            sum += strlen(result.rows[i].where) + strlen(result.rows[i].reference) + strlen(result.rows[i].ours);
        FUZZ_CHECK(result.unexpected <= result.count);
        par_state_free(&result);
    } else {
        FUZZ_CHECK(err.message[0]);
    }
    par_is_entry_state(b);
    close(files[0]);
    close(files[1]);
    return 0;
}
