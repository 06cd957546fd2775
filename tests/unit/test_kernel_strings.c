// Rtl*: strings, memory, errors; the pool; interlocked lists; APCs.
#include <time.h>

#include "kernel_fixture.h"

enum { A = 0x100, B = 0x400, OUT = 0x800, BUFFER = 0x1000 };

static void init_and_compare(void **state)
{
    struct fixture *x = *state;
    gva a = x->data + A, b = x->data + B;
    RtlInitAnsiString(&x->c, a, put_text(x, x->data + BUFFER, "Dolphin"));
    assert_int_equal(word_at(x, a), 7 << 16 | 8);
    assert_int_equal(word_at(x, a + 4), x->data + BUFFER);
    RtlInitAnsiString(&x->c, b, put_text(x, x->data + BUFFER + 64, "dolphins"));
    assert_int_equal(RtlCompareString(&x->c, a, b, 0), (uint32_t)('D' - 'd'));
    assert_int_equal(RtlCompareString(&x->c, a, b, 1), (uint32_t)-1);
    assert_int_equal(RtlCompareStringN(&x->c, x->data + BUFFER, UINT32_MAX, x->data + BUFFER + 64, 7, 1), 0);
    RtlInitAnsiString(&x->c, b, 0);
    assert_int_equal(word_at(x, b), 0);
    assert_int_equal(word_at(x, b + 4), 0);
    assert_int_equal(RtlInitUnicodeString(&x->c, b, put_wide(x, x->data + BUFFER, "fog")), b);
    assert_int_equal(word_at(x, b), 6 << 16 | 8);
    RtlInitUnicodeString(&x->c, a, put_wide(x, x->data + BUFFER + 64, "FOG"));
    assert_int_equal(RtlCompareUnicodeString(&x->c, a, b, 1), 0);
    assert_int_not_equal(RtlCompareUnicodeString(&x->c, a, b, 0), 0);
}

static void case_of_characters(void **state)
{
    struct fixture *x = *state;
    static const struct {
        uint8_t from, upper, lower;
    } bytes[] = {
        {'a', 'A', 'a'},    {'Z', 'Z', 'z'},    {'1', '1', '1'},   {0xE4, 0xC4, 0xE4}, {0xDE, 0xDE, 0xFE},
        {0xD7, 0xD7, 0xD7}, {0xF7, 0xD7, 0xF7}, {0xFF, '?', 0xFF}, {0xDF, 0xDF, 0xDF},
    };
    for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
        assert_int_equal(RtlUpperChar(&x->c, bytes[i].from), bytes[i].upper);
        assert_int_equal(RtlLowerChar(&x->c, bytes[i].from), bytes[i].lower);
    }
    assert_int_equal(RtlUpcaseUnicodeChar(&x->c, 0x3B1), 0x391);
    assert_int_equal(RtlDowncaseUnicodeChar(&x->c, 0x410), 0x430);
    assert_int_equal(RtlUpcaseUnicodeChar(&x->c, 0xFF), 0x178);
}

static void conversion(void **state)
{
    struct fixture *x = *state;
    gva a = x->data + A, u = x->data + B, out = x->data + OUT;
    RtlInitUnicodeString(&x->c, u, put_wide(x, x->data + BUFFER, "wide text"));
    assert_int_equal(RtlUnicodeStringToAnsiString(&x->c, a, u, 1), STATUS_SUCCESS);
    assert_int_equal(word_at(x, a), 9 << 16 | 10);
    assert_string_equal(text_at(x, word_at(x, a + 4)), "wide text");
    RtlFreeAnsiString(&x->c, a);
    assert_int_equal(word_at(x, a + 4), 0);
    mem_set16(x->mem, a + 2, 5);
    mem_set32(x->mem, a + 4, out);
    assert_int_equal(RtlUnicodeStringToAnsiString(&x->c, a, u, 0), (uint32_t)STATUS_BUFFER_OVERFLOW);
    assert_string_equal(text_at(x, out), "wide");
    RtlInitAnsiString(&x->c, a, put_text(x, x->data + BUFFER, "narrow"));
    assert_int_equal(RtlAnsiStringToUnicodeString(&x->c, u, a, 1), STATUS_SUCCESS);
    assert_string_equal(wide_at(x, word_at(x, u + 4)), "narrow");
    RtlFreeUnicodeString(&x->c, u);
    put_wide(x, x->data + BUFFER, "abcdef");
    mem_set16(x->mem, x->data + BUFFER + 2, 0x4E00); // not in Latin-1
    assert_int_equal(RtlUnicodeToMultiByteN(&x->c, out, 4, x->data + A, x->data + BUFFER, 12), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + A), 4);
    assert_memory_equal(mem_at(x->mem, out, 4, MEM_READ), "a?cd", 4);
    assert_int_equal(RtlMultiByteToUnicodeN(&x->c, x->data + BUFFER, 6, x->data + A, out, 4), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + A), 6);
    assert_int_equal(RtlMultiByteToUnicodeN(&x->c, 4, 6, 0, out, 4), (uint32_t)STATUS_ACCESS_VIOLATION);
}

static void copy_and_append(void **state)
{
    struct fixture *x = *state;
    gva a = x->data + A, b = x->data + B, out = x->data + OUT;
    mem_set32(x->mem, a, 10); // empty, room for 10
    mem_set32(x->mem, a + 4, out);
    put_ansi(x, b, "media");
    RtlCopyString(&x->c, a, b);
    assert_int_equal(word_at(x, a), 5 << 16 | 10);
    assert_int_equal(RtlAppendStringToString(&x->c, a, b), STATUS_SUCCESS);
    assert_memory_equal(mem_at(x->mem, out, 10, MEM_READ), "mediamedia", 10);
    assert_int_equal(RtlAppendStringToString(&x->c, a, b), (uint32_t)STATUS_BUFFER_TOO_SMALL);
    RtlCopyString(&x->c, a, 0);
    assert_int_equal(word_at(x, a), 10);
    assert_int_equal(RtlCreateUnicodeString(&x->c, a, put_wide(x, x->data + BUFFER, "copy")), 1);
    assert_string_equal(wide_at(x, word_at(x, a + 4)), "copy");
    RtlFreeUnicodeString(&x->c, a);
}

static void memory(void **state)
{
    struct fixture *x = *state;
    gva at = x->data + OUT;
    RtlFillMemoryUlong(&x->c, at, 11, 0x01020304);
    assert_int_equal(word_at(x, at + 4), 0x01020304);
    assert_int_equal(word_at(x, at + 8), 0); // the rest of a word stays
    assert_int_equal(RtlCompareMemoryUlong(&x->c, at, 16, 0x01020304), 8);
    assert_int_equal(RtlCompareMemory(&x->c, at, at + 4, 8), 4);
    assert_int_equal(RtlCompareMemoryUlong(&x->c, 4, 16, 0), 0);
    RtlFillMemoryUlong(&x->c, 0x82000000, 16, 1); // not there: no crash
    assert_int_equal(RtlComputeCrc32(&x->c, 0, put_text(x, at, "123456789"), 9), 0xCBF43926);
    assert_int_equal(RtlComputeCrc32(&x->c, RtlComputeCrc32(&x->c, 0, at, 4), at + 4, 5), 0xCBF43926);
}

// Found by random arguments: a length of 4 GB over memory that is not there took seconds, byte by byte.
static void lengths_of_gigabytes(void **state)
{
    struct fixture *x = *state;
    clock_t start = clock();
    RtlCompareStringN(&x->c, 0x30, 0xFFFFFF00, 0x30, 0xFFFFFFE0, 1);
    assert_int_equal(RtlCompareStringN(&x->c, 0x30, 0x20000000, 0x51, 0x20000000, 1), 0);
    assert_int_equal(RtlCompareMemory(&x->c, 0x30, 0x51, 0xFFFFFF00), 0);
    assert_true(clock() - start < 3 * CLOCKS_PER_SEC);
    // Across pages, each side with its own borders, and the first difference behind them.
    gva a = x->data + 0x1801, b = x->data + 0x3FF0;
    for (uint32_t i = 0; i < 0x1400; i++) {
        mem_set8(x->mem, a + i, (uint8_t)(i * 7));
        mem_set8(x->mem, b + i, (uint8_t)(i * 7));
    }
    assert_int_equal(RtlCompareMemory(&x->c, a, b, 0x1400), 0x1400);
    assert_int_equal(RtlCompareStringN(&x->c, a, 0x1400, b, 0x1400, 0), 0);
    mem_set8(x->mem, b + 0x1234, 1);
    assert_int_equal(RtlCompareMemory(&x->c, a, b, 0x1400), 0x1234);
    assert_int_equal(RtlCompareStringN(&x->c, a, 0x1400, b, 0x1400, 0), (uint8_t)(0x1234 * 7) - 1);
}

static void errors(void **state)
{
    struct fixture *x = *state;
    static const struct {
        uint32_t status, error;
    } cases[] = {
        {0, 0},          {0xC000000F, 2},          {0xC0000034, 2},   {0xC000003A, 3},
        {0xC0000022, 5}, {0xC0000005, 998},        {0xC0000011, 38},  {0x80000006, 18},
        {0x103, 997},    {0xC0000035, 183},        {0xD000000F, 2},   {0x80070057, 87},
        {0xC0010007, 7}, {0xE0000001, 0xE0000001}, {0xC0FFFFFF, 317}, {1, 317},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_int_equal(RtlNtStatusToDosError(&x->c, cases[i].status), cases[i].error);
}

static void pool(void **state)
{
    struct fixture *x = *state;
    uint32_t small = ExAllocatePoolWithTag(&x->c, 0x40, 0x54455354), large = ExAllocatePool(&x->c, 0x2000),
             more = ExAllocatePool(&x->c, 0x40);
    assert_int_equal(small % 0x1000, 8);
    assert_int_equal(word_at(x, small - 4), 0x54455354);
    assert_int_equal(large % 0x1000, 0);
    assert_int_equal(ExQueryPoolBlockSize(&x->c, large), 0x2000);
    ExFreePool(&x->c, small);
    ExFreePool(&x->c, small); // twice: told, not done
    assert_int_equal(ExAllocatePoolTypeWithTag(&x->c, 0x10, 0, 0), small);
    ExFreePool(&x->c, large);
    ExFreePool(&x->c, more);
    ExFreePool(&x->c, x->data + 8);
    assert_int_equal(ExAllocatePool(&x->c, 0xFFFFFFFF), 0);
}

static void lists(void **state)
{
    struct fixture *x = *state;
    gva head = x->data + A, first = x->data + B, second = x->data + B + 16;
    assert_int_equal(InterlockedPopEntrySList(&x->c, head), 0);
    assert_int_equal(InterlockedPushEntrySList(&x->c, head, first), 0);
    assert_int_equal(InterlockedPushEntrySList(&x->c, head, second), first);
    assert_int_equal(word_at(x, head + 4), 2 << 16 | 2);
    assert_int_equal(InterlockedPopEntrySList(&x->c, head), second);
    assert_int_equal(word_at(x, head + 4), 1 << 16 | 2);
    assert_int_equal(InterlockedFlushSList(&x->c, head), first);
    assert_int_equal(word_at(x, head), 0);
    assert_int_equal(InterlockedPushEntrySList(&x->c, 4, first), 0);
}

static void apcs(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = x->c.thread;
    gva apc = x->data + A;
    assert_int_equal(NtQueueApcThread(&x->c, 0xFFFFFFFE, 0x82001000, 1, 2, 3), STATUS_SUCCESS);
    KeInitializeApc(&x->c, apc, t->kthread, 0, 0, 0x82002000, 1, 0x55);
    assert_int_equal(KeInsertQueueApc(&x->c, apc, 6, 7, 0), 1);
    assert_int_equal(KeInsertQueueApc(&x->c, apc, 6, 7, 0), 0); // it is in the queue
    assert_int_equal(t->apc_count, 2);
    assert_int_equal(t->apcs[1]->next->normal_routine, 0x82002000);
    assert_int_equal(t->apcs[1]->next->context, 0x55);
    assert_int_equal(KeRemoveQueueApc(&x->c, apc), 1);
    assert_int_equal(KeRemoveQueueApc(&x->c, apc), 0);
    assert_int_equal(t->apc_count, 1);
    assert_int_equal(KeInsertQueueApc(&x->c, apc, 6, 7, 0), 1);
    for (unsigned i = 2; i < 4096; i++)
        assert_int_equal(NtQueueApcThread(&x->c, 0xFFFFFFFE, 0x82001000, 1, 2, 3), STATUS_SUCCESS);
    assert_int_equal(NtQueueApcThread(&x->c, 0xFFFFFFFE, 0x82001000, 1, 2, 3), (uint32_t)STATUS_UNSUCCESSFUL);
    assert_int_equal(NtQueueApcThread(&x->c, 0xF8009990, 0x82001000, 1, 2, 3), (uint32_t)STATUS_INVALID_HANDLE);
    KeInitializeApc(&x->c, 4, t->kthread, 0, 0, 0, 0, 0);
    assert_int_equal(KeInsertQueueApc(&x->c, 4, 0, 0, 0), 0);
}

static void dpcs(void **state)
{
    struct fixture *x = *state;
    gva dpc = x->data + A;
    KeInitializeDpc(&x->c, dpc, 0x82003000, 0x77);
    assert_int_equal(KeInsertQueueDpc(&x->c, dpc, 8, 9), 1);
    assert_int_equal(x->c.thread->cpu.pc, 0x82003000);
    assert_int_equal(x->c.thread->cpu.gpr[3], dpc);
    assert_int_equal(x->c.thread->cpu.gpr[4], 0x77);
    assert_int_equal(x->c.thread->cpu.gpr[6], 9);
    assert_int_equal(KeInsertQueueDpc(&x->c, 4, 8, 9), 0);
}

static void times(void **state)
{
    struct fixture *x = *state;
    static const struct {
        uint64_t time;
        uint16_t fields[8];
    } cases[] = {
        {0, {1601, 1, 1, 0, 0, 0, 0, 1}},
        {UINT64_C(127770912000000000), {2005, 11, 22, 0, 0, 0, 0, 2}},
    };
    gva time = x->data + A, fields = x->data + B;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        mem_set64(x->mem, time, cases[i].time);
        RtlTimeToTimeFields(&x->c, time, fields);
        for (unsigned f = 0; f < 8; f++) {
            uint16_t value;
            assert_true(mem_get16(x->mem, fields + 2 * f, &value));
            assert_int_equal(value, cases[i].fields[f]);
        }
    }
    // Every 11 days, 3 hours and some for 900 years: there and back.
    for (uint64_t t = 0; t < UINT64_C(864000000000) * 365 * 900; t += UINT64_C(9612345670000)) {
        mem_set64(x->mem, time, t);
        RtlTimeToTimeFields(&x->c, time, fields);
        assert_int_equal(RtlTimeFieldsToTime(&x->c, fields, time + 8), 1);
        assert_int_equal(double_word_at(x, time + 8), t);
    }
    static const uint16_t bad[][8] = {{1600, 1, 1},  {2001, 2, 29},    {2001, 13, 1},
                                      {2001, 4, 31}, {2001, 1, 1, 24}, {2001, 0, 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        for (unsigned f = 0; f < 8; f++)
            mem_set16(x->mem, fields + 2 * f, bad[i][f]);
        assert_int_equal(RtlTimeFieldsToTime(&x->c, fields, time), 0);
    }
    RtlTimeToTimeFields(&x->c, 4, fields);
    assert_int_equal(RtlTimeFieldsToTime(&x->c, 4, time), 0);
}

static void questions(void **state)
{
    struct fixture *x = *state;
    gva out = x->data + OUT;
    assert_int_equal(NtCreateEvent(&x->c, out, 0, 1, 1), STATUS_SUCCESS);
    assert_int_equal(NtQueryEvent(&x->c, word_at(x, out), out), STATUS_SUCCESS);
    assert_int_equal(double_word_at(x, out), UINT64_C(1) << 32 | 1);
    assert_int_equal(NtCreateSemaphore(&x->c, out, 0, 3, 5), STATUS_SUCCESS);
    assert_int_equal(NtQuerySemaphore(&x->c, word_at(x, out), out), STATUS_SUCCESS);
    assert_int_equal(double_word_at(x, out), UINT64_C(3) << 32 | 5);
    assert_int_equal(NtQuerySemaphore(&x->c, 0x1234, out), (uint32_t)STATUS_INVALID_HANDLE);
    assert_int_equal(ObLookupThreadByThreadId(&x->c, x->c.thread->tid, out), STATUS_SUCCESS);
    assert_int_equal(word_at(x, out), x->c.thread->kthread);
    assert_int_equal(ObOpenObjectByPointer(&x->c, x->c.thread->kthread, out), STATUS_SUCCESS);
    assert_int_equal(NtClose(&x->c, word_at(x, out)), STATUS_SUCCESS);
    assert_int_equal(ObLookupThreadByThreadId(&x->c, 4711, out), (uint32_t)STATUS_INVALID_PARAMETER);
    gva attributes = put_attributes(x, x->data + A, 0, "game:");
    assert_int_equal(NtOpenSymbolicLinkObject(&x->c, out, attributes), STATUS_SUCCESS);
    uint32_t link = word_at(x, out);
    mem_set32(x->mem, out, 64);
    mem_set32(x->mem, out + 4, x->data + BUFFER);
    assert_int_equal(NtQuerySymbolicLinkObject(&x->c, link, out), STATUS_SUCCESS);
    assert_string_equal(text_at(x, x->data + BUFFER), "\\Device\\Harddisk0\\Partition1");
    put_attributes(x, x->data + A, 0, "none:");
    assert_int_equal(NtOpenSymbolicLinkObject(&x->c, out, attributes), (uint32_t)STATUS_OBJECT_NAME_NOT_FOUND);
}

// A PE header of our own: one section at 0x1000, export directory inside.
static void images(void **state)
{
    struct fixture *x = *state;
    uint8_t pe[0x200] = {'M', 'Z'};
    pe[0x3C] = 0x40;
    memcpy(pe + 0x40, "PE\0\0", 4);
    pe[0x46] = 1;    // sections
    pe[0x54] = 0xE0; // optional header
    pe[0x58] = 0x0B, pe[0x59] = 0x01;
    pe[0x58 + 0x3C] = 0, pe[0x58 + 0x3D] = 4; // headers: 0x400
    pe[0x58 + 0x5C] = 16;
    pe[0x58 + 0x60] = 0x10, pe[0x58 + 0x61] = 0x10; // exports at 0x1010
    pe[0x58 + 0x64] = 0x28;
    assert_true(mem_write(x->mem, x->data, pe, sizeof pe));
    assert_int_equal(RtlImageNtHeader(&x->c, x->data), x->data + 0x40);
    assert_int_equal(RtlImageDirectoryEntryToData(&x->c, x->data, 1, 0, x->data + 0x800), x->data + 0x1010);
    assert_int_equal(word_at(x, x->data + 0x800), 0x28);
    assert_int_equal(RtlImageDirectoryEntryToData(&x->c, x->data, 1, 1, 0), 0);
    assert_int_equal(RtlImageDirectoryEntryToData(&x->c, x->data, 1, 99, 0), 0);
    assert_int_equal(RtlImageNtHeader(&x->c, 4), 0);
    assert_int_equal(RtlImageNtHeader(&x->c, x->data + 16), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(init_and_compare),
        TEST(case_of_characters),
        TEST(conversion),
        TEST(copy_and_append),
        TEST(memory),
        TEST(lengths_of_gigabytes),
        TEST(errors),
        TEST(pool),
        TEST(lists),
        TEST(apcs),
        TEST(dpcs),
        TEST(times),
        TEST(questions),
        TEST(images),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
