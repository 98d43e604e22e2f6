/* A reconstruction method is a machine that takes one step at a time on one slice, so that the driver can stop it,
   write its state and go on from it. */
#pragma once
#include <petscksp.h>
#include <complex.h>
#include <stdint.h>
#include <subspan/operators/imaging/sense.h>
#include <subspan/operators/networks/prior.h>

enum { span_recon_max_state = 8 };

/* How to sample with a prior. Noise levels are in units of the prior's data. */
typedef struct {
  char schedule[PETSC_MAX_PATH_LEN];    /* of the noise levels: see levels.h */
  char start[PETSC_MAX_PATH_LEN];       /* "noise", or the method whose image it starts from */
  char consistency[PETSC_MAX_PATH_LEN]; /* dds: "noisy" or "noiseless" data */
  PetscInt steps;
  PetscReal sigma_max, sigma_min; /* first and last noise level; sigma_min 0: that of the data */
  PetscReal eta;                  /* dds: share of fresh noise, 0 none, 1 all */
  PetscReal weight;               /* dds: of the data; 0: from the noise */
  PetscReal diffpir_lambda, diffpir_zeta;
  PetscReal pnp_lambda;
  PetscReal annealed_snr, annealed_lambda;
  PetscReal dps_step;
} SpanReconSamplerOptions;

/* What the methods with a prior get beside. */
typedef struct {
  SpanTape tape;
  SpanPrior prior;
  MPI_Comm team; /* shares the patches of a slice */
  const SpanReconSamplerOptions *options;
} SpanReconPriorProblem;

/* What a method gets: one slice's operator and data. */
typedef struct {
  SpanSense sense;
  PetscInt ny, nx, n_sets;
  PetscInt slice;  /* global index: keys the random numbers */
  PetscInt sample; /* of the slice: keys the random numbers */
  uint64_t seed;
  const float complex *start;         /* the image to start from, or NULL; of samplers */
  const float complex *adjoint;       /* A'y, (n_sets, ny, nx) */
  const float complex *gridded;       /* A'W y with the file's density weights W; A'y where it has none */
  double data_power;                  /* |y|^2, over all coils */
  double norm;                        /* an upper bound of the largest eigenvalue of A'A */
  double noise;                       /* standard deviation of a complex sample's real part, estimated from the data */
  double strength;                    /* of the regularisation; negative: the method's default from the data */
  PetscInt iterations;                /* at most; 0: the method's default */
  double tolerance;                   /* relative change that ends it; 0: the method's default */
  const SpanReconPriorProblem *prior; /* NULL for methods without */
} SpanReconProblem;

/* A piece of a method's state, saved in checkpoints. */
typedef struct {
  const char *name;
  void *data;
  size_t bytes;
} SpanReconState;

typedef struct SpanReconSolver_ *SpanReconSolver;

typedef struct {
  const char *name;
  PetscErrorCode (*create)(SpanReconSolver solver);
  /* One step; sets solver->done when it has converged or run out of steps. */
  PetscErrorCode (*step)(SpanReconSolver solver);
  /* The image so far, (n_sets, ny, nx). */
  PetscErrorCode (*image)(SpanReconSolver solver, float complex *image);
  PetscErrorCode (*destroy)(SpanReconSolver solver);
  PetscInt (*work_images)(void); /* complex images of work memory, for --plan */
} SpanReconMethod;

struct SpanReconSolver_ {
  const SpanReconMethod *method;
  const SpanReconProblem *problem;
  PetscInt iteration;   /* steps done; for zero_filled and cg those of the inner solver */
  PetscInt evaluations; /* of the prior's network on the whole image, so far */
  PetscBool done;
  double strength; /* as used */
  /* Of the last step, for --monitor; NAN where a method has none: the relative change of the image, the noise level,
     the relative residual of CG. */
  double change, level, residual;
  SpanReconState state[span_recon_max_state];
  int n_state;
  void *data;
};

/* NULL if there is none of that name. */
const SpanReconMethod *SpanReconMethodFind(const char name[]);

PetscErrorCode SpanReconSolverCreate(const SpanReconMethod *method, const SpanReconProblem *problem,
                                     SpanReconSolver *solver);
PetscErrorCode SpanReconSolverDestroy(SpanReconSolver *solver);

extern const SpanReconMethod SpanReconZeroFilled, SpanReconCG, SpanReconWavelet, SpanReconTV, SpanReconDDS,
    SpanReconDiffPIR, SpanReconPnP, SpanReconAnnealed, SpanReconDPS;
