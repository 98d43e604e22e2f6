/* Gaussian random fields by FFT: draws from N(0, sigma^2 (-Lap + tau^2)^(-alpha)), the mean taken out.

   The box is prod [0, L_i], and functions are measured by the mean over it (for the unit box the usual inner product):

     Neumann   u(x) = sum_k sigma (pi^2 |k/L|^2 + tau^2)^(-alpha/2) xi_k prod_i c(k_i) cos(pi k_i x_i / L_i),
               k_i = 0, 1, ..., c(0) = 1, c = sqrt 2 otherwise; at points i L / (n - 1), both ends
     periodic  u(x) = sum_k sigma (4 pi^2 |k/L|^2 + tau^2)^(-alpha/2) z_k exp(2 pi i k.x/L), k of both signs, z_-k the
               conjugate of z_k, |z_k|^2 of mean 1; at points i L / n

   with xi standard normal, and k = 0 left out. Frequencies go up to the grid's, without Nyquist. The variance at a
   point is that of the operator's trace: the mean of u^2 over the box is sum_k sigma^2 lambda_k^-alpha. The number of
   mode k depends on (seed, sample, k) alone, so a sample on a finer grid is the same function with higher frequencies
   added. Transforms are in double precision. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef enum { SPAN_GAUSSIAN_NEUMANN, SPAN_GAUSSIAN_PERIODIC } SpanGaussianBoundary;

typedef struct {
  SpanGaussianBoundary boundary;
  int n_dims;       /* 1 to 3 */
  PetscInt n[3];    /* points along each axis, the slowest first */
  double length[3]; /* L */
  double sigma, tau, alpha;
} SpanGaussianOptions;

typedef struct SpanGaussianField_ *SpanGaussianField;

PetscErrorCode SpanGaussianFieldCreate(const SpanGaussianOptions *options, SpanGaussianField *field);
/* u: (n[0], n[1], n[2]). */
PetscErrorCode SpanGaussianFieldSample(SpanGaussianField field, uint64_t seed, uint32_t sample, double *u);
PetscErrorCode SpanGaussianFieldDestroy(SpanGaussianField *field);
/* Bytes that a field holds besides u. */
double SpanGaussianFieldMemory(const SpanGaussianOptions *options);
