/* The default strength of the regularised methods, from the data alone. */
#pragma once
#include <subspan/operators/imaging/wavelet.h>
#include <subspan/solvers/recon/method.h>

/* l1-wavelet. work: (ny, nx). */
PetscErrorCode SpanStrengthWavelet(const SpanReconProblem *problem, SpanWavelet wavelet, float complex *work,
                                   double *strength);
/* Total variation. */
PetscErrorCode SpanStrengthTV(const SpanReconProblem *problem, double *strength);
