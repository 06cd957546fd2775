// wire.h: how a console's parts see each other. Private to system/.
#pragma once
#include "system/state.h"

// Makes the GPU and its MMIO window, and the XMA window.
bool sys_wire_gpu(struct sys *s, struct error *err);
// The GPU as the kernel sees it.
void sys_wire_video(struct sys *s, struct krnl_video *video);
