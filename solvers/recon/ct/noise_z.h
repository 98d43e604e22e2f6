/* The noise that a sampler adds to a volume of nz slices, by slice. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef enum {
  SPAN_NOISE_INDEPENDENT, /* each slice has its own */
  SPAN_NOISE_SHARED,      /* all have the same */
  SPAN_NOISE_SPHERE       /* between two anchors, of the first and the last slice, along the great circle that they span
                             (ISCS, arXiv 2602.04162): z_k = (sin((1 - a) W) z_0 + sin(a W) z_1) / sin W, a = k / (nz - 1),
                             W the angle between z_0 and z_1 */
} SpanNoiseZ;
/* "independent", "shared", "sphere", NULL-ended. */
extern const char *const SpanNoiseZNames[];

/* noise: (count, plane), of slices first .. first + count of draw number `draw`: normal numbers, the same wherever
   they are drawn. scratch: (2 plane). */
void SpanNoiseZDraw(SpanNoiseZ kind, uint64_t seed, PetscInt draw, PetscInt nz, PetscInt plane, PetscInt first,
                    PetscInt count, float *scratch, float *noise);
