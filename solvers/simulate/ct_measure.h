/* From a volume's values to what attenuates, and from line integrals to what is measured. */
#pragma once
#include <subspan/solvers/simulate/ct_options.h>

enum { span_ct_energies = 26 };

/* A polychromatic beam: weights[e] sum to 1; water and bone are attenuations at an energy over their mean in the beam.
 */
typedef struct {
  int n; /* 0: one energy */
  double weights[span_ct_energies], water[span_ct_energies], bone[span_ct_energies];
} SpanCTSpectrum;

/* kv 0: one energy. */
void SpanCTSpectrumSet(double kv, SpanCTSpectrum *spectrum);

/* Values in place from HU (hu false: 1/mm) to the attenuation in 1/mm, never below 0. bone, or NULL: what of it is
   bone's, which is then taken from `values`. */
void SpanCTAttenuation(PetscBool hu, double water, PetscInt64 n, float *values, float *bone);

/* The place of n line integrals in the scan: their rows of n_u begin at these global pixel numbers. */
typedef struct {
  PetscInt n_views, n_rows, n_u;
  PetscInt64 first, row, view; /* of the first; from row to row; from view to view */
} SpanCTPlace;

/* Line integrals in place to the negative logarithm of what is measured; bone NULL with one energy. counts, or NULL
   without photons: the photons counted, electronic noise added. Random numbers are keyed by the pixel's number. */
void SpanCTMeasure(const SpanCTOptions *options, const SpanCTSpectrum *spectrum, const SpanCTPlace *place, float *lines,
                   const float *bone, float *counts);
