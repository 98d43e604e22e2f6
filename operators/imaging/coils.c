/* Multiplication by coil maps and its adjoint. */
#include <subspan/operators/imaging/coils.h>
#include <subspan/operators/imaging/shell.h>
#include <string.h>

enum { chunk = 1024 };

void SpanCoilsForward(const SpanCoils *c, const float complex *images, float complex *coil_images)
{
#pragma omp parallel for collapse(2)
  for (PetscInt j = 0; j < c->n_coils; j++)
    for (PetscInt start = 0; start < c->n_pixels; start += chunk) {
      PetscInt n         = PetscMin(chunk, c->n_pixels - start);
      float complex *out = coil_images + j * c->n_pixels + start;
      memset(out, 0, (size_t)n * sizeof *out);
      for (PetscInt s = 0; s < c->n_sets; s++) {
        const float complex *map = c->maps + (s * c->n_coils + j) * c->n_pixels + start;
        const float complex *x   = images + s * c->n_pixels + start;
        for (PetscInt i = 0; i < n; i++) out[i] += map[i] * x[i];
      }
    }
}

void SpanCoilsAdjoint(const SpanCoils *c, const float complex *coil_images, float complex *images)
{
#pragma omp parallel for collapse(2)
  for (PetscInt s = 0; s < c->n_sets; s++)
    for (PetscInt start = 0; start < c->n_pixels; start += chunk) {
      PetscInt n         = PetscMin(chunk, c->n_pixels - start);
      float complex *out = images + s * c->n_pixels + start;
      memset(out, 0, (size_t)n * sizeof *out);
      for (PetscInt j = 0; j < c->n_coils; j++) {
        const float complex *map = c->maps + (s * c->n_coils + j) * c->n_pixels + start;
        const float complex *x   = coil_images + j * c->n_pixels + start;
        for (PetscInt i = 0; i < n; i++) out[i] += conjf(map[i]) * x[i];
      }
    }
}

static PetscErrorCode Forward(void *coils, const float complex *in, float complex *out)
{
  PetscFunctionBeginUser;
  SpanCoilsForward(coils, in, out);
  PetscFunctionReturn(0);
}

static PetscErrorCode Adjoint(void *coils, const float complex *in, float complex *out)
{
  PetscFunctionBeginUser;
  SpanCoilsAdjoint(coils, in, out);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCoilsCreateMat(SpanCoils *coils, Mat *mat)
{
  PetscFunctionBeginUser;
  PetscCall(SpanShellCreate(coils->n_coils * coils->n_pixels, coils->n_sets * coils->n_pixels, Forward, Adjoint, coils,
                            NULL, mat));
  PetscFunctionReturn(0);
}
