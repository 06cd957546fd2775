// xam.h: the exports of xam, as in xboxkrnl.h.
#pragma once
#include <xenolith/xam_exports.h>
