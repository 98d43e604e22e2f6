/* FFTW plans, kept for the life of the program: the same one is handed out again. They are FFTW_ESTIMATE: plans that
   FFTW times would change the bits from run to run. */
#pragma once
#include <petscsys.h>

struct fftwf_plan_s;

/* Transforms of length n, unnormalised, in place, data on 16 bytes: `stride` from one number to the next, repeated
   along three axes. */
typedef struct {
  PetscInt n, stride, count[3], distance[3], sign; /* -1 forward, 1 backward */
} SpanPlanShape;

PetscErrorCode SpanPlanInPlace(const SpanPlanShape *shape, struct fftwf_plan_s **plan);

/* One line of n numbers from one array to another, both on 16 bytes. In place, FFTW takes twice the time. */
PetscErrorCode SpanPlanLine(PetscInt n, int sign, struct fftwf_plan_s **plan);
