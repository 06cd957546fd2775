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
