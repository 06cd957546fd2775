// placeholder until the module's first source
extern int system_placeholder;
int system_placeholder;
