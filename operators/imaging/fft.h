/* The centred orthonormal Fourier transform in 2D and 3D, float, by FFTW:

     X[k] = 1/sqrt(N) sum_r x[r] exp(-2 pi i (k - c).(r - c) / n),   c = floor(n / 2) along each axis,

   so that the image's centre and k = 0 both lie at index floor(n/2) and the adjoint is the inverse. */
#pragma once
#include <petscmat.h>
#include <complex.h>

typedef struct SpanFFT_ *SpanFFT;

/* dims: 2 or 3 sizes, slowest first. */
PetscErrorCode SpanFFTCreate(int n_dims, const PetscInt dims[], SpanFFT *fft);
PetscErrorCode SpanFFTDestroy(SpanFFT *fft);
/* in, out: dims; may be the same array. */
PetscErrorCode SpanFFTForward(SpanFFT fft, const float complex *in, float complex *out);
PetscErrorCode SpanFFTAdjoint(SpanFFT fft, const float complex *in, float complex *out);
/* A Mat of n_images transforms side by side on interleaved Vecs (operators/imaging/interleaved.h). */
PetscErrorCode SpanFFTCreateMat(SpanFFT fft, PetscInt n_images, Mat *mat);

/* The row stride that keeps columns apart in the cache: the next odd multiple of 8 complex numbers. With a power of two
   the transform along columns is 13 times slower. */
PetscInt SpanFFTStride(PetscInt nx);

/* One line of n numbers by a plan of SpanPlanLine, centred and orthonormal; in and out may be the same array. */
struct fftwf_plan_s;
void SpanFFTCentredLine(struct fftwf_plan_s *plan, PetscInt n, const float complex *in, float complex *out);
