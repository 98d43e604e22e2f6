/* Plug-and-play half-quadratic splitting with falling levels, DPIR (Zhang et al., IEEE TPAMI 2022, arXiv 2008.13751),
   algorithm 1. One step at level s_k:

     u = argmin |A u - y|^2 + alpha |u - x|^2, alpha = lambda (noise / s_k)^2
     x = D(u; s_k)

   The levels fall geometrically from 49 / 255 of a bright point to the noise of the data, as the paper's do. Nothing is
   random but the shifts of the prior's patches. */
#include <subspan/solvers/recon/mri/sampler.h>

enum { most_iterations = 50 };
static const double tolerance = 1e-4;

static PetscErrorCode Create(SpanReconSolver solver)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerCreate(solver, most_iterations, tolerance, PETSC_FALSE));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  SpanSampler *s     = solver->data;
  const PetscInt t   = solver->iteration;
  const double level = s->levels[t], ratio = s->noise / level;
  PetscFunctionBeginUser;
  PetscCall(SpanSamplerAgree(s, t, solver->problem->prior->options->pnp_lambda * ratio * ratio, 1, s->x));
  PetscCall(SpanSamplerDenoise(s, t, level));
  PetscCall(PetscMemcpy(s->x, s->estimate, (size_t)s->n * sizeof *s->x));
  SpanSamplerStepped(solver);
  PetscFunctionReturn(0);
}

const SpanReconMethod SpanReconPnP = {"pnp", Create, Step, SpanSamplerImage, SpanSamplerDestroy, SpanSamplerWorkImages};
