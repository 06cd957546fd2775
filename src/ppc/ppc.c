// placeholder until the module's first source
extern int ppc_placeholder;
int ppc_placeholder;
