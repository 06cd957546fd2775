// placeholder until the module's first source
extern int xenos_placeholder;
int xenos_placeholder;
