/* Whether the deviation of samples tells the error of their mean. */
#pragma once
#include <petscsys.h>

/* Sums over the pixels of a slice where the reference is above a threshold; all doubles, added as they are. */
typedef struct {
  double n, d, e, dd, ee, de, covered; /* d: deviation, e: |mean - reference| */
} SpanErrorSums;

/* covered: where e <= interval x d. */
SpanErrorSums SpanErrorSum(PetscInt pixels, const float *mean, const float *deviation, const float *reference,
                           double threshold, double interval);
/* Of all slices: Pearson's correlation of d and e, NaN where one of them is constant; the share of covered pixels. */
void SpanErrorFigures(PetscInt n_slices, const SpanErrorSums *sums, double *correlation, double *coverage);

/* How many deviations of `samples` samples around their mean hold the truth nine times in ten, if it were one more of
   them and they were normal: Student's t of samples - 1 degrees of freedom times sqrt(1 + 1 / samples). */
double SpanErrorInterval90(PetscInt samples);
