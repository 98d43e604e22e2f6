/* Random phases, flips, shifts and intensities. */
#include <subspan/base/random.h>
#include <subspan/base/sincos.h>
#include <subspan/solvers/train/augment.h>
#include <math.h>
#include <string.h>

enum { draws = 32, n_terms = 10 };

/* exp(b ((p - c)^2 - 1/4)) along one axis at point i of n; u: uniform numbers. */
static float Shading(const SpanAugmentation *a, double u_strength, double u_centre, PetscInt i, PetscInt n)
{
  const double p = 2 * (double)i / (double)n - 1 - 0.3 * (2 * u_centre - 1);
  return (float)exp(a->shading * u_strength * u_strength * (p * p - 0.25));
}

/* Row v of the source, flipped and moved, times `gain` and the shading along it. */
static void Row(const SpanAugmentation *a, const double u[], PetscInt nx, const float *from, float gain,
                const float shading[], float *to)
{
  const PetscInt shift    = (PetscInt)floor(u[4] * (double)(2 * a->shift + 1)) - a->shift;
  const PetscBool flipped = (PetscBool)(a->flip_columns && u[1] < 0.5);
  for (PetscInt x = 0; x < nx; x++) {
    PetscInt i = (flipped ? nx - 1 - x : x) - shift;
    to[x]      = i >= 0 && i < nx ? gain * shading[x] * from[i] : 0;
  }
}

void SpanAugment(const SpanAugmentation *a, uint64_t seed, uint32_t step, uint64_t sample, PetscInt ny, PetscInt nx,
                 const float *magnitude, float *out)
{
  double u[draws], c[n_terms];
  for (int i = 0; i < draws; i++)
    u[i] = SpanRandomUniform(seed, SPAN_RANDOM_AUGMENT, step, sample * draws + (uint64_t)i);
  const float gain     = (float)(a->intensity[0] + (a->intensity[1] - a->intensity[0]) * u[2]);
  const PetscInt shift = (PetscInt)floor(u[3] * (double)(2 * a->shift + 1)) - a->shift;
  /* In turns: 1, t, t^2, t^3 (columns), each times 1, s, s^2, s^3 (rows) up to degree 3; the cubic ones weaker. */
  const double strength = a->phase / (2 * M_PI);
  for (int i = 0; i < n_terms; i++) c[i] = (i < 6 ? strength : strength / 3) * (2 * u[8 + i] - 1);
  const double constant = a->phase > 0 ? u[5] : 0;
  float shading[nx];
  for (PetscInt x = 0; x < nx; x++) shading[x] = Shading(a, u[18], u[19], x, nx);
  for (PetscInt y = 0; y < ny; y++) {
    float row[nx], *to = out + 2 * y * nx;
    const PetscInt v = (a->flip_rows && u[0] < 0.5 ? ny - 1 - y : y) - shift;
    if (v < 0 || v >= ny) {
      memset(to, 0, 2 * (size_t)nx * sizeof *to);
      continue;
    }
    Row(a, u, nx, magnitude + v * nx, gain * Shading(a, u[18], u[20], y, ny), shading, row);
    const double s = 2 * (double)y / (double)ny - 1, step_t = 2 / (double)nx;
    const double p0 = constant + s * (c[0] + s * (c[1] + s * c[6])), p1 = c[2] + s * (c[3] + s * c[7]),
                 p2 = c[4] + s * c[8], p3 = c[9];
#pragma omp simd
    for (PetscInt x = 0; x < nx; x++) {
      const double t = step_t * (double)x - 1;
      double sine, cosine;
      SpanSinCosTurns(p0 + t * (p1 + t * (p2 + t * p3)), &sine, &cosine);
      to[2 * x]     = row[x] * (float)cosine;
      to[2 * x + 1] = row[x] * (float)sine;
    }
  }
}
