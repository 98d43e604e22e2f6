/* Line integrals of ellipses and ellipsoids against their formulas, by the projectors and by a ray-driven Siddon (exact
   lengths through cubes; Med Phys 12:252, 1985), as the voxel halves: RMS of the error over the RMS of the integrals.

     benchmark-projector_accuracy

   Ten ellipses in a slice, or ellipsoids, all within 64 mm; `smooth` ones have the density (1 - q)^2, q = 1 on their
   surface, `uniform` ones have steps, at which no sampled volume does better than the 1st power of the voxel. Voxels
   are means over 4 x 4 (x 2) points each. The detector stays the same. */
#include <math.h>
#include <slepcsys.h>
#include <subspan/base/initialize.h>
#include <subspan/base/random.h>
#include <subspan/operators/imaging/projector.h>

enum { n_bodies = 10, n_levels = 3, n_views = 6, samples = 4, deep_samples = 2 };

typedef struct {
  double centre[3], axes[3], turn, density;
} Body;

static double Random(int body, int number, double low, double high)
{
  return low + (high - low) * SpanRandomUniform(11, SPAN_RANDOM_TEST, (uint32_t)body, (uint64_t)number);
}

static void MakeBodies(PetscBool flat, Body bodies[])
{
  for (int b = 0; b < n_bodies; b++) {
    bodies[b].turn    = Random(b, 0, 0, M_PI);
    bodies[b].density = Random(b, 1, -0.3, 1);
    for (int i = 0; i < 3; i++) {
      bodies[b].axes[i]   = Random(b, 2 + i, 4, i < 2 ? 14 : 6);
      bodies[b].centre[i] = i < 2 ? Random(b, 5 + i, -12, 12) : Random(b, 7, -2, 2);
    }
    if (flat) bodies[b].axes[2] = 1e9;
  }
}

/* Coordinates in which the body is the unit ball; of a direction without its centre. */
static void ToBall(const Body *b, const double r[3], PetscBool direction, double out[3])
{
  const double c = cos(b->turn), s = sin(b->turn);
  double d[3];
  for (int i = 0; i < 3; i++) d[i] = r[i] - (direction ? 0 : b->centre[i]);
  out[0] = (d[0] * c + d[1] * s) / b->axes[0];
  out[1] = (d[1] * c - d[0] * s) / b->axes[1];
  out[2] = d[2] / b->axes[2];
}

static double Dot(const double a[3], const double b[3]) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

static double Density(const Body *bodies, PetscBool smooth, const double r[3])
{
  double sum = 0;
  for (int b = 0; b < n_bodies; b++) {
    double at[3];
    ToBall(&bodies[b], r, PETSC_FALSE, at);
    const double q = Dot(at, at);
    if (q < 1) sum += bodies[b].density * (smooth ? (1 - q) * (1 - q) : 1);
  }
  return sum;
}

/* Along the line q = least + a t^2: 16/15 (1 - least)^(5/2) / sqrt(a), or the chord 2 sqrt((1 - least) / a). */
static double Integral(const Body *bodies, PetscBool smooth, const double point[3], const double direction[3])
{
  double sum = 0;
  for (int b = 0; b < n_bodies; b++) {
    double p[3], d[3];
    ToBall(&bodies[b], point, PETSC_FALSE, p);
    ToBall(&bodies[b], direction, PETSC_TRUE, d);
    const double a = Dot(d, d), least = Dot(p, p) - Dot(p, d) * Dot(p, d) / a;
    if (least < 1) sum += bodies[b].density * (smooth ? 16. / 15 * pow(1 - least, 2.5) : 2 * sqrt(1 - least)) / sqrt(a);
  }
  return sum * sqrt(Dot(direction, direction));
}

static void Sample(const SpanCTGeometry *g, const Body *bodies, PetscBool smooth, float *x)
{
  const int deep = g->nz == 1 ? 1 : deep_samples;
#pragma omp parallel for
  for (PetscInt v = 0; v < g->nz * g->ny * g->nx; v++) {
    double sum = 0;
    for (int s = 0; s < samples * samples * deep; s++) {
      const double shift[3] = {(s % samples + 0.5) / samples - 0.5, (s / samples % samples + 0.5) / samples - 0.5,
                               (s / samples / samples + 0.5) / deep - 0.5};
      const double r[3]     = {((double)(v % g->nx) + shift[0] - (double)(g->nx - 1) / 2) * g->dx,
                               ((double)(v / g->nx % g->ny) + shift[1] - (double)(g->ny - 1) / 2) * g->dy,
                               ((double)(v / g->nx / g->ny) + shift[2] - (double)(g->nz - 1) / 2) * g->dz};
      sum += Density(bodies, smooth, r);
    }
    x[v] = (float)(sum / (samples * samples * deep));
  }
}

/* From border to border: the lengths between crossings of planes, in each the voxel at its middle. */
static double Siddon(const SpanCTGeometry *g, const float *x, const double point[3], const double direction[3])
{
  const double size[3] = {g->dx, g->dy, g->dz};
  const PetscInt n[3]  = {g->nx, g->ny, g->nz};
  double p[3], d[3], enter = -1e30, leave = 1e30, sum = 0;
  for (int i = 0; i < 3; i++) {
    p[i] = point[i] / size[i] + (double)n[i] / 2;
    d[i] = direction[i] / size[i];
    if (fabs(d[i]) < 1e-14) {
      if (p[i] < 0 || p[i] >= (double)n[i]) return 0;
      continue;
    }
    enter = fmax(enter, fmin(-p[i] / d[i], ((double)n[i] - p[i]) / d[i]));
    leave = fmin(leave, fmax(-p[i] / d[i], ((double)n[i] - p[i]) / d[i]));
  }
  for (double t = enter; t < leave;) {
    double next = leave;
    for (int i = 0; i < 3; i++) {
      if (fabs(d[i]) < 1e-14) continue;
      const double at = p[i] + t * d[i], plane = d[i] > 0 ? floor(at + 1e-9) + 1 : ceil(at - 1e-9) - 1;
      next = fmin(next, (plane - p[i]) / d[i]);
    }
    PetscInt voxel[3];
    for (int i = 0; i < 3; i++)
      voxel[i] = PetscMax(0, PetscMin(n[i] - 1, (PetscInt)floor(p[i] + (t + next) / 2 * d[i])));
    sum += (next - t) * (double)x[(voxel[2] * n[1] + voxel[1]) * n[0] + voxel[0]];
    t = next;
  }
  return sum * sqrt(Dot(direction, direction));
}

static PetscErrorCode Errors(const SpanCTGeometry *g, const Body *bodies, PetscBool smooth, double errors[2])
{
  const PetscInt voxels = g->nz * g->ny * g->nx, rays = g->n_views * g->n_v * g->n_u;
  double wrong[2] = {0, 0}, size = 0;
  float *x, *y;
  SpanProjector p;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(voxels, &x, rays, &y));
  Sample(g, bodies, smooth, x);
  PetscCall(SpanProjectorCreate(g, &p));
  PetscCall(SpanProjectorForward(p, NULL, x, y));
  PetscCall(SpanProjectorDestroy(&p));
#pragma omp parallel for reduction(+ : wrong, size)
  for (PetscInt i = 0; i < rays; i++) {
    double point[3], direction[3];
    SpanCTRay(g, i / (g->n_v * g->n_u), i / g->n_u % g->n_v, i % g->n_u, point, direction);
    const double exact = Integral(bodies, smooth, point, direction);
    wrong[0] += pow((double)y[i] - exact, 2);
    wrong[1] += pow(Siddon(g, x, point, direction) - exact, 2);
    size += exact * exact;
  }
  for (int i = 0; i < 2; i++) errors[i] = sqrt(wrong[i] / size);
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode Table(const char name[], SpanCTKind kind, PetscBool curved, PetscBool smooth)
{
  const PetscBool cone = (PetscBool)(kind == SPAN_CT_CONE);
  double errors[n_levels][2], angles[n_views];
  Body bodies[n_bodies];
  PetscFunctionBeginUser;
  MakeBodies((PetscBool)!cone, bodies);
  for (int a = 0; a < n_views; a++) angles[a] = 2 * M_PI * a / n_views + 0.1;
  for (int level = 0; level < n_levels; level++) {
    const PetscInt n       = (PetscInt)64 << level;
    const double voxel     = 64. / (double)n;
    const SpanCTGeometry g = {.kind            = kind,
                              .curved          = curved,
                              .nz              = cone ? n / 4 : 1,
                              .ny              = n,
                              .nx              = n,
                              .dz              = voxel,
                              .dy              = voxel,
                              .dx              = voxel,
                              .n_v             = cone ? 24 : 1,
                              .n_u             = 128,
                              .pitch_v         = 1.01,
                              .pitch_u         = kind == SPAN_CT_PARALLEL ? 0.51 : 0.83,
                              .source_axis     = 120,
                              .source_detector = 190,
                              .n_views         = n_views,
                              .angles          = angles};
    PetscCall(Errors(&g, bodies, smooth, errors[level]));
  }
  for (int k = 0; k < 2; k++)
    PetscCall(PetscPrintf(PETSC_COMM_SELF, "%-12s %-8s %-7s 64: %.2e  128: %.2e  256: %.2e  falls by %.2f, %.2f\n",
                          name, smooth ? "smooth" : "uniform", k ? "Siddon" : "ours", errors[0][k], errors[1][k],
                          errors[2][k], errors[0][k] / errors[1][k], errors[1][k] / errors[2][k]));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  for (int smooth = 1; smooth >= 0; smooth--) {
    PetscCall(Table("parallel", SPAN_CT_PARALLEL, PETSC_FALSE, (PetscBool)smooth));
    PetscCall(Table("fan-flat", SPAN_CT_FAN, PETSC_FALSE, (PetscBool)smooth));
    PetscCall(Table("fan-curved", SPAN_CT_FAN, PETSC_TRUE, (PetscBool)smooth));
    PetscCall(Table("cone-flat", SPAN_CT_CONE, PETSC_FALSE, (PetscBool)smooth));
  }
  PetscCall(SlepcFinalize());
  return 0;
}
