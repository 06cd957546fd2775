// fast.h: two binary logs that hold the same events in the same order are found equal without decoding them. Internal to parity/.
#pragma once
#include <stdbool.h>

#include "parity/parity.h"

// True: the logs agree in every event (only when each happened may differ) and `out` is filled but for its inputs' paths.
// False: they do not, or cannot be compared so: nothing is said about them.
bool par_compare_encoded(struct par_result *out, const char *reference, const char *ours, const struct par_options *options);
