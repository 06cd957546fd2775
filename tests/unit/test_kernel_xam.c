// xam: heaps, pads, users, notifications, enumerators, overlapped requests.
#include "kernel_fixture.h"

enum { OUT = 0x100, OVERLAPPED = 0x200, BUFFER = 0x1000 };

static void heap_blocks(void **state)
{
    struct fixture *x = *state;
    uint32_t heap = RtlCreateHeap(&x->c, 0, 0, 0, 0, 0, 0), other = RtlCreateHeap(&x->c, 0, 0, 0, 0, 0, 0);
    assert_int_not_equal(heap, 0);
    uint32_t a = RtlAllocateHeap(&x->c, heap, 0, 100), b = RtlAllocateHeap(&x->c, heap, 0, 0),
             c = RtlAllocateHeap(&x->c, heap, 0, 300);
    assert_int_equal(a % 16, 0);
    assert_true(b > a && c > b);
    assert_int_equal(RtlSizeHeap(&x->c, heap, 0, a), 100);
    assert_int_equal(RtlSizeHeap(&x->c, heap, 0, b), 0);
    assert_int_equal(RtlSizeHeap(&x->c, other, 0, a), UINT32_MAX);
    assert_int_equal(RtlFreeHeap(&x->c, heap, 0, a), 1);
    assert_int_equal(RtlFreeHeap(&x->c, heap, 0, a), 0); // twice
    assert_int_equal(RtlFreeHeap(&x->c, heap, 0, c + 16), 0);
    assert_int_equal(RtlFreeHeap(&x->c, heap, 0, 0), 1);
    assert_int_equal(RtlAllocateHeap(&x->c, heap, 0, 90), a); // first fit
    assert_int_equal(RtlAllocateHeap(&x->c, 0x1234, 0, 90), 0);
    assert_int_equal(RtlValidateHeap(&x->c, heap, 0, 0), 1);
    assert_int_equal(RtlDestroyHeap(&x->c, other), 0);
    assert_int_equal(RtlAllocateHeap(&x->c, other, 0, 16), 0);
}

static void heap_grows(void **state)
{
    struct fixture *x = *state;
    uint32_t heap = RtlCreateHeap(&x->c, 0, 0, 0x10000, 0, 0, 0), big = RtlAllocateHeap(&x->c, heap, 0, 0x200000);
    assert_int_not_equal(big, 0);
    assert_true(mem_valid(x->mem, big, 0x200000, MEM_WRITE));
    uint32_t small = RtlAllocateHeap(&x->c, heap, 0, 32);
    mem_fill(x->mem, small, 'x', 32);
    uint32_t moved = RtlReAllocateHeap(&x->c, heap, 8, small, 0x180000);
    assert_int_not_equal(moved, 0);
    assert_memory_equal(mem_at(x->mem, moved, 32, MEM_READ), "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx", 32);
    assert_int_equal(word_at(x, moved + 32), 0);
    assert_int_equal(RtlSizeHeap(&x->c, heap, 0, moved), 0x180000);
    assert_int_equal(RtlReAllocateHeap(&x->c, heap, 16, moved, 0x400000), 0); // not in place
    assert_int_equal(RtlReAllocateHeap(&x->c, heap, 0, moved, 16), moved);
    assert_int_equal(RtlAllocateHeap(&x->c, heap, 0, 0xFFFFFFF0), 0);
    assert_int_equal(RtlValidateHeap(&x->c, heap, 0, 0), 1);
}

static void heap_damage(void **state)
{
    struct fixture *x = *state;
    uint32_t heap = RtlCreateHeap(&x->c, 0, 0, 0, 0, 0, 0), a = RtlAllocateHeap(&x->c, heap, 0, 32),
             b = RtlAllocateHeap(&x->c, heap, 0, 32);
    mem_set32(x->mem, b - 16, 0xFFFFFFF0); // the title wrote beyond its block
    assert_int_equal(RtlValidateHeap(&x->c, heap, 0, 0), 0);
    assert_int_equal(RtlFreeHeap(&x->c, heap, 0, a), 0);
    RtlAllocateHeap(&x->c, heap, 0, 0x100); // finds room elsewhere or none: no crash, no endless walk
    mem_set32(x->mem, b - 16, 0);
    assert_int_equal(RtlValidateHeap(&x->c, heap, 0, 0), 0);
}

// Random blocks against a model of what must stay in them.
static void heap_random(void **state)
{
    struct fixture *x = *state;
    uint32_t heap = RtlCreateHeap(&x->c, 0, 0, 0, 0, 0, 0), block[64] = {0}, size[64] = {0}, seed = 12345;
    for (unsigned step = 0; step < 5000; step++) {
        seed = seed * 1664525 + 1013904223;
        unsigned i = seed >> 16 & 63;
        if (block[i]) {
            for (uint32_t at = 0; at < size[i]; at += 97) {
                uint8_t byte = 0;
                assert_true(mem_get8(x->mem, block[i] + at, &byte));
                assert_int_equal(byte, i);
            }
            assert_int_equal(RtlFreeHeap(&x->c, heap, 0, block[i]), 1);
            block[i] = 0;
        } else {
            size[i] = seed >> 8 & 0x1FFF;
            block[i] = RtlAllocateHeap(&x->c, heap, 0, size[i]);
            assert_int_not_equal(block[i], 0);
            mem_fill(x->mem, block[i], (uint8_t)i, size[i]);
        }
    }
    assert_int_equal(RtlValidateHeap(&x->c, heap, 0, 0), 1);
}

static void pads(void **state)
{
    struct fixture *x = *state;
    gva out = x->data + OUT;
    assert_int_equal(XamInputGetState(&x->c, 0, 0, out), 0x48F);
    assert_int_equal(XamInputGetCapabilities(&x->c, 0, 0, out), 0x48F);
    x->pad = true;
    assert_int_equal(XamInputGetState(&x->c, 0, 1, out), 0);
    assert_int_equal(word_at(x, out), 7);
    assert_int_equal(XamInputGetState(&x->c, 0xFF, 0, out), 0);
    assert_int_equal(XamInputGetState(&x->c, 0, 0, 0), 0); // only a question
    assert_int_equal(XamInputGetState(&x->c, 1, 0, out), 0x48F);
    assert_int_equal(XamInputGetState(&x->c, 4, 0, out), 0x48F);
    assert_int_equal(XamInputGetCapabilities(&x->c, 0, 0, out), 0);
    assert_int_equal(word_at(x, out), 0x01010000);
    assert_int_equal(XamInputGetKeystroke(&x->c, 0, 0, out), 4306);
    assert_int_equal(XamInputSetState(&x->c, 0, 0, out), 0);
    assert_int_equal(XamInputSetState(&x->c, 5, 0, out), 0x8007048F);
}

static void nobody_is_signed_in(void **state)
{
    struct fixture *x = *state;
    gva out = x->data + OUT, size = x->data + OUT + 8, ids = x->data + OUT + 16;
    assert_int_equal(XamUserGetSigninState(&x->c, 0), 0);
    assert_int_equal(XamUserGetXUID(&x->c, 0, 7, out), 0x80070525);
    assert_int_equal(XamUserGetXUID(&x->c, 4, 7, out), 0x80070057);
    assert_int_equal(XamUserGetName(&x->c, 0, out, 16), 1317);
    assert_int_equal(XamUserGetSigninInfo(&x->c, 0, 0, out), 0x80070525);
    mem_set32(x->mem, size, 0);
    mem_set32(x->mem, ids, 0x10040002);
    assert_int_equal(XamUserReadProfileSettings(&x->c, 0, 0, 0, 0, 1, ids, size, 0, 0), 122);
    assert_int_equal(word_at(x, size), 8 + 0x28);
    assert_int_equal(XamUserReadProfileSettings(&x->c, 0, 0, 0, 0, 1, ids, size, x->data + BUFFER, 0), 1317);
    mem_fill(x->mem, x->data + OVERLAPPED, 0, 0x1C);
    assert_int_equal(
        XamUserReadProfileSettings(&x->c, 0, 0, 0, 0, 1, ids, size, x->data + BUFFER, x->data + OVERLAPPED), 997);
    assert_int_equal(word_at(x, x->data + OVERLAPPED), 1317);
    assert_int_equal(XamGetOverlappedResult(&x->c, x->data + OVERLAPPED, 0, 0), 1317);
}

static void notifications(void **state)
{
    struct fixture *x = *state;
    gva id = x->data + OUT, parameter = x->data + OUT + 4;
    uint32_t listener = XamNotifyCreateListener(&x->c, 0xEF, 1), second = XamNotifyCreateListener(&x->c, 1, 1);
    static const uint32_t expected[][2] = {{9, 1}, {9, 0}, {10, 1}, {10, 1}};
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(XNotifyGetNext(&x->c, listener, 0, id, parameter), 1);
        assert_int_equal(word_at(x, id), expected[i][0]);
        assert_int_equal(word_at(x, parameter), expected[i][1]);
    }
    assert_int_equal(XNotifyGetNext(&x->c, listener, 0, id, parameter), 0);
    assert_int_equal(XNotifyGetNext(&x->c, second, 0, id, parameter), 0); // only the first hears of the start
    assert_int_equal(XNotifyGetNext(&x->c, 0xF8009000, 0, id, parameter), 0);
    // A dialog shows and hides; its answer is its active button.
    mem_fill(x->mem, x->data + OVERLAPPED, 0, 0x1C);
    assert_int_equal(XamShowMessageBoxUIEx(&x->c, 0, put_wide(x, x->data + BUFFER, "Title"), 0, 2, 0, 1, 0, 0,
                                           x->data + BUFFER + 64, x->data + OVERLAPPED),
                     997);
    assert_int_equal(word_at(x, x->data + BUFFER + 64), 1);
    assert_int_equal(XNotifyGetNext(&x->c, second, 9, id, parameter), 1);
    assert_int_equal(word_at(x, parameter), 1);
    assert_int_equal(XNotifyGetNext(&x->c, second, 10, id, parameter), 0);
    assert_int_equal(XNotifyGetNext(&x->c, second, 0, id, 0), 1);
}

static void enumerators(void **state)
{
    struct fixture *x = *state;
    gva size = x->data + OUT, handle_ptr = x->data + OUT + 4, count = x->data + OUT + 8;
    assert_int_equal(XamContentCreateEnumerator(&x->c, 0, 1, 1, 0, 10, size, handle_ptr), 1317);
    assert_int_equal(XamContentCreateEnumerator(&x->c, 0xFE, 7, 1, 0, 10, size, handle_ptr), 0x80070057);
    assert_int_equal(XamContentCreateEnumerator(&x->c, 0xFE, 1, 1, 0, 10, size, handle_ptr), 0);
    assert_int_equal(word_at(x, size), 0x134 * 10);
    uint32_t handle = word_at(x, handle_ptr);
    assert_int_equal(XamEnumerate(&x->c, handle, 0, x->data + BUFFER, 0x1000, count, 0), 18);
    assert_int_equal(word_at(x, count), 0);
    mem_fill(x->mem, x->data + OVERLAPPED, 0, 0x1C);
    assert_int_equal(XamEnumerate(&x->c, handle, 0, x->data + BUFFER, 0x1000, 0, x->data + OVERLAPPED), 997);
    assert_int_equal(word_at(x, x->data + OVERLAPPED), 1627);
    assert_int_equal(word_at(x, x->data + OVERLAPPED + 0x18), 0x80070012);
    assert_int_equal(NtClose(&x->c, handle), STATUS_SUCCESS);
    assert_int_equal(XamEnumerate(&x->c, handle, 0, x->data + BUFFER, 0x1000, count, 0), 6);
}

// The end of a request: fields, event, APC.
static void overlapped(void **state)
{
    struct fixture *x = *state;
    gva o = x->data + OVERLAPPED;
    mem_fill(x->mem, o, 0, 0x1C);
    assert_int_equal(NtCreateEvent(&x->c, x->data + OUT, 0, 0, 0), STATUS_SUCCESS);
    mem_set32(x->mem, o + 0xC, word_at(x, x->data + OUT));
    mem_set32(x->mem, o + 0x10, 0x82001000);
    assert_int_equal(XMsgCompleteIORequest(&x->c, o, 5, 6, 7), 0);
    assert_int_equal(word_at(x, o), 5);
    assert_int_equal(word_at(x, o + 4), 7);
    assert_int_equal(word_at(x, o + 0x18), 6);
    assert_int_equal(x->c.thread->apc_count, 1);
    assert_int_equal(x->c.thread->apcs[1]->arg2, o);
    struct krnl_object *event = krnl_handle_object(x->k, word_at(x, x->data + OUT), NULL);
    struct krnl_target target = krnl_target_of(event);
    assert_int_equal(krnl_signal_state(x->k, &target), 1);
    assert_int_equal(XMsgCompleteIORequest(&x->c, 4, 5, 6, 7), 87);
}

static void blocks_of_xam(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(XamAlloc(&x->c, 0, 0x100, x->data + OUT), 0);
    uint32_t block = word_at(x, x->data + OUT);
    assert_true(mem_valid(x->mem, block, 0x100, MEM_WRITE));
    assert_int_equal(XamFree(&x->c, block), 0);
    assert_false(mem_valid(x->mem, block, 1, MEM_READ));
    assert_int_equal(XamFree(&x->c, x->data), 0);
    assert_true(mem_valid(x->mem, x->data, 1, MEM_READ));
    assert_int_equal(XamAlloc(&x->c, 0, 0x100, 4), 87);
}

static void win32(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(CloseHandle(&x->c, 0x1234), 0);
    assert_int_equal(GetLastError(&x->c), 6);
    assert_int_equal(NtCreateEvent(&x->c, x->data + OUT, 0, 0, 0), STATUS_SUCCESS);
    assert_int_equal(SetEvent(&x->c, word_at(x, x->data + OUT)), 1);
    assert_int_equal(CloseHandle(&x->c, word_at(x, x->data + OUT)), 1);
    SetLastError(&x->c, 42);
    assert_int_equal(RtlGetLastError(&x->c), 42);
    assert_int_equal(krnl_lstrlenW(&x->c, put_wide(x, x->data + BUFFER, "four")), 4);
    assert_int_equal(krnl_lstrlenW(&x->c, 4), 0);
    assert_int_equal(GetCurrentThreadId(&x->c), x->c.thread->tid);
    OutputDebugStringA(&x->c, put_text(x, x->data + BUFFER, "said"));
    assert_string_equal(x->printed, "said");
    assert_int_equal(DmIsDebuggerPresent(&x->c), 0);
    assert_int_equal(DmWalkLoadedModules(&x->c, 0, 0), 0x82DA0104);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(heap_blocks), TEST(heap_grows),          TEST(heap_damage),   TEST(heap_random),
        TEST(pads),        TEST(nobody_is_signed_in), TEST(notifications), TEST(enumerators),
        TEST(overlapped),  TEST(blocks_of_xam),       TEST(win32),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
