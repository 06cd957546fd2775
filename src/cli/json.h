// json.h: JSON of the command line's own output, where the host's memory may end.
#pragma once
#include <json-c/json.h>

// `made`, or, where json-c had no memory for it, the end of the process with a message and CLI_ERROR: json-c itself aborts
// when it is given the NULL.
json_object *cli_json(json_object *made);
