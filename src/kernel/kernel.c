// placeholder until the module's first source
extern int kernel_placeholder;
int kernel_placeholder;
