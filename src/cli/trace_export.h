// trace_export.h: `xenolith trace export`, the other half of cmd_trace.c.
#pragma once

int cli_trace_export(int argc, char **argv); // argv[1] is "export"
