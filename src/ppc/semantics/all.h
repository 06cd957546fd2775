// all.h: the meaning of every instruction.
#pragma once
#include "ppc/semantics/branch.h"
#include "ppc/semantics/control.h"
#include "ppc/semantics/fp.h"
#include "ppc/semantics/integer.h"
#include "ppc/semantics/memory.h"
#include "ppc/semantics/vector_memory.h"
#include "ppc/semantics/vmx.h"
#include "ppc/semantics/vmx128.h"
