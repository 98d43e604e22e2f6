/* Products of two complex tensors whose axes bear labels: an axis of both that the result lacks is summed over. The
   bricks of spectral_plan.h. */
#pragma once
#include <subspan/operators/tensor/arena.h>

enum { span_labelled_max_axes = 10 };

/* A complex tensor, (re, im) side by side, last axis fastest. */
typedef struct {
  int n;
  int label[span_labelled_max_axes];
  PetscInt64 size[span_labelled_max_axes];
  float *data;
} SpanLabelled;

PetscInt64 SpanLabelledSize(const SpanLabelled *t); /* complex numbers */

/* Sets the axes of `out` to those of a and b whose labels are in the bits of `labels`, in rising order. */
void SpanContractAxes(const SpanLabelled *a, const SpanLabelled *b, uint32_t labels, SpanLabelled *out);
/* out = sum a b, or a conj(b), or out += with `add`. out: labels, sizes and memory given. Each label of a or b is in at
   least one of the other two. Threaded; sums have one order whatever the number of threads. */
PetscErrorCode SpanContract(SpanArena arena, const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate,
                            PetscBool add, const SpanLabelled *out);
