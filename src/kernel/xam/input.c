// XamInput*: pads, through the owner's struct krnl_input.
#include "kernel/api.h"
#include "kernel/state.h"

enum {
    ERROR_BAD_ARGUMENTS = 160,
    ERROR_DEVICE_NOT_CONNECTED = 0x48F,
    USER_ANY = 0xFF,
    FLAG_GAMEPAD = 1,
    FLAG_ANY_USER = (int)0x40000000,
    STATE_BYTES = 16,
    PORTS = 4,
};

static uint32_t port_of(uint32_t user, uint32_t flags)
{
    return (user & 0xFF) == USER_ANY || flags & (uint32_t)FLAG_ANY_USER ? 0 : user;
}

static uint32_t pad_state(const struct krnl_call *c, uint32_t port, uint8_t state[STATE_BYTES])
{
    const struct krnl_input *input = &c->k->config.input;
    return port < PORTS && input->state ? input->state(input->user, port, state) : ERROR_DEVICE_NOT_CONNECTED;
}

uint32_t XamInputGetState(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t state_ptr)
{
    uint8_t state[STATE_BYTES] = {0};
    if (flags & 0xFF && !(flags & FLAG_GAMEPAD))
        return ERROR_DEVICE_NOT_CONNECTED;
    uint32_t error = pad_state(c, port_of(user, flags), state);
    if (!error && state_ptr && !mem_write(c->mem, state_ptr, state, sizeof state))
        return ERROR_BAD_ARGUMENTS;
    return error;
}

static uint32_t capabilities(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t caps_ptr)
{
    // A wired standard pad: everything that it has reads as all ones, motors too.
    static const uint8_t standard_pad[20] = {1,    1,    0,    0,    0xF3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                             0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    uint8_t state[STATE_BYTES];
    if (!mem_fill(c->mem, caps_ptr, 0, sizeof standard_pad))
        return ERROR_BAD_ARGUMENTS;
    uint32_t error = pad_state(c, port_of(user, flags), state);
    if (!error)
        mem_write(c->mem, caps_ptr, standard_pad, sizeof standard_pad);
    return error;
}

uint32_t XamInputGetCapabilities(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t caps_ptr)
{
    return capabilities(c, user, flags, caps_ptr);
}

uint32_t XamInputGetCapabilitiesEx(struct krnl_call *c, uint32_t unknown, uint32_t user, uint32_t flags,
                                   uint32_t caps_ptr)
{
    enum { ERROR_NOT_SUPPORTED = 50 };
    return unknown > 1 ? ERROR_NOT_SUPPORTED : capabilities(c, user, flags, caps_ptr);
}

uint32_t XamInputSetState(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t vibration)
{
    uint8_t state[STATE_BYTES];
    (void)flags;
    if (user >= PORTS)
        return 0x80070000u | ERROR_DEVICE_NOT_CONNECTED;
    if (!mem_valid(c->mem, vibration, 4, MEM_READ))
        return ERROR_BAD_ARGUMENTS;
    return pad_state(c, user, state);
}

static uint32_t keystroke(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t keystroke_ptr)
{
    enum { KEYSTROKE_BYTES = 8, ERROR_EMPTY = 4306 };
    uint8_t state[STATE_BYTES];
    if (!mem_valid(c->mem, keystroke_ptr, KEYSTROKE_BYTES, MEM_WRITE))
        return ERROR_BAD_ARGUMENTS;
    uint32_t error = pad_state(c, port_of(user, flags), state);
    return error ? error : ERROR_EMPTY;
}

uint32_t XamInputGetKeystroke(struct krnl_call *c, uint32_t user, uint32_t flags, uint32_t keystroke_ptr)
{
    return keystroke(c, user, flags, keystroke_ptr);
}

uint32_t XamInputGetKeystrokeEx(struct krnl_call *c, uint32_t user_ptr, uint32_t flags, uint32_t keystroke_ptr)
{
    uint32_t user;
    return mem_get32(c->mem, user_ptr, &user) ? keystroke(c, user, flags, keystroke_ptr) : ERROR_BAD_ARGUMENTS;
}
