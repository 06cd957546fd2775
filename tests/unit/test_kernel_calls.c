// One look at each call that has no test of its own topic: clock, settings, ends, video, modules, wide strings, xam's answers.
#include "kernel_fixture.h"

enum { A = 0x100, B = 0x140, OUT = 0x200, OUT_2 = 0x204, TEXT = 0x1000, BUFFER = 0x2000 };

static void clock_and_settings(void **state)
{
    struct fixture *x = *state;
    x->k->now = 5 * KRNL_CYCLES_PER_MS;
    assert_int_equal(KeQueryPerformanceFrequency(&x->c), 50000000);
    assert_int_equal(KeQueryInterruptTime(&x->c), 50000);
    KeQuerySystemTime(&x->c, x->data + OUT);
    assert_int_equal(double_word_at(x, x->data + OUT), 127770912000000000 + 50000);
    assert_int_equal(GetTickCount(&x->c), 5);
    assert_int_equal(ExGetXConfigSetting(&x->c, 3, 10, x->data + OUT, 4, x->data + A), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), 0x00040000);
    assert_int_equal(word_at(x, x->data + A) >> 16, 4);
    assert_int_equal(ExGetXConfigSetting(&x->c, 3, 10, x->data + OUT, 2, 0), (uint32_t)STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(ExGetXConfigSetting(&x->c, 9, 99, x->data + OUT, 4, 0), (uint32_t)STATUS_INVALID_PARAMETER);
    ExRegisterTitleTerminateNotification(&x->c, x->data, 1);
    assert_int_equal(KiApcNormalRoutineNop(&x->c, 0, 0), 0);
}

static void processes_and_affinity(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = x->c.thread;
    assert_int_equal(KeGetCurrentProcessType(&x->c), 1);
    KeSetCurrentProcessType(&x->c, 2);
    assert_int_equal(KeGetCurrentProcessType(&x->c), 2);
    x->c.cpu->gpr[3] = 1;
    KeEnableFpuExceptions(&x->c);
    krnl_thread_set_hw(x->k, t, 1);
    assert_int_equal(KeSetAffinityThread(&x->c, t->kthread, 0x10, x->data + OUT), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), 2);
    assert_int_equal(t->hw, 4);
    assert_int_equal(word_at(x, t->pcr + KPCR_CURRENT_CPU) >> 24, 4);
    assert_int_equal(KeSetAffinityThread(&x->c, t->kthread, 0x40, 0), (uint32_t)STATUS_INVALID_PARAMETER);
    KeBoostPriorityThread(&x->c, t->kthread, 2);
    assert_int_equal(t->priority, 8);
    RtlGetStackLimits(&x->c, x->data + OUT, x->data + OUT_2);
    assert_int_equal(word_at(x, x->data + OUT), t->stack_limit);
    assert_int_equal(word_at(x, x->data + OUT_2), t->stack_base);
    assert_int_equal(ObLookupAnyThreadByThreadId(&x->c, t->tid, x->data + OUT), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), t->kthread);
    uint32_t references = t->object->references;
    ObReferenceObject(&x->c, t->kthread);
    assert_int_equal(t->object->references, references + 1);
}

static void handles_and_links(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(NtCreateEvent(&x->c, x->data + OUT, 0, 0, 0), STATUS_SUCCESS);
    uint32_t event = word_at(x, x->data + OUT);
    assert_int_equal(NtDuplicateObject(&x->c, event, x->data + OUT_2, 1), STATUS_SUCCESS);
    uint32_t copy = word_at(x, x->data + OUT_2);
    assert_int_equal(NtSetEvent(&x->c, event, 0), (uint32_t)STATUS_INVALID_HANDLE); // the source was closed
    assert_int_equal(NtSetEvent(&x->c, copy, x->data + OUT), STATUS_SUCCESS);
    assert_int_equal(NtPulseEvent(&x->c, copy, x->data + OUT), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), 1);
    assert_int_equal(ResetEvent(&x->c, copy), 1);
    assert_int_equal(ResetEvent(&x->c, 0xF8001000), 0);
    assert_int_equal(GetLastError(&x->c), 6);
    assert_int_equal(RtlSetLastNTError(&x->c, (uint32_t)STATUS_INVALID_HANDLE), 6);
    gva path = put_ansi(x, x->data + TEXT, "\\??\\z:"), target = put_ansi(x, x->data + TEXT + 0x80, "\\Device\\Harddisk0\\Partition1");
    assert_int_equal(ObCreateSymbolicLink(&x->c, path, target), STATUS_SUCCESS);
    assert_int_equal(ObDeleteSymbolicLink(&x->c, path), STATUS_SUCCESS);
    assert_int_equal(ObDeleteSymbolicLink(&x->c, path), (uint32_t)STATUS_OBJECT_NAME_NOT_FOUND);
}

static void memory_questions(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(MmIsAddressValid(&x->c, x->data), 1);
    assert_int_equal(MmIsAddressValid(&x->c, 4), 0);
    assert_int_equal(MmQueryAddressProtect(&x->c, x->data), 4);
    MmSetAddressProtect(&x->c, x->data + 0x10000, 0x10000, 2);
    assert_int_equal(MmQueryAddressProtect(&x->c, x->data + 0x10000), 2);
    assert_int_equal(MmQueryAllocationSize(&x->c, x->data), DATA_BYTES);
    mem_set32(x->mem, x->data + A, x->data + 0x10000);
    mem_set32(x->mem, x->data + B, 0x10000);
    assert_int_equal(NtProtectVirtualMemory(&x->c, x->data + A, x->data + B, 4, x->data + OUT, 0), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), 2);
    assert_int_equal(NtQueryVirtualMemory(&x->c, x->data, x->data + BUFFER, 0), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + BUFFER), x->data);
    mem_set32(x->mem, x->data + BUFFER, 0x68);
    assert_int_equal(MmQueryStatistics(&x->c, x->data + BUFFER), STATUS_SUCCESS);
    assert_int_equal(MmQueryStatistics(&x->c, 4), (uint32_t)STATUS_ACCESS_VIOLATION);
}

static void modules(void **state)
{
    struct fixture *x = *state;
    gva name = put_text(x, x->data + TEXT, "xam.xex");
    assert_int_equal(XexGetModuleHandle(&x->c, name, x->data + OUT), STATUS_SUCCESS);
    gva xam = word_at(x, x->data + OUT);
    assert_int_equal(xam, x->k->system_modules[EXP_XAM]);
    assert_int_equal(XexLoadImage(&x->c, name, 0, 0, x->data + OUT), STATUS_SUCCESS);
    assert_int_equal(XexUnloadImage(&x->c, xam), STATUS_SUCCESS);
    assert_int_equal(XexGetProcedureAddress(&x->c, xam, 0x191, x->data + OUT), STATUS_SUCCESS);
    assert_non_null(krnl_thunk_at(x->k, word_at(x, x->data + OUT)));
    assert_int_equal(XexGetProcedureAddress(&x->c, xam, 0xFFFF, x->data + OUT), (uint32_t)STATUS_DRIVER_ORDINAL_NOT_FOUND);
    assert_int_equal(XexLoadImage(&x->c, put_text(x, x->data + TEXT, "other.dll"), 0, 0, x->data + OUT), (uint32_t)STATUS_DLL_NOT_FOUND);
    assert_int_equal(XexGetModuleSection(&x->c, xam, name, x->data + OUT, x->data + OUT_2), (uint32_t)STATUS_INVALID_HANDLE);
    assert_int_equal(XexCheckExecutablePrivilege(&x->c, 10), 0);
    mem_set32(x->mem, x->data + BUFFER + 0x14, 1); // a header with one field
    mem_set32(x->mem, x->data + BUFFER + 0x18, 0x20401);
    mem_set32(x->mem, x->data + BUFFER + 0x1C, 77);
    assert_int_equal(RtlImageXexHeaderField(&x->c, x->data + BUFFER, 0x20401), x->data + BUFFER + 0x1C);
    assert_int_equal(RtlImageXexHeaderField(&x->c, x->data + BUFFER, 0x20400), 0);
    assert_int_equal(RtlImageXexHeaderField(&x->c, 0, 0x20401), 0);
}

static void video(void **state)
{
    struct fixture *x = *state;
    void (*const modes[])(struct krnl_call *, uint32_t) = {VdQueryVideoMode, VdQueryRealVideoMode, XGetVideoMode};
    for (unsigned i = 0; i < 3; i++) {
        mem_fill(x->mem, x->data + OUT, 0, 8);
        modes[i](&x->c, x->data + OUT);
        assert_int_equal(word_at(x, x->data + OUT), 1280);
        assert_int_equal(word_at(x, x->data + OUT_2), 720);
        modes[i](&x->c, 4);
    }
    assert_int_equal(VdQueryVideoFlags(&x->c), 3);
    assert_int_equal(VdInitializeEngines(&x->c, 0, 0x1000, 0, 0, 0), 1);
    assert_int_equal(VdIsHSIOTrainingSucceeded(&x->c), 1);
    assert_int_equal(VdSetDisplayMode(&x->c, 0), 0);
    assert_int_equal(VdSetDisplayModeOverride(&x->c, 0, 0, 60.0, 0, 0), 0);
    assert_int_equal(VdCallGraphicsNotificationRoutines(&x->c, 0, 0), 0);
    assert_int_equal(VdRetrainEDRAM(&x->c, 0, 0, 0, 0, 0, 0), 0);
    assert_int_equal(VdRetrainEDRAMWorker(&x->c, 0), 0);
    assert_int_equal(VdEnableDisableClockGating(&x->c, 0), 0);
    VdSetSystemCommandBufferGpuIdentifierAddress(&x->c, 0x1234);
    assert_int_equal(x->k->gpu_identifier_address, 0x1234);
    VdSetGraphicsInterruptCallback(&x->c, 0x1000, 2);
    VdShutdownEngines(&x->c);
    assert_int_equal(x->k->interrupt_callback, 0);
}

static void put_unicode(struct fixture *x, gva at, gva buffer, const char *text, uint16_t room)
{
    put_wide(x, buffer, text);
    mem_set16(x->mem, at, (uint16_t)(2 * strlen(text)));
    mem_set16(x->mem, at + 2, room);
    mem_set32(x->mem, at + 4, buffer);
}

static void wide_strings(void **state)
{
    struct fixture *x = *state;
    gva destination = x->data + A, source = x->data + B;
    put_unicode(x, destination, x->data + BUFFER, "ab", 12);
    put_unicode(x, source, x->data + BUFFER + 0x100, "cd", 6);
    assert_int_equal(RtlAppendUnicodeStringToString(&x->c, destination, source), STATUS_SUCCESS);
    assert_string_equal(wide_at(x, x->data + BUFFER), "abcd");
    assert_int_equal(RtlAppendUnicodeToString(&x->c, destination, put_wide(x, x->data + TEXT, "efg")), (uint32_t)STATUS_BUFFER_TOO_SMALL);
    assert_int_equal(RtlAppendUnicodeToString(&x->c, destination, put_wide(x, x->data + TEXT, "e")), STATUS_SUCCESS);
    assert_string_equal(wide_at(x, x->data + BUFFER), "abcde");
    RtlCopyUnicodeString(&x->c, destination, source);
    assert_int_equal(word_at(x, destination) >> 16, 4);
    assert_int_equal(RtlMultiByteToUnicodeSize(&x->c, x->data + OUT, put_text(x, x->data + TEXT, "abc"), 3), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), 6);
    assert_int_equal(RtlUnicodeToMultiByteSize(&x->c, x->data + OUT, put_wide(x, x->data + TEXT, "abc"), 6), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + OUT), 3);
}

typedef void ending(struct krnl_call *c, gva data);

static void assertion(struct krnl_call *c, gva data)
{
    RtlAssert(c, data, data, 7, 0);
}

static void raise_status(struct krnl_call *c, gva data)
{
    (void)data;
    RtlRaiseStatus(c, 0xC0000005);
}

static void raise_exception(struct krnl_call *c, gva data)
{
    RtlRaiseException(c, data);
}

static void unwind(struct krnl_call *c, gva data)
{
    RtlUnwind(c, data, 0x1234, 0, 0);
}

static void bug_check(struct krnl_call *c, gva data)
{
    (void)data;
    KeBugCheck(c, 0xE1);
}

static void firmware(struct krnl_call *c, gva data)
{
    (void)data;
    HalReturnToFirmware(c, 1);
}

static void terminate(struct krnl_call *c, gva data)
{
    (void)data;
    ExTerminateTitleProcess(c);
}

static void loader_terminate(struct krnl_call *c, gva data)
{
    (void)data;
    XamLoaderTerminateTitle(c);
}

static void loader_launch(struct krnl_call *c, gva data)
{
    XamLoaderLaunchTitle(c, data, 0);
}

static void rip(struct krnl_call *c, gva data)
{
    c->cpu->gpr[3] = data;
    c->stack_index = 0;
    RtlRip(c);
}

static void ends(void **state)
{
    struct fixture *x = *state;
    const struct { ending *call; enum krnl_stop stop; const char *text; } rows[] = {
        {assertion, KRNL_STOP_CRASH, "sorry"}, {raise_status, KRNL_STOP_CRASH, "c0000005"}, {raise_exception, KRNL_STOP_CRASH, "exception"},
        {unwind, KRNL_STOP_CRASH, "1234"},     {bug_check, KRNL_STOP_CRASH, "0xe1"},        {firmware, KRNL_STOP_EXIT, "Firmware"},
        {terminate, KRNL_STOP_EXIT, "ended"},  {loader_terminate, KRNL_STOP_EXIT, "Terminate"},
        {loader_launch, KRNL_STOP_EXIT, "sorry"}, {rip, KRNL_STOP_CRASH, "sorry"},
    };
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        x->k->result = (struct krnl_result){0};
        x->c.pending = false;
        rows[i].call(&x->c, put_text(x, x->data + TEXT, "sorry"));
        assert_int_equal(x->k->result.stop, rows[i].stop);
        assert_non_null(strstr(x->k->result.message, rows[i].text));
        assert_true(x->c.pending); // the title does not go on
    }
    x->k->result = (struct krnl_result){0};
    mem_set32(x->mem, x->data + A, 0x406D1388); // names a thread
    RtlRaiseException(&x->c, x->data + A);
    DbgBreakPoint(&x->c);
    assert_int_equal(krnl___C_specific_handler(&x->c, 0, 0, 0, 0), 1);
    assert_int_equal(x->k->result.stop, KRNL_RUNNING);
}

static void xam_answers(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(XGetLanguage(&x->c), 1);
    assert_int_equal(XamGetLanguage(&x->c), 1);
    assert_int_equal(XGetAVPack(&x->c), 8);
    assert_int_equal(XGetGameRegion(&x->c), 0xFF);
    assert_int_equal(XamGetSystemVersion(&x->c), 0x20076000);
    assert_int_equal(XamFeatureEnabled(&x->c, 1), 0);
    assert_int_equal(XamEnableInactivityProcessing(&x->c, 0, 0), 0);
    assert_int_equal(XamGetExecutionId(&x->c, x->data + OUT), (uint32_t)STATUS_NOT_FOUND);
    assert_int_equal(XamLoaderGetLaunchDataSize(&x->c, x->data + OUT), 1168);
    assert_int_equal(XamLoaderGetLaunchData(&x->c, x->data + OUT, 4), 1168);
    assert_int_not_equal(XamUserGetGamerTag(&x->c, 0, x->data + BUFFER, 16), 0);
    assert_int_not_equal(XamUserGetDeviceContext(&x->c, 0, 0, x->data + OUT), 0);
    assert_int_not_equal(XamUserGetIndexFromXUID(&x->c, 1, 0, x->data + OUT), 0);
    assert_int_not_equal(XamUserCheckPrivilege(&x->c, 0, 0, x->data + OUT), 0);
    assert_int_equal(XamInputGetCapabilitiesEx(&x->c, 1, 0, 0, x->data + BUFFER), 0x48F);
    assert_int_not_equal(XMsgInProcessCall(&x->c, 0xFB, 0, 0, 0), 0);
    assert_int_not_equal(XMsgSystemProcessCall(&x->c, 0xFB, 0, 0, 0), 0);
    assert_int_not_equal(XMsgStartIORequest(&x->c, 0xFB, 0, 0, 0, 0), 0);
    XNotifyPositionUI(&x->c, 1);
    assert_int_equal(XNotifyDelayUI(&x->c, 100), 0);
    assert_int_equal(XamIsUIActive(&x->c), 0);
    assert_int_not_equal(XamNotifyCreateListenerInternal(&x->c, 1, 1, 0), 0);
}

static void sleeps(void **state)
{
    struct fixture *x = *state;
    struct krnl_thread *t = x->c.thread;
    KeTestAlertThread(&x->c, 1);
    t->suspend_count = 0;
    Sleep(&x->c, 2);
    assert_int_equal(t->state, THREAD_WAITING);
    krnl_wait_expire(x->k, t->wait.deadline);
    assert_int_equal(t->state, THREAD_READY);
    assert_int_equal(t->wait.alert, KRNL_NOT_ALERTABLE);
    assert_int_equal(NtQueueApcThread(&x->c, 0xFFFFFFFE, 0x1000, 1, 2, 3), STATUS_SUCCESS);
    assert_int_equal(SleepEx(&x->c, UINT32_MAX, 1), STATUS_USER_APC);
    krnl_deliver(x->k, t);
    assert_int_equal(t->cpu.pc, 0x1000);
    krnl_returned(x->k, t);
    RtlSleep(&x->c, UINT32_MAX, 1);
    assert_false(t->wait.timed);
    assert_int_equal(KeAlertThread(&x->c, t->kthread, 1), 0);
    assert_int_equal((uint32_t)t->cpu.gpr[3], STATUS_ALERTED);
    uint32_t handle = krnl_object_handle(x->k, t->object);
    assert_int_equal(NtSuspendThread(&x->c, handle, x->data + OUT), STATUS_SUCCESS);
    assert_int_equal(ResumeThread(&x->c, handle), 1);
    assert_int_equal(ResumeThread(&x->c, 0xF8001000), UINT32_MAX);
    krnl_object_retain(t->object);
    ExitThread(&x->c, 3);
    assert_int_equal(t->state, THREAD_ENDED);
    assert_int_equal(t->exit_code, 3);
}

static void spin_lock_pairs(void **state)
{
    struct fixture *x = *state;
    KeAcquireSpinLockAtRaisedIrql(&x->c, x->data + A);
    assert_int_equal(word_at(x, x->data + A), x->c.thread->pcr);
    assert_int_equal(krnl_irql(x->k, x->c.thread), 0);
    KeReleaseSpinLockFromRaisedIrql(&x->c, x->data + A);
    assert_int_equal(word_at(x, x->data + A), 0);
    assert_int_equal(RtlInitializeCriticalSectionAndSpinCount(&x->c, x->data + A, 1000), STATUS_SUCCESS);
    assert_int_equal(word_at(x, x->data + A) >> 16, 0x0104);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        TEST(clock_and_settings), TEST(processes_and_affinity), TEST(handles_and_links), TEST(memory_questions),
        TEST(modules),            TEST(video),                  TEST(wide_strings),      TEST(ends),
        TEST(xam_answers),        TEST(sleeps),                 TEST(spin_lock_pairs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
