// placeholder until the module's first source
extern int storage_placeholder;
int storage_placeholder;
