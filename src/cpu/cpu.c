// placeholder until the module's first source
extern int cpu_placeholder;
int cpu_placeholder;
