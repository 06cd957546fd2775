// object.h: kernel objects and handles.
// Life: krnl_object_new gives one reference to the caller; handles hold references; the last krnl_object_release destroys it.
// Facts: boot-facts.md sections 2 and 4. The guest-visible part of a native object (thread, event, semaphore, enumerator) is two pages of
// the system heap: header (0x18 bytes) and body, then the type record.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/types.h"

struct kernel;
struct krnl_thread;

enum krnl_type {
#define OBJECT_TYPE(id, number, name) KRNL_##id = number,
#include "trace/object_types.def"
#undef OBJECT_TYPE
};

struct krnl_object {
    enum krnl_type type;
    uint32_t id;          // creation ordinal of the run, from 1
    uint32_t references;  // handles and holders
    uint32_t handles;
    gva body;             // dispatcher header in guest memory, 0: none; then `signal` is the state
    int32_t signal;       // signalled when > 0
    uint8_t dispatcher;   // enum krnl_dispatcher_type
    char name[96];        // of a named object, "" else
    // Destroys what `data` holds; called once, at the last release. May be NULL.
    void (*destroy)(struct kernel *k, struct krnl_object *object);
    void *data;           // by type: struct krnl_file, krnl_enumerator...
    // What `data` holds that decides the future, for state hashes; no host addresses. May be NULL.
    void (*hash)(const struct krnl_object *object, void (*piece)(void *user, const void *data, size_t size), void *user);
    struct krnl_thread *owner; // mutant without a body: owning thread
    bool abandoned;            // mutant without a body
    uint32_t apc_routine, apc_context; // timer
    bool apc_user;
    struct krnl_thread *apc_thread;
    struct krnl_object *next;  // all objects, newest first
};

// Something that can be waited for: an object, or a dispatcher header in the title's memory without one.
struct krnl_target {
    struct krnl_object *object;
    gva header; // 0: state is in the object
};

// A new object without handle. `body_size` > 0 makes it native: guest memory with a dispatcher header of `dispatcher`.
// NULL: out of host or guest memory.
struct krnl_object *krnl_object_new(struct kernel *k, enum krnl_type type, uint32_t body_size, uint8_t dispatcher);
void krnl_object_retain(struct krnl_object *object);
// Gives an object without one a body in system pages, with its state; its first waiters keep waiting. False: no guest memory.
bool krnl_object_give_body(struct kernel *k, struct krnl_object *object);
void krnl_object_release(struct kernel *k, struct krnl_object *object);

// Handles of titles: 0xF8000000 + 4 n, lowest free first. `host` handles (0x01000000 + 4 n) never reach the title.
// The event is in the stream of `creator` (NULL: the machine's).
uint32_t krnl_handle_open(struct kernel *k, struct krnl_object *object, bool host, const struct krnl_thread *creator);
bool krnl_handle_close(struct kernel *k, uint32_t handle, const struct krnl_thread *closer); // false: no such handle
// Also understands -1 (process: NULL) and -2 (current thread). Not retained. NULL: no such handle.
struct krnl_object *krnl_handle_object(struct kernel *k, uint32_t handle, const struct krnl_thread *current);
// The same, but only an object of `type`.
struct krnl_object *krnl_handle_typed(struct kernel *k, uint32_t handle, enum krnl_type type, const struct krnl_thread *current);
// The handle of an object (the first), 0: none.
uint32_t krnl_object_handle(const struct kernel *k, const struct krnl_object *object);
// The object whose guest body is at `body`, or NULL.
struct krnl_object *krnl_object_at(const struct kernel *k, gva body);
// By name (case-insensitive), or NULL.
struct krnl_object *krnl_object_named(const struct kernel *k, enum krnl_type type, const char *name);

struct krnl_target krnl_target_of(struct krnl_object *object);
struct krnl_target krnl_target_at(const struct kernel *k, gva header);
int32_t krnl_signal_state(const struct kernel *k, const struct krnl_target *target);
void krnl_set_signal_state(struct kernel *k, const struct krnl_target *target, int32_t state);
// Wakes whoever the target's state satisfies, oldest waiter first. Call after raising the state.
void krnl_signalled(struct kernel *k, const struct krnl_target *target, const struct krnl_thread *by);
