/* Normal numbers along z. */
#include <subspan/base/random.h>
#include <subspan/solvers/recon/ct/noise_z.h>
#include <math.h>

const char *const SpanNoiseZNames[] = {"independent", "shared", "sphere", NULL};

static void Draw(uint64_t seed, PetscInt draw, PetscInt plane, PetscInt slice, float *noise)
{
  SpanRandomNormals(seed, SPAN_RANDOM_NOISE, (uint32_t)draw, (uint64_t)slice * (uint64_t)plane, (size_t)plane, noise);
}

/* The angle between two vectors. */
static double Angle(PetscInt n, const float *a, const float *b)
{
  double product = 0, squares[2] = {0, 0};
  for (PetscInt i = 0; i < n; i++) {
    product += (double)a[i] * (double)b[i];
    squares[0] += (double)a[i] * (double)a[i];
    squares[1] += (double)b[i] * (double)b[i];
  }
  return acos(fmin(fmax(product / sqrt(squares[0] * squares[1]), -1), 1));
}

void SpanNoiseZDraw(SpanNoiseZ kind, uint64_t seed, PetscInt draw, PetscInt nz, PetscInt plane, PetscInt first,
                    PetscInt count, float *scratch, float *noise)
{
  double angle = 0;
  if (kind == SPAN_NOISE_SPHERE) {
    for (PetscInt k = 0; k < 2; k++) Draw(seed, draw, plane, k, scratch + k * plane);
    angle = Angle(plane, scratch, scratch + plane);
  }
#pragma omp parallel for schedule(static)
  for (PetscInt k = 0; k < count; k++) {
    float *z = noise + k * plane;
    if (kind != SPAN_NOISE_SPHERE) {
      Draw(seed, draw, plane, kind == SPAN_NOISE_SHARED ? 0 : first + k, z);
      continue;
    }
    const double a = nz > 1 ? (double)(first + k) / (double)(nz - 1) : 0;
    const float p = (float)(sin((1 - a) * angle) / sin(angle)), q = (float)(sin(a * angle) / sin(angle));
    for (PetscInt i = 0; i < plane; i++) z[i] = p * scratch[i] + q * scratch[plane + i];
  }
}
