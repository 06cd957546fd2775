// placeholder until the module's first source
extern int xex_placeholder;
int xex_placeholder;
