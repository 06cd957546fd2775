// gpu.c: life of the GPU.
#include "gpu/gpu.h"
extern int gpu_placeholder;
int gpu_placeholder;
