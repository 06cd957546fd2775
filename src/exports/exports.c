// placeholder until the module's first source
extern int exports_placeholder;
int exports_placeholder;
