// placeholder until the module's first source
extern int trace_placeholder;
int trace_placeholder;
