/* Default strengths: a multiple of the noise's standard deviation. The factors were chosen on simulated scans of
   training images only (docs/benchmarks.md). */
#include <subspan/solvers/recon/strength.h>

double SpanStrengthWavelet(const SpanReconProblem *problem) { return 0.155 * problem->noise; }

double SpanStrengthTV(const SpanReconProblem *problem) { return 0.1 * problem->noise; }
