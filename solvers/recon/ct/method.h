/* A method that reconstructs a CT volume is a machine that takes one step at a time on the whole volume, all ranks
   together, so that the driver can stop it, write its state and go on from it. The volume is in slabs of slices over
   ranks, the projections in slabs of detector rows (operators/imaging/slabs.h). */
#pragma once
#include <subspan/base/progress.h>
#include <subspan/operators/imaging/slabs.h>
#include <subspan/solvers/recon/options.h>

enum { span_ct_max_state = 8 };

/* What a method gets. Every array is this rank's. */
typedef struct {
  SpanSlabs slabs;
  const SpanCTGeometry *geometry; /* of the whole volume */
  const SpanSlabsInfo *local;     /* this rank's slices and rows */
  const char *path;               /* of the projections, for messages */
  const float *lines;             /* (n_views, n_rows, n_u), line integrals */
  const float *weights;           /* the same shape: 1 / variance of each; 0 where there is no measurement */
  PetscInt64 n_measured;          /* rays with a weight, of all ranks */
  double noise_power;             /* sum of the variances of the measured, of all ranks */
  double step;                    /* mm from slice to slice */
  double water;                   /* linear attenuation of water, 1/mm; 0: not known */
  PetscBool hu;                   /* --least and --most are in HU */
  uint64_t seed;
  double strength;                    /* of the regularisation; negative: the method's default from the data */
  PetscInt iterations;                /* exactly so many; 0: until the method's rule ends it */
  double tolerance;                   /* of that rule; 0: the method's default */
  const SpanReconOptions *options;    /* of one method alone: options->ct, options->sampler */
  const SpanReconPriorProblem *prior; /* NULL for methods without; its team is one rank: denoise the slab's slices */
} SpanCTProblem;

/* A piece of a method's state, saved in checkpoints as global arrays, so that any number of ranks can take it up. */
typedef struct {
  const char *name;
  enum { SPAN_CT_STATE_VOLUME, SPAN_CT_STATE_PROJECTIONS, SPAN_CT_STATE_NUMBERS } kind;
  PetscInt count; /* arrays one after the other: data is (count, n_slices, ny, nx), (count, n_views, n_rows, n_u) of
                     float, or (count) doubles that are the same on all ranks */
  void *data;
} SpanCTState;

typedef struct SpanCTSolver_ *SpanCTSolver;

/* All functions but `memory` are collective. */
typedef struct {
  const char *name;
  PetscErrorCode (*create)(SpanCTSolver solver);
  /* One step; sets solver->done when it has converged or run out of steps. */
  PetscErrorCode (*step)(SpanCTSolver solver);
  /* The volume so far, (n_slices, ny, nx), 1/mm. */
  PetscErrorCode (*volume)(SpanCTSolver solver, float *volume);
  PetscErrorCode (*destroy)(SpanCTSolver solver);
  /* Bytes that it holds on this rank beside the problem's arrays and slabs. */
  double (*memory)(const SpanCTGeometry *geometry, PetscInt n_slices, PetscInt n_rows);
} SpanCTMethod;

struct SpanCTSolver_ {
  const SpanCTMethod *method;
  const SpanCTProblem *problem;
  PetscInt iteration;   /* steps done; of a method that is one step, those of its inner solver */
  PetscInt steps;       /* at most, for the progress */
  PetscInt evaluations; /* of the prior's network on the whole volume, so far */
  PetscBool done;
  double strength;       /* as used */
  double change;         /* of the volume in the last step, relative; NAN where a method has none */
  SpanProgress progress; /* for a method that is one step with steps in it; NULL without */
  SpanCTState state[span_ct_max_state];
  int n_state;
  /* The standard deviation of several samples, as the volume; NULL without. */
  PetscErrorCode (*deviation)(SpanCTSolver solver, float *deviation);
  void *data;
};

/* NULL if there is none of that name. */
const SpanCTMethod *SpanCTMethodFind(const char name[]);

PetscErrorCode SpanCTSolverCreate(const SpanCTMethod *method, const SpanCTProblem *problem, SpanCTSolver *solver);
PetscErrorCode SpanCTSolverDestroy(SpanCTSolver *solver);
/* Counts a step after which x is `size` long, squared, and which moved it by `change`, squared. Done after
   solver->steps, or, unless the options say how many, from step `least` on when it moved less than --tolerance |x|, or
   `tolerance`. */
void SpanCTSolverStepped(SpanCTSolver solver, PetscInt least, double tolerance, double change, double size);

extern const SpanCTMethod SpanCTFBP, SpanCTFDK, SpanCTCGLS, SpanCTTikhonov, SpanCTSIRT, SpanCTTV, SpanCTPWLS, SpanCTDDS;
