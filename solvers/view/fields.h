/* Pictures of sets of fields (io/fields.h). */
#pragma once
#include <petscsys.h>

/* Not collective. Input and output of sample `sample` side by side, or of the first three with -1, at up to three
   times; of three dimensions the middle plane; of one dimension x from left to right, times (or, without, samples)
   downwards. group: one of a file of several, or "". Errors (input): no such sample; the picture cannot be written. */
PetscErrorCode SpanViewFields(const char path[], const char group[], PetscInt sample, const char output[]);
