#include "cli/parity_config.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// ---- The file

static char *joined(const char *folder, const char *path)
{
    char *out = NULL;
    if (path[0] == '/' || !strcmp(path, "-"))
        return strdup(path);
    return asprintf(&out, "%s/%s", folder, path) < 0 ? NULL : out;
}

static bool take_text(const struct json_object *o, const char *key, const char *folder, char **out, struct error *err)
{
    struct json_object *v;
    if (!json_object_object_get_ex(o, key, &v))
        return true;
    if (!json_object_is_type(v, json_type_string))
        return error_set(err, ERR_FORMAT, "\"%s\" must be a string", key);
    free(*out);
    *out = folder ? joined(folder, json_object_get_string(v)) : strdup(json_object_get_string(v));
    return *out || error_set(err, ERR_MEMORY, "out of memory");
}

static bool take_list(const struct json_object *o, const char *key, const char *folder, char **out, size_t *count, struct error *err)
{
    struct json_object *v;
    if (!json_object_object_get_ex(o, key, &v))
        return true;
    bool list = json_object_is_type(v, json_type_array);
    size_t n = list ? json_object_array_length(v) : 1;
    if (n > PARITY_MAX_LIST)
        return error_set(err, ERR_LIMIT, "\"%s\" has more than %d entries", key, PARITY_MAX_LIST);
    for (size_t i = 0; i < n; i++) {
        struct json_object *item = list ? json_object_array_get_idx(v, i) : v;
        if (!json_object_is_type(item, json_type_string))
            return error_set(err, ERR_FORMAT, "\"%s\" must be a string or a list of strings", key);
        const char *text = json_object_get_string(item);
        if (!(out[*count] = folder ? joined(folder, text) : strdup(text)))
            return error_set(err, ERR_MEMORY, "out of memory");
        ++*count;
    }
    return true;
}

static bool take_compare(const struct json_object *o, struct par_options *out, struct error *err)
{
    struct json_object *v;
    if (json_object_object_get_ex(o, "frames", &v)) {
        if (!json_object_is_type(v, json_type_int) || json_object_get_int64(v) < 0)
            return error_set(err, ERR_FORMAT, "\"frames\" must be a number");
        out->frames = (uint64_t)json_object_get_int64(v);
    }
    if (json_object_object_get_ex(o, "by_ordinal", &v))
        out->by_ordinal = json_object_get_boolean(v);
    char *names[PARITY_MAX_LIST];
    size_t count = 0;
    bool ok = take_list(o, "no_rules", NULL, names, &count, err);
    for (size_t i = 0; i < count; i++) {
        enum par_rule rule = PAR_RULE_COUNT;
        if (ok && !par_rule_by_name(names[i], &rule))
            ok = error_set(err, ERR_FORMAT, "no rule '%s'; `xenolith diff --rules` lists them", names[i]);
        else if (ok)
            out->rules_off |= (uint64_t)1 << rule;
        free(names[i]);
    }
    return ok;
}

static bool only_known_keys(struct json_object *o, struct error *err)
{
    static const char *const known[] = {"title", "executable", "command", "bisect_command", "build", "ledger", "log", "options", "reference", "frames", "by_ordinal",
                                        "no_rules", "comment"};
    json_object_object_foreach(o, key, value) {
        bool found = false;
        (void)value;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            found = found || !strcmp(known[i], key);
        if (!found)
            return error_set(err, ERR_FORMAT, "no key \"%s\" is known (docs/parity-ledger.md)", key);
    }
    return true;
}

static bool fill(struct parity_config *c, struct json_object *o, struct error *err)
{
    if (!json_object_is_type(o, json_type_object))
        return error_set(err, ERR_FORMAT, "a JSON object is wanted");
    c->ledger = joined(c->folder, "ledger.txt");
    if (!only_known_keys(o, err) || !take_text(o, "title", NULL, &c->title, err) || !take_text(o, "executable", c->folder, &c->executable, err) ||
        !take_text(o, "command", NULL, &c->command, err) || !take_text(o, "build", NULL, &c->build, err) ||
        !take_text(o, "bisect_command", NULL, &c->bisect_command, err) ||
        !take_text(o, "ledger", c->folder, &c->ledger, err) || !take_text(o, "log", c->folder, &c->log, err) ||
        !take_list(o, "options", NULL, c->options, &c->option_count, err) ||
        !take_list(o, "reference", c->folder, c->references, &c->reference_count, err) || !take_compare(o, &c->compare, err))
        return false;
    if (!c->title || !c->reference_count || (!c->executable && !c->command))
        return error_set(err, ERR_FORMAT, "\"title\", \"reference\" and \"executable\" or \"command\" are needed");
    if (!c->log) {
        char name[128];
        snprintf(name, sizeof name, "%.100s.xtrace", c->title);
        c->log = joined(c->folder, name);
    }
    return (c->log && c->ledger) || error_set(err, ERR_MEMORY, "out of memory");
}

bool parity_config_read(struct parity_config *out, const char *path, struct error *err)
{
    *out = (struct parity_config){0};
    char *copy = strdup(path);
    out->folder = copy ? strdup(dirname(copy)) : NULL;
    free(copy);
    if (!out->folder)
        return error_set(err, ERR_MEMORY, "out of memory");
    struct json_object *o = json_object_from_file(path);
    bool ok = o ? fill(out, o, err) : error_set(err, ERR_FORMAT, "no JSON can be read there");
    json_object_put(o);
    if (ok)
        return true;
    parity_config_free(out);
    return error_context(err, "%s", path);
}

void parity_config_free(struct parity_config *c)
{
    char *const texts[] = {c->folder, c->title, c->executable, c->command, c->bisect_command, c->build, c->ledger, c->log};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        free(texts[i]);
    for (size_t i = 0; i < c->option_count; i++)
        free(c->options[i]);
    for (size_t i = 0; i < c->reference_count; i++)
        free(c->references[i]);
    *c = (struct parity_config){0};
}

// ---- Templates

static void put_quoted(FILE *out, const char *text)
{
    putc('\'', out);
    for (; text && *text; text++)
        if (*text == '\'')
            fputs("'\\''", out);
        else
            putc(*text, out);
    putc('\'', out);
}

char *parity_expand(const char *template, const struct parity_words *words)
{
    const struct {
        const char *word, *value;
    } rows[] = {{"{log}", words->log}, {"{executable}", words->executable}, {"{title}", words->title}, {"{worktree}", words->worktree},
                {"{commit}", words->commit}};
    char *text = NULL;
    size_t size = 0, row;
    FILE *out = open_memstream(&text, &size);
    if (!out)
        return NULL;
    while (*template) {
        for (row = 0; row < sizeof rows / sizeof *rows; row++)
            if (!strncmp(template, rows[row].word, strlen(rows[row].word)))
                break;
        if (row == sizeof rows / sizeof *rows) {
            putc(*template++, out);
            continue;
        }
        put_quoted(out, rows[row].value);
        template += strlen(rows[row].word);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}

// ---- Programs

// The exit status as a shell gives it.
static int wait_for(pid_t pid)
{
    int status = 0;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void become(const char *folder, int output, const char *const *argv)
{
    if ((folder && chdir(folder)) || dup2(output, STDOUT_FILENO) < 0)
        _exit(127);
    union {
        const char *const *in;
        char **out;
    } words = {argv}; // execvp does not write to them
    execvp(argv[0], words.out);
    fprintf(stderr, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int run(const char *folder, const char *const *argv)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0)
        become(folder, STDERR_FILENO, argv);
    return pid < 0 ? -1 : wait_for(pid);
}

int parity_shell(const char *command, const char *folder)
{
    return run(folder, (const char *const[]){"sh", "-c", command, NULL});
}

bool parity_first_line(char *out, size_t size, const char *folder, const char *const *argv)
{
    int ends[2];
    out[0] = 0;
    if (pipe(ends))
        return false;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        close(ends[0]);
        int null = open("/dev/null", O_WRONLY);
        if (null >= 0)
            dup2(null, STDERR_FILENO);
        become(folder, ends[1], argv);
    }
    close(ends[1]);
    FILE *in = pid < 0 ? NULL : fdopen(ends[0], "r");
    if (!in) {
        close(ends[0]);
        return pid > 0 && wait_for(pid) == 0 && false;
    }
    bool got = fgets(out, (int)size, in) != NULL;
    char rest[512];
    while (fgets(rest, sizeof rest, in))
        continue;
    fclose(in);
    out[strcspn(out, "\r\n")] = 0;
    return wait_for(pid) == 0 && got;
}

static int run_ours(const struct parity_config *c)
{
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
    if (n < 0)
        return -1;
    self[n] = 0;
    const char *argv[PARITY_MAX_LIST + 8] = {self, "run", c->executable};
    size_t count = 3;
    for (size_t i = 0; i < c->option_count; i++)
        argv[count++] = c->options[i];
    argv[count++] = "--trace";
    argv[count++] = c->log;
    return run(NULL, argv);
}

bool parity_make_log(const struct parity_config *c, struct error *err)
{
    int status;
    unlink(c->log);
    if (c->command) {
        char *text = parity_expand(c->command, &(struct parity_words){.log = c->log, .executable = c->executable, .title = c->title});
        status = text ? parity_shell(text, NULL) : -1;
        free(text);
    } else {
        status = run_ours(c);
    }
    if (access(c->log, R_OK))
        return error_set(err, ERR_IO, "no log came to %s; the run's status was %d", c->log, status);
    return true;
}
