/* Coil sensitivities: multiplication of image sets by maps, c_j = sum_s S_sj x_s, and its adjoint. */
#pragma once
#include <petscmat.h>
#include <complex.h>

typedef struct {
  PetscInt n_sets, n_coils, n_pixels;
  float complex *maps; /* (n_sets, n_coils, n_pixels); the caller's */
} SpanCoils;

/* images: (n_sets, n_pixels) -> coil images (n_coils, n_pixels). */
void SpanCoilsForward(const SpanCoils *coils, const float complex *images, float complex *coil_images);
/* The adjoint; coils are summed in their order, whatever the number of threads. */
void SpanCoilsAdjoint(const SpanCoils *coils, const float complex *coil_images, float complex *images);
/* `coils` must outlive the Mat. */
PetscErrorCode SpanCoilsCreateMat(SpanCoils *coils, Mat *mat);
