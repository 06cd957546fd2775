// placeholder until the module's first source
extern int gpu_placeholder;
int gpu_placeholder;
