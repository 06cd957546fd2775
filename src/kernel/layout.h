// layout.h: offsets of the kernel structures that titles see, in bytes. Source: kernel_structs.tsv, boot-facts.md section 3.
#pragma once

enum { // dispatcher header: the first 16 bytes of every waitable object
    DH_TYPE = 0x00,  // u8, enum krnl_dispatcher_type
    DH_SIZE = 0x02,  // u8
    DH_STATE = 0x04, // s32: signalled when > 0
    DH_WAIT_FLINK = 0x08,
    DH_WAIT_BLINK = 0x0C,
    DH_ABSOLUTE = 0x01,     // u8: of timers
    DH_PROCESS_TYPE = 0x02, // u8: of timers, where others have their size
    DH_INSERTED = 0x03,     // u8: of timers
    KSEMAPHORE_LIMIT = 0x10,
    KSEMAPHORE_SIZE = 0x14,
};

enum { // KMUTANT
    KMUTANT_LIST = 0x10, // in its owner's list of mutants
    KMUTANT_OWNER = 0x18,
    KMUTANT_ABANDONED = 0x1C, // u8
    KMUTANT_SIZE = 0x20,
};

enum { // KTIMER
    KTIMER_DUE = 0x10, // u64, 100 ns of interrupt time
    KTIMER_LIST = 0x18,
    KTIMER_DPC = 0x20,
    KTIMER_PERIOD = 0x24, // ms
    KTIMER_SIZE = 0x28,
};

enum krnl_dispatcher_type {
    DISPATCH_NOTIFICATION_EVENT = 0,    // manual reset
    DISPATCH_SYNCHRONIZATION_EVENT = 1, // auto reset
    DISPATCH_MUTANT = 2,
    DISPATCH_QUEUE = 4,
    DISPATCH_SEMAPHORE = 5,
    DISPATCH_THREAD = 6,
    DISPATCH_NOTIFICATION_TIMER = 8,
    DISPATCH_SYNCHRONIZATION_TIMER = 9,
};

enum { // KTHREAD
    KTHREAD_SIZE = 0xAB0,
    KTHREAD_MUTANTS = 0x10, // list of the mutants it owns
    KTHREAD_TIMER_LIST_40 = 0x40,
    KTHREAD_SELF_48 = 0x48,
    KTHREAD_TIMER_4C = 0x4C,
    KTHREAD_54 = 0x54,
    KTHREAD_RUNNING_TIME = 0x58,
    KTHREAD_STACK_BASE = 0x5C,
    KTHREAD_STACK_LIMIT = 0x60,
    KTHREAD_STACK_KERNEL = 0x64,
    KTHREAD_TLS = 0x68,
    KTHREAD_STATE = 0x6C,
    KTHREAD_PRIORITY = 0x70,
    KTHREAD_FPU_EXCEPTIONS = 0x71,
    KTHREAD_PROCESS_TYPE_DUP = 0x72,
    KTHREAD_PROCESS_TYPE = 0x73,
    KTHREAD_APC_KERNEL = 0x74,
    KTHREAD_APC_USER = 0x7C,
    KTHREAD_PROCESS = 0x84,
    KTHREAD_MAY_QUEUE_APCS = 0x8B,
    KTHREAD_MSR_MASK = 0x9C,
    KTHREAD_APC_DISABLE = 0xB0,
    KTHREAD_SUSPEND_COUNT = 0xBC,
    KTHREAD_TERMINATED = 0xBE,
    KTHREAD_CURRENT_CPU = 0xBF,
    KTHREAD_PRCB = 0xC0,
    KTHREAD_PRCB_2 = 0xC4,
    KTHREAD_STACK_ALLOC_BASE = 0xD0,
    KTHREAD_PROCESS_LIST = 0x110,
    KTHREAD_CREATE_TIME = 0x130,
    KTHREAD_EXIT_TIME = 0x138,
    KTHREAD_EXIT_STATUS = 0x140,
    KTHREAD_LIST_144 = 0x144,
    KTHREAD_ID = 0x14C,
    KTHREAD_START_ADDRESS = 0x150,
    KTHREAD_LIST_154 = 0x154,
    KTHREAD_LAST_ERROR = 0x160,
    KTHREAD_CREATION_FLAGS = 0x16C,
    KTHREAD_17C = 0x17C,
};

enum { // KPCR, with the processor block (PRCB) inside
    KPCR_SIZE = 0x2D8,
    KPCR_TLS = 0x00,
    KPCR_DPC_PROCESS_TYPE = 0x0C, // u8: the process type while a DPC or interrupt runs
    KPCR_IRQL = 0x18,
    KPCR_SELF = 0x30, // u64
    KPCR_STACK_BASE = 0x70,
    KPCR_STACK_LIMIT = 0x74,
    KPCR_PRCB_DATA = 0x100,
    KPCR_CURRENT_THREAD = 0x100,
    KPCR_CURRENT_CPU = 0x10C, // u8
    KPCR_DPC_ACTIVE = 0x150,  // u32
    KPCR_PRCB = 0x2A8,
};

enum { // KPROCESS
    KPROCESS_SIZE = 0x60,
    KPROCESS_THREAD_LIST = 0x04,
    KPROCESS_QUANTUM_0C = 0x0C,
    KPROCESS_THREAD_COUNT = 0x14,
    KPROCESS_18 = 0x18,
    KPROCESS_STACK_SIZE = 0x1C,
    KPROCESS_TLS_STATIC = 0x20,
    KPROCESS_TLS_DATA_SIZE = 0x24,
    KPROCESS_TLS_RAW_SIZE = 0x28,
    KPROCESS_TLS_SLOT_BYTES = 0x2C, // u16
    KPROCESS_TYPE = 0x2F,           // u8: 0 idle, 1 title, 2 system
    KPROCESS_TLS_BITMAP = 0x30,     // 8 words; a set bit is a free slot
    KPROCESS_LIST_54 = 0x54,
};

enum { // object header in front of a native object's body
    OBJECT_HEADER_SIZE = 0x18,
    OBJECT_HEADER_TYPE = 0x08,
    OBJECT_TYPE_SIZE = 0x1C,
};

enum { // RTL_CRITICAL_SECTION
    CS_TYPE = 0x00,       // u8
    CS_SPIN_COUNT = 0x01, // u8, in units of 256
    CS_STATE = 0x04,      // dispatcher header's signal state
    CS_LOCK_COUNT = 0x10, // s32, -1 when free
    CS_RECURSION = 0x14,
    CS_OWNER = 0x18, // KTHREAD
};

enum { // KDPC, KAPC
    KDPC_TYPE = 0x00, KDPC_SIZE = 0x1C, KAPC_SIZE = 0x28, KDPC_ROUTINE = 0x0C, KDPC_CONTEXT = 0x10, KDPC_ARG1 = 0x14, KDPC_ARG2 = 0x18, KDPC_LIST = 0x04,
    KAPC_TYPE = 0x00, KAPC_MODE = 0x02, KAPC_INSERTED = 0x03, KAPC_THREAD = 0x04, KAPC_LIST = 0x08, KAPC_KERNEL = 0x10,
    KAPC_RUNDOWN = 0x14, KAPC_NORMAL = 0x18, KAPC_CONTEXT = 0x1C, KAPC_ARG1 = 0x20, KAPC_ARG2 = 0x24,
};
