/* Default strengths: a multiple of the noise's standard deviation. The factors were chosen on simulated scans of
   training images only (tests/benchmarks/strength.py). */
#include <subspan/solvers/recon/mri/strength.h>

double SpanStrengthWavelet(const SpanReconProblem *problem) { return 0.2 * problem->noise; }

double SpanStrengthTV(const SpanReconProblem *problem) { return 0.12 * problem->noise; }
