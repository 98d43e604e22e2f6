/* A random right side of mean square 1. */
#include <subspan/base/random.h>
#include <subspan/operators/pde/forcing.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <math.h>

struct SpanForcing_ {
  SpanGaussianOptions o;
  SpanGaussianField field;
  PetscBool faces;
};

PetscErrorCode SpanForcingCreate(int n_dims, const PetscInt n[], double alpha, double tau, PetscBool faces,
                                 SpanForcing *forcing)
{
  SpanForcing f;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  f->faces = faces;
  f->o     = (SpanGaussianOptions){
          .boundary = SPAN_GAUSSIAN_NEUMANN, .n_dims = n_dims, .sigma = 1, .tau = tau, .alpha = alpha};
  for (int i = 0; i < n_dims; i++) {
    f->o.n[i]      = n[i];
    f->o.length[i] = 1;
  }
  PetscCall(SpanGaussianFieldCreate(&f->o, &f->field));
  *forcing = f;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanForcingDestroy(SpanForcing *forcing)
{
  PetscFunctionBeginUser;
  if (!*forcing) PetscFunctionReturn(0);
  PetscCall(SpanGaussianFieldDestroy(&(*forcing)->field));
  PetscCall(PetscFree(*forcing));
  PetscFunctionReturn(0);
}

static PetscBool OnFace(const SpanGaussianOptions *o, PetscInt point)
{
  for (int i = o->n_dims - 1; i >= 0; i--) {
    const PetscInt k = point % o->n[i];
    if (k == 0 || k == o->n[i] - 1) return PETSC_TRUE;
    point /= o->n[i];
  }
  return PETSC_FALSE;
}

PetscErrorCode SpanForcingSample(SpanForcing forcing, uint64_t seed, uint32_t sample, double *f)
{
  static const uint64_t other  = 0x5bd1e995a7c3f1d5; /* a stream beside that of the coefficient */
  const SpanGaussianOptions *o = &forcing->o;
  PetscInt points              = 1;
  double normal[2], squares = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < o->n_dims; i++) points *= o->n[i];
  PetscCall(SpanGaussianFieldSample(forcing->field, seed ^ other, sample, f));
  SpanRandomNormal(seed ^ other, SPAN_RANDOM_FORCING, sample, 0, normal);
  const double mean = normal[0] * pow(M_PI * M_PI + o->tau * o->tau, -o->alpha / 2);
  for (PetscInt i = 0; i < points; i++) {
    f[i] = forcing->faces || !OnFace(o, i) ? f[i] + mean : 0;
    squares += f[i] * f[i];
  }
  for (PetscInt i = 0; i < points; i++) f[i] *= sqrt((double)points / squares);
  PetscFunctionReturn(0);
}
