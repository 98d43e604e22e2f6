/* Finite differences, their transpose, and the shrinkage of isotropic total variation. */
#include <subspan/operators/imaging/differences.h>
#include <subspan/operators/imaging/shell.h>
#include <string.h>

void SpanDifferencesForward(PetscInt ny, PetscInt nx, PetscBool periodic, const float complex *image,
                            float complex *gradient)
{
#pragma omp parallel for
  for (PetscInt y = 0; y < ny; y++) {
    const float *restrict row   = (const float *)(image + y * nx);
    const float *restrict below = (const float *)(image + (y + 1 < ny ? y + 1 : periodic ? 0 : y) * nx);
    float *restrict dy = (float *)(gradient + y * nx), *restrict dx = (float *)(gradient + (ny + y) * nx);
    for (PetscInt i = 0; i < 2 * nx; i++) dy[i] = below[i] - row[i];
    for (PetscInt i = 0; i < 2 * nx - 2; i++) dx[i] = row[i + 2] - row[i];
    for (PetscInt i = 0; i < 2; i++) dx[2 * nx - 2 + i] = periodic ? row[i] - row[2 * nx - 2 + i] : 0;
  }
}

void SpanDifferencesAdjoint(PetscInt ny, PetscInt nx, PetscBool periodic, const float complex *gradient,
                            float complex *image)
{
#pragma omp parallel for
  for (PetscInt y = 0; y < ny; y++) {
    const float *restrict dy = (const float *)(gradient + y * nx), *restrict dx =
                                                                       (const float *)(gradient + (ny + y) * nx);
    const float *restrict above = (const float *)(gradient + (y > 0 ? y - 1 : ny - 1) * nx);
    float *restrict out         = (float *)(image + y * nx);
    float here = y + 1 < ny || periodic ? 1.f : 0.f, there = y > 0 || periodic ? 1.f : 0.f;
    float last = periodic ? 1.f : 0.f;
    for (PetscInt i = 0; i < 2 * nx; i++) out[i] = there * above[i] - here * dy[i];
    for (PetscInt i = 0; i < 2; i++) out[i] += last * dx[2 * nx - 2 + i] - (nx > 1 ? 1.f : last) * dx[i];
    for (PetscInt i = 2; i < 2 * nx - 2; i++) out[i] += dx[i - 2] - dx[i];
    for (PetscInt i = 2 * nx - 2; i < 2 * nx && nx > 1; i++) out[i] += dx[i - 2] - last * dx[i];
  }
}

void SpanDifferencesNormal(PetscInt ny, PetscInt nx, PetscBool periodic, const float complex *image, float complex *out)
{
#pragma omp parallel for
  for (PetscInt y = 0; y < ny; y++) {
    const float *restrict row   = (const float *)(image + y * nx);
    const float *restrict above = (const float *)(image + (y > 0 ? y - 1 : periodic ? ny - 1 : y) * nx);
    const float *restrict below = (const float *)(image + (y + 1 < ny ? y + 1 : periodic ? 0 : y) * nx);
    float *restrict o           = (float *)(out + y * nx);
    for (PetscInt i = 0; i < 2 * nx; i++) o[i] = 2 * row[i] - above[i] - below[i];
    for (PetscInt i = 2; i < 2 * nx - 2; i++) o[i] += 2 * row[i] - row[i - 2] - row[i + 2];
    for (PetscInt i = 0; i < 2; i++) {
      const PetscInt e = 2 * nx - 2 + i;
      o[i] += row[i] - row[i + 2] + (periodic ? row[i] - row[e] : 0);
      o[e] += row[e] - row[e - 2] + (periodic ? row[e] - row[i] : 0);
    }
  }
}

void SpanDifferencesShrink(PetscInt n, float threshold, float complex *gradient)
{
  float *restrict dy = (float *)gradient, *restrict dx = (float *)(gradient + n);
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) {
    float a = dy[2 * i], b = dy[2 * i + 1], c = dx[2 * i], d = dx[2 * i + 1];
    float size    = sqrtf(a * a + b * b + c * c + d * d);
    float scale   = size > threshold ? 1 - threshold / size : 0;
    dy[2 * i]     = scale * a;
    dy[2 * i + 1] = scale * b;
    dx[2 * i]     = scale * c;
    dx[2 * i + 1] = scale * d;
  }
}

typedef struct {
  PetscInt ny, nx;
  PetscBool periodic;
} Shape;

static PetscErrorCode MapForward(void *context, const float complex *in, float complex *out)
{
  Shape *s = context;
  PetscFunctionBeginUser;
  SpanDifferencesForward(s->ny, s->nx, s->periodic, in, out);
  PetscFunctionReturn(0);
}

static PetscErrorCode MapAdjoint(void *context, const float complex *in, float complex *out)
{
  Shape *s = context;
  PetscFunctionBeginUser;
  SpanDifferencesAdjoint(s->ny, s->nx, s->periodic, in, out);
  PetscFunctionReturn(0);
}

static PetscErrorCode MapFree(void *context) { return PetscFree(context); }

PetscErrorCode SpanDifferencesCreateMat(PetscInt ny, PetscInt nx, PetscBool periodic, Mat *mat)
{
  Shape *s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  *s = (Shape){ny, nx, periodic};
  PetscCall(SpanShellCreate(2 * ny * nx, ny * nx, MapForward, MapAdjoint, s, MapFree, mat));
  PetscFunctionReturn(0);
}
