/* Random warps, phases, flips, shifts and intensities. */
#include <subspan/base/random.h>
#include <subspan/base/sincos.h>
#include <subspan/solvers/train/prior/augment.h>
#include <subspan/solvers/train/prior/warp.h>
#include <math.h>
#include <string.h>

enum { draws = 32, n_terms = 10 };

/* exp(b ((p - c)^2 - 1/4)) along one axis at point i of n; u: uniform numbers. */
static float Shading(const SpanAugmentation *a, double u_strength, double u_centre, PetscInt i, PetscInt n)
{
  const double p = 2 * (double)i / (double)n - 1 - 0.3 * (2 * u_centre - 1);
  return (float)exp(a->shading * u_strength * u_strength * (p * p - 0.25));
}

static PetscInt Shift(const SpanAugmentation *a, double u)
{
  return (PetscInt)floor(u * (double)(2 * a->shift + 1)) - a->shift;
}

/* Row v of the source, flipped and moved, times `gain` and the shading along it. */
static void Row(const SpanAugmentation *a, const double u[], PetscInt nx, const float *from, float gain,
                const float shading[], float *to)
{
  const PetscInt shift    = Shift(a, u[4]);
  const PetscBool flipped = (PetscBool)(a->flip_columns && u[1] < 0.5);
  for (PetscInt x = 0; x < nx; x++) {
    PetscInt i = (flipped ? nx - 1 - x : x) - shift;
    to[x]      = i >= 0 && i < nx ? gain * shading[x] * from[i] : 0;
  }
}

/* Where the range [first, end) of an axis comes to lie. */
static void Move(PetscBool flipped, PetscInt shift, PetscInt n, PetscInt range[2])
{
  const PetscInt first = range[0] + shift, end = range[1] + shift;
  range[0] = PetscMax(0, flipped ? n - end : first);
  range[1] = PetscMin(n, flipped ? n - first : end);
}

/* Not 0: no memory. */
static int Warp(const SpanAugmentation *a, const double u[], uint64_t seed, uint32_t step, uint64_t sample, PetscInt ny,
                PetscInt nx, PetscInt extent[4], float *scratch, float *image)
{
  enum { numbers = 2 * span_warp_knots * span_warp_knots };
  const double zoom = a->zoom[0] + (a->zoom[1] - a->zoom[0]) * u[0];
  SpanWarp w        = {.angle = M_PI / 180 * a->rotate * (2 * u[1] - 1)};
  if (a->zoom[0] == 1 && a->zoom[1] == 1 && a->stretch == 0 && a->rotate == 0 && a->bend == 0) return 0;
  for (int d = 0; d < 2; d++) w.size[d] = zoom * pow(1 + a->stretch, 2 * u[2 + d] - 1);
  for (uint64_t i = 0; a->bend > 0 && i < numbers; i++)
    (&w.bend[0][0][0])[i] =
        (float)(a->bend * (2 * SpanRandomUniform(seed, SPAN_RANDOM_WARP, step, sample * numbers + i) - 1));
  return SpanWarpImage(&w, ny, nx, extent, scratch, image);
}

int SpanAugment(const SpanAugmentation *a, uint64_t seed, uint32_t step, uint64_t sample, PetscInt ny, PetscInt nx,
                PetscInt extent[4], float *magnitude, float *out)
{
  double u[draws], c[n_terms];
  for (int i = 0; i < draws; i++)
    u[i] = SpanRandomUniform(seed, SPAN_RANDOM_AUGMENT, step, sample * draws + (uint64_t)i);
  if (Warp(a, u + 24, seed, step, sample, ny, nx, extent, out, magnitude)) return 1;
  if (extent) {
    Move((PetscBool)(a->flip_rows && u[0] < 0.5), Shift(a, u[3]), ny, extent);
    Move((PetscBool)(a->flip_columns && u[1] < 0.5), Shift(a, u[4]), nx, extent + 2);
  }
  const float gain     = (float)(a->intensity[0] + (a->intensity[1] - a->intensity[0]) * u[2]);
  const PetscInt shift = Shift(a, u[3]);
  /* In turns: 1, t, t^2, t^3 (columns), each times 1, s, s^2, s^3 (rows) up to degree 3; the cubic ones weaker. */
  const double strength = a->phase / (2 * M_PI);
  for (int i = 0; i < n_terms; i++) c[i] = (i < 6 ? strength : strength / 3) * (2 * u[8 + i] - 1);
  const double constant = a->phase > 0 ? u[5] : 0;
  float shading[nx];
  for (PetscInt x = 0; x < nx; x++) shading[x] = Shading(a, u[18], u[19], x, nx);
  for (PetscInt y = 0; y < ny; y++) {
    float row[nx], *to = out + a->channels * y * nx;
    const PetscInt v = (a->flip_rows && u[0] < 0.5 ? ny - 1 - y : y) - shift;
    if (v < 0 || v >= ny) {
      memset(to, 0, (size_t)(a->channels * nx) * sizeof *to);
      continue;
    }
    Row(a, u, nx, magnitude + v * nx, gain * Shading(a, u[18], u[20], y, ny), shading, row);
    if (a->channels == 1) {
      memcpy(to, row, (size_t)nx * sizeof *to);
      continue;
    }
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
  return 0;
}
