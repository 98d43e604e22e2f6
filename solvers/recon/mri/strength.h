/* The default strength of the regularised methods, from the data alone. */
#pragma once
#include <subspan/solvers/recon/mri/method.h>

double SpanStrengthWavelet(const SpanReconProblem *problem);
double SpanStrengthTV(const SpanReconProblem *problem);
