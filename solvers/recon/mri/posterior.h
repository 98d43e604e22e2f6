/* Several samples of the posterior: their mean, how much they differ, and whether that tells the error. */
#pragma once
#include <cjson/cJSON.h>
#include <subspan/io/volume.h>
#include <subspan/operators/imaging/metrics.h>
#include <subspan/solvers/recon/mri/run.h>

typedef struct {
  float *magnitude, *phase; /* (n_mine, ny, nx), of the mean, on the team's first rank */
  float *deviation;         /* standard deviation of the magnitudes */
  PetscBool compared;       /* there is a reference, and rank 0 has: */
  SpanMetrics single;       /* the mean over samples of each one's figures */
  double correlation;       /* of the deviation with the error of the mean; NaN if either is constant */
  double correlation_all;   /* the same over all pixels, the background too */
  double coverage;          /* share of pixels where the mean is off by no more than the 90 % interval */
} SpanReconPosterior;

/* Collective. Brings the samples of each slice together on the group that it belongs to, one slice at a time. With
   several map sets the magnitudes are averaged, since only the first set's phase is kept. data_range: the reference's
   maximum; pixels above 5 % of it count. */
PetscErrorCode SpanReconPosteriorCreate(const SpanReconRun *run, double data_range, SpanReconPosterior *posterior);
PetscErrorCode SpanReconPosteriorDestroy(SpanReconPosterior *posterior);
/* Bytes of work that SpanReconPosteriorCreate takes beside the images. */
double SpanReconPosteriorMemory(PetscInt pixels);
/* Collective: `deviation`, and the single samples' magnitudes as `sample_1`, `sample_2`, ... */
PetscErrorCode SpanReconPosteriorWrite(const SpanReconRun *run, const SpanReconPosterior *posterior,
                                       SpanVolumeWriter writer);
/* On rank 0. */
void SpanReconPosteriorPrint(const SpanReconRun *run, const SpanReconPosterior *posterior);
void SpanReconPosteriorAddJSON(const SpanReconRun *run, const SpanReconPosterior *posterior, cJSON *root);
