// The HTML page: the template of report.html, with the result's JSON and the tables' words put in.
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "memory/memory.h"
#include "parity/report.h"
#include "report_template.h"

// JSON inside of <script>: no "<" may be seen by the HTML parser.
static void put_json(FILE *out, const char *json)
{
    for (; *json; json++) {
        if (*json == '<')
            fputs("\\u003c", out);
        else
            fputc(*json, out);
    }
}

static struct json_object *class_words(void)
{
    struct json_object *o = json_object_new_object();
    for (unsigned i = 0; i < PAR_CLASS_COUNT; i++)
        json_object_object_add(o, par_class_name((enum par_class)i), json_object_new_string(par_class_meaning((enum par_class)i)));
    return o;
}

static struct json_object *rule_words(void)
{
    struct json_object *o = json_object_new_object();
    for (unsigned i = 0; i < PAR_RULE_COUNT; i++)
        json_object_object_add(o, par_rule_name((enum par_rule)i), json_object_new_string(par_rule_does((enum par_rule)i)));
    return o;
}

static struct json_object *address_map(void)
{
    struct json_object *list = json_object_new_array();
    for (unsigned i = 0; i < MEM_BUS; i++) {
        const struct mem_region *r = mem_region((enum mem_heap)i);
        struct json_object *o = json_object_new_object();
        json_object_object_add(o, "region", json_object_new_string(r->name));
        json_object_object_add(o, "base", json_object_new_int64(r->base));
        json_object_object_add(o, "size", json_object_new_int64(r->size));
        json_object_array_add(list, o);
    }
    return list;
}

static void put_extra(FILE *out)
{
    struct json_object *o = json_object_new_object();
    json_object_object_add(o, "classes", class_words());
    json_object_object_add(o, "rules", rule_words());
    json_object_object_add(o, "map", address_map());
    put_json(out, json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN));
    json_object_put(o);
}

bool par_write_html(FILE *out, const struct par_result *r, struct error *err)
{
    char *json = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&json, &size);
    if (!memory)
        return error_set(err, ERR_MEMORY, "out of memory for the page");
    par_write_json(memory, r);
    if (fclose(memory)) {
        free(json);
        return error_set(err, ERR_MEMORY, "out of memory for the page");
    }
    for (size_t i = 0; i < sizeof report_template / sizeof *report_template; i++) {
        const char *line = report_template[i], *data = strstr(line, "@DATA@"), *extra = strstr(line, "@EXTRA@");
        const char *mark = data ? data : extra;
        if (!mark) {
            fputs(line, out);
            continue;
        }
        fwrite(line, 1, (size_t)(mark - line), out);
        if (data)
            put_json(out, json);
        else
            put_extra(out);
        fputs(strchr(mark + 1, '@') + 1, out);
    }
    free(json);
    return true;
}
