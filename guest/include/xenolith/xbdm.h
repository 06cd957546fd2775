// xbdm.h: the exports of xbdm, as in xboxkrnl.h.
#pragma once
#include <xenolith/xbdm_exports.h>
