/* What the methods with a learned prior share: an image in the units of the prior's data, its noise, the prior's
   estimate of the clean image, and the solution that agrees with the scan's data.

   All is in the variance-exploding form x = clean + level noise. A variance-preserving sampler's state is x times
   sqrt(a_t) with level = sqrt((1 - a_t) / a_t), so that its steps are the same steps on other levels. */
#pragma once
#include <subspan/operators/tensor/tensor.h>
#include <subspan/solvers/recon/mri/method.h>

typedef struct SpanSampler_ {
  const SpanReconProblem *problem;
  PetscInt *evaluations;            /* the solver's count */
  PetscInt n;                       /* complex numbers of the image, all map sets */
  double scale;                     /* image of the prior = scale x image of the scan */
  double noise;                     /* of a sample's real part, in the prior's units */
  double *levels;                   /* steps + 1: the noise levels, the last 0 */
  float complex *x, *estimate;      /* the noisy image; the prior's estimate of the clean one */
  float complex *work, *noise_work; /* (n) each */
  SpanTensor tensor;                /* (sets, ny, nx, 2), around x */
  KSP ksp;
  Mat normal;
  Vec solution, rhs;
  double identity, weight; /* of the operator identity + weight A'A */
  double residual;         /* relative, of the last KSPSolve */
  /* 2 n normal numbers: draw `number` of this slice and sample; Philox, unless another takes its place. */
  void (*draw)(const struct SpanSampler_ *sampler, PetscInt number, float normals[]);
} SpanSampler;

/* KSP's prefix is the method's name; `iterations` and `tolerance` are its defaults. x is the start that the options
   name, with noise of the first level on it if it is to be noisy. Sets the solver's state and data. */
PetscErrorCode SpanSamplerCreate(SpanReconSolver solver, PetscInt iterations, double tolerance, PetscBool noisy);
/* Frees solver->data. */
PetscErrorCode SpanSamplerDestroy(SpanReconSolver solver);
/* x / scale */
PetscErrorCode SpanSamplerImage(SpanReconSolver solver, float complex *image);
/* Complex images of work memory, for --plan. */
PetscInt SpanSamplerWorkImages(void);

/* Counts a step; the solver is done after the last one. */
void SpanSamplerStepped(SpanReconSolver solver);

/* The random shift of the prior's patch grid in a step. */
void SpanSamplerShift(const SpanSampler *sampler, PetscInt step, PetscInt offset[2]);
/* estimate = D(x; level) */
PetscErrorCode SpanSamplerDenoise(SpanSampler *sampler, PetscInt step, double level);
/* image = J' image, J the derivative of D(x; level) by x in the same step's patches. Not counted. */
PetscErrorCode SpanSamplerPullBack(SpanSampler *sampler, PetscInt step, double level, float complex *image);
/* image = argmin identity |u - image|^2 + weight |A u - scale y|^2 by KSP, from u = image. identity = 0: the data
   alone. */
PetscErrorCode SpanSamplerAgree(SpanSampler *sampler, PetscInt step, double identity, double weight,
                                float complex *image);
/* image += level z, z normal in real and imaginary part: number `draw` of this slice and sample. */
void SpanSamplerAddNoise(SpanSampler *sampler, PetscInt draw, double level, float complex *image);
/* (level / noise)^2, the weight of data with this noise beside an estimate that is off by `level`; at most such that a
   few steps of CG can use it. */
double SpanSamplerWeight(const SpanSampler *sampler, double level);
