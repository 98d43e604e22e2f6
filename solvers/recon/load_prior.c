/* Loads a prior and tries it. */
#include <subspan/base/error.h>
#include <subspan/solvers/recon/load_prior.h>
#include <string.h>

/* Its patch grid is shifted, as in most steps. */
static PetscErrorCode Try(const SpanReconOptions *o, PetscInt channels, PetscInt n, PetscInt ny, PetscInt nx,
                          const SpanReconPriorProblem *prior)
{
  const PetscInt offset[2] = {1, 1};
  double *sigma;
  SpanTensor x, y, gradient;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &sigma));
  for (PetscInt i = 0; i < n; i++) sigma[i] = 1;
  PetscCall(SpanTensorCreate(SpanTapeArena(prior->tape), SPAN_FLOAT32, 4, (PetscInt64[4]){n, ny, nx, channels}, &x));
  PetscCall(PetscMemzero(x->data, SpanTensorBytes(x)));
  PetscCall(SpanPriorDenoise(prior->tape, prior->prior, prior->team, x, sigma, offset, &y));
  if (!strcmp(o->method, "dps")) {
    PetscCall(SpanPriorDenoiseGradient(prior->tape, prior->prior, prior->team, x, sigma, offset, y, &gradient));
    PetscCall(SpanTensorDestroy(&gradient));
  }
  PetscCall(SpanTensorDestroy(&x));
  PetscCall(SpanTensorDestroy(&y));
  PetscCall(PetscFree(sigma));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconLoadPrior(MPI_Comm comm, MPI_Comm team, const SpanReconOptions *o, PetscInt channels,
                                  PetscInt n, PetscInt ny, PetscInt nx, SpanReconPriorProblem *prior)
{
  PetscFunctionBeginUser;
  *prior = (SpanReconPriorProblem){.team = team, .options = &o->sampler};
  PetscCall(SpanTapeCreate(&prior->tape));
  if (!strcmp(o->type, "bfloat16")) PetscCall(SpanTapeSetType(prior->tape, SPAN_BFLOAT16));
  PetscCall(SpanPriorLoad(comm, o->prior, prior->tape, &prior->prior));
  const PetscInt has = SpanPriorGetConfig(prior->prior)->channels;
  SpanCheckInput(comm, has == channels,
                 "%s: a prior of images of %" PetscInt_FMT
                 " channel%s, this reconstruction has images of %" PetscInt_FMT,
                 o->prior, has, has == 1 ? "" : "s", channels);
  PetscCall(Try(o, channels, n, ny, nx, prior));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconDestroyPrior(SpanReconPriorProblem *prior)
{
  PetscFunctionBeginUser;
  PetscCall(SpanPriorDestroy(&prior->prior));
  PetscCall(SpanTapeDestroy(&prior->tape));
  PetscFunctionReturn(0);
}
