/* The projectors' side of tests/benchmarks/projectors.py: seconds forward and back, beside what the machine reaches and
   what the projectors need at least, by counting. Prints lines of words for the script. Threads: OMP_NUM_THREADS;
   seconds of one thread are its processor's, of more the clock's.

     benchmark-projectors [-large]

   machine THREADS GFLOPS MEMORY_GB/S CACHE_GB/S
   speed NAME VOXELS VIEWS RAYS FORWARD_S BACK_S FORWARD_LIMIT_S BACK_LIMIT_S

   Counted a crossing of a ray with a row, in which it has a pair of voxels (stacks) or of columns of voxels (cones).
   Stacks: 2 multiply-adds; 2 loads forward, 2 loads and 2 stores back. Cones, for each pixel: 2 multiply-adds to blend,
   a difference, a multiply-add and a sum to interpolate, 2 loads and 2 looks into the blended column; back 3 hats of 4
   operations and 2 multiply-adds, 3 looks, 2 loads and 2 stores. The limit is the largest of flops over BLAS's, those
   loads and stores over the bandwidth of the first cache, and volume and projections once over the memory's. */
#include "machine.h"
#include <slepcsys.h>
#include <stdlib.h>
#include <subspan/base/initialize.h>
#include <subspan/operators/imaging/projector_private.h>

typedef struct {
  double flops, memory, cache;
} Machine;

/* Pixels that meet a row, over all views. */
static PetscErrorCode Crossings(SpanProjector p, double *crossings)
{
  const SpanCTGeometry *g = &p->geometry;
  SpanRay *rays;
  PetscFunctionBeginUser;
  *crossings = 0;
  PetscCall(PetscMalloc1(g->n_u, &rays));
  for (PetscInt a = 0; a < g->n_views; a++) {
    SpanProjectorRays(p, a, rays);
    for (PetscInt u = 0; u < g->n_u; u++) *crossings += (double)(rays[u].last - rays[u].first) * (double)g->n_v;
  }
  PetscCall(PetscFree(rays));
  PetscFunctionReturn(0);
}

static double Limit(const Machine *m, double flops, double cache_bytes, double memory_bytes)
{
  return fmax(flops / m->flops, fmax(cache_bytes / m->cache, memory_bytes / m->memory));
}

static PetscErrorCode Measure(const Machine *m, const char name[], const SpanCTGeometry *g, int times)
{
  const size_t n       = (size_t)g->nz * (size_t)g->ny * (size_t)g->nx,
               rays    = (size_t)g->n_views * (size_t)g->n_v * (size_t)g->n_u;
  const PetscBool cone = (PetscBool)(g->kind == SPAN_CT_CONE);
  double seconds[2]    = {1e9, 1e9}, crossings;
  float *x, *y;
  SpanProjector p;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &x, rays, &y));
  for (size_t i = 0; i < n; i++) x[i] = (float)(i % 17);
  PetscCall(SpanProjectorCreate(g, &p));
  for (int r = 0; r < times; r++) {
    double start = Seconds();
    PetscCall(SpanProjectorForward(p, NULL, x, y));
    seconds[0] = fmin(seconds[0], Seconds() - start);
    start      = Seconds();
    PetscCall(SpanProjectorTranspose(p, NULL, y, x));
    seconds[1] = fmin(seconds[1], Seconds() - start);
    for (size_t i = 0; i < n; i++) x[i] = (float)(i % 17);
  }
  PetscCall(Crossings(p, &crossings));
  const double once = 4 * (double)(n + rays);
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "speed %s %.0f %" PetscInt_FMT " %.0f %.6f %.6f %.6f %.6f\n", name, (double)n,
                        g->n_views, (double)rays, seconds[0], seconds[1],
                        Limit(m, (cone ? 8 : 4) * crossings, 4 * (cone ? 4 : 2) * crossings, once),
                        Limit(m, (cone ? 19 : 4) * crossings, 4 * (cone ? 7 : 4) * crossings, once)));
  PetscCall(SpanProjectorDestroy(&p));
  PetscCall(PetscFree2(x, y));
  PetscFunctionReturn(0);
}

/* n x n x nz voxels of 1 mm, a detector that is as wide, magnified twice in fan and cone. */
static PetscErrorCode Scan(const Machine *m, const char name[], SpanCTKind kind, PetscInt n, PetscInt nz,
                           PetscInt n_views, int times)
{
  const PetscBool parallel = (PetscBool)(kind == SPAN_CT_PARALLEL);
  const double pitch       = parallel ? 1 : 2;
  double *angles;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n_views, &angles));
  for (PetscInt a = 0; a < n_views; a++) angles[a] = (parallel ? 1 : 2) * M_PI * (double)a / (double)n_views;
  const SpanCTGeometry g = {.kind            = kind,
                            .nz              = nz,
                            .ny              = n,
                            .nx              = n,
                            .dz              = 1,
                            .dy              = 1,
                            .dx              = 1,
                            .n_v             = nz,
                            .n_u             = n,
                            .pitch_v         = pitch,
                            .pitch_u         = pitch,
                            .source_axis     = 3 * (double)n,
                            .source_detector = 6 * (double)n,
                            .n_views         = n_views,
                            .angles          = angles};
  PetscCall(Measure(m, name, &g, times));
  PetscCall(PetscFree(angles));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  Machine m;
  PetscBool large = PETSC_FALSE;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(PetscOptionsGetBool(NULL, NULL, "-large", &large, NULL));
  PetscCall(PeakFlops(&m.flops));
  PetscCall(PeakBytes(&m.memory));
  PetscCall(PeakCacheBytes(&m.cache));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "machine %d %.1f %.1f %.1f\n", omp_get_max_threads(), m.flops / 1e9,
                        m.memory / 1e9, m.cache / 1e9));
  PetscCall(Scan(&m, "parallel-256x256x1", SPAN_CT_PARALLEL, 256, 1, 180, 20));
  PetscCall(Scan(&m, "fan-256x256x1", SPAN_CT_FAN, 256, 1, 180, 20));
  PetscCall(Scan(&m, "parallel-512x512x1", SPAN_CT_PARALLEL, 512, 1, 180, 10));
  PetscCall(Scan(&m, "fan-512x512x1", SPAN_CT_FAN, 512, 1, 180, 10));
  PetscCall(Scan(&m, "parallel-256x256x64", SPAN_CT_PARALLEL, 256, 64, 180, 10));
  PetscCall(Scan(&m, "fan-256x256x64", SPAN_CT_FAN, 256, 64, 180, 10));
  PetscCall(Scan(&m, "cone-256x256x64", SPAN_CT_CONE, 256, 64, 180, 10));
  PetscCall(Scan(&m, "parallel-512x512x64", SPAN_CT_PARALLEL, 512, 64, 180, 3));
  PetscCall(Scan(&m, "cone-256x256x256", SPAN_CT_CONE, 256, 256, 90, 3));
  if (large) PetscCall(Scan(&m, "cone-512x512x512", SPAN_CT_CONE, 512, 512, 360, 1));
  PetscCall(SlepcFinalize());
  return 0;
}
