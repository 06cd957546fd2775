// placeholder until the module's first source
extern int memory_placeholder;
int memory_placeholder;
