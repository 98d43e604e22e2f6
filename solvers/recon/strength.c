/* Default strengths: a multiple of the noise's standard deviation in the domain that is thresholded. */
#include <subspan/solvers/recon/strength.h>

PetscErrorCode SpanStrengthWavelet(const SpanReconProblem *p, SpanWavelet wavelet, float complex *work,
                                   double *strength)
{
  PetscFunctionBeginUser;
  *strength = 2 * p->noise;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanStrengthTV(const SpanReconProblem *p, double *strength)
{
  PetscFunctionBeginUser;
  *strength = p->noise;
  PetscFunctionReturn(0);
}
