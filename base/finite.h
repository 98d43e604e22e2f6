/* Numbers that went wrong. */
#pragma once
#include <petscsys.h>

/* The index of the first number that is NaN or infinite; -1: there is none. Threaded. */
PetscInt64 SpanFirstNotFinite(PetscInt64 n, const float values[]);
