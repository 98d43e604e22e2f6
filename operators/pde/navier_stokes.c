/* Navier-Stokes by Fourier modes.

   The state is the modes that the 2/3 rule keeps, packed: rows ky = 0, 1, .., K, -K, .., -1 and columns kx = 0 .. K, K
   = (n - 1) / 3, less than half of all. A transform goes along the K + 1 columns that are not zero, then along the
   rows. */
#include <subspan/operators/pde/etdrk4.h>
#include <subspan/operators/pde/navier_stokes.h>
#include <fftw3.h>
#include <math.h>
#include <string.h>

struct SpanNavierStokes_ {
  PetscInt n, cut, rows, columns, width;  /* kept rows and columns; width: of the arrays of modes, n / 2 + 1 */
  double wave;                            /* 2 pi / L */
  double complex *modes[2], *w, *forcing; /* work of the transforms, (n, width); vorticity and forcing, packed */
  double *points[2];                      /* (n, n) */
  fftw_plan columns_back[2], rows_back[2], rows_forward[2], columns_forward[2];
  PetscBool forced;
  SpanEtdrk4 time;
};

static PetscInt RowFrequency(const SpanNavierStokes s, PetscInt row) { return row <= s->cut ? row : row - s->rows; }

/* The row of the unpacked modes. */
static PetscInt Unpacked(const SpanNavierStokes s, PetscInt row) { return row <= s->cut ? row : s->n - s->rows + row; }

/* Values at the points; only the kept modes of modes[which] are read. */
static void ToPoints(SpanNavierStokes s, int which)
{
  for (PetscInt y = 0; y < s->n; y++) {
    const PetscBool kept = (PetscBool)(y <= s->cut || y >= s->n - s->cut);
    const PetscInt first = kept ? s->columns : 0;
    memset(s->modes[which] + y * s->width + first, 0, (size_t)(s->width - first) * sizeof **s->modes);
  }
  fftw_execute(s->columns_back[which]);
  fftw_execute(s->rows_back[which]);
}

/* The modes of the points, of which those outside the kept columns are of no use. */
static void ToModes(SpanNavierStokes s, int which)
{
  fftw_execute(s->rows_forward[which]);
  fftw_execute(s->columns_forward[which]);
}

/* (u, v) = (psi_y, -psi_x) into modes. */
static void Velocity(SpanNavierStokes s, const double complex *w)
{
  for (PetscInt row = 0; row < s->rows; row++) {
    const double ky          = (double)RowFrequency(s, row);
    const double complex *in = w + row * s->columns;
    double complex *u = s->modes[0] + Unpacked(s, row) * s->width, *v = s->modes[1] + Unpacked(s, row) * s->width;
#pragma omp simd
    for (PetscInt x = 0; x < s->columns; x++) {
      const double kx = (double)x, square = kx * kx + ky * ky, scale = square > 0 ? 1 / (s->wave * square) : 0;
      const double re = scale * creal(in[x]), im = scale * cimag(in[x]);
      u[x] = -ky * im + I * (ky * re);
      v[x] = kx * im - I * (kx * re);
    }
  }
}

/* u, v -> u v, u^2 - v^2; the largest of |u| + |v|, not finite if any is not. */
static double Products(SpanNavierStokes s)
{
  double fastest = 0, sum = 0, *u = s->points[0], *v = s->points[1];
  const PetscInt n = s->n * s->n;
#pragma omp simd reduction(max : fastest) reduction(+ : sum)
  for (PetscInt i = 0; i < n; i++) {
    const double a = u[i], b = v[i], size = fabs(a) + fabs(b);
    fastest = size > fastest ? size : fastest; /* fmax is a call */
    sum += size;
    u[i] = a * b;
    v[i] = (a + b) * (a - b);
  }
  return isfinite(sum) ? fastest : sum;
}

static void Nonlinear(void *context, const double complex *w, double complex *n, double *rate)
{
  SpanNavierStokes s = context;
  Velocity(s, w);
  ToPoints(s, 0);
  ToPoints(s, 1);
  const double fastest = Products(s);
  if (rate) *rate = fastest * s->wave * (double)s->cut;
  ToModes(s, 0);
  ToModes(s, 1);
  const double scale = s->wave * s->wave / ((double)s->n * (double)s->n);
  for (PetscInt row = 0; row < s->rows; row++) {
    const double ky          = (double)RowFrequency(s, row);
    const double complex *uv = s->modes[0] + Unpacked(s, row) * s->width,
                         *d  = s->modes[1] + Unpacked(s, row) * s->width;
    double complex *out      = n + row * s->columns;
#pragma omp simd
    for (PetscInt x = 0; x < s->columns; x++) {
      const double kx = (double)x, a = scale * (kx * kx - ky * ky), b = -scale * kx * ky;
      out[x] = a * uv[x] + b * d[x];
    }
    if (s->forced)
      for (PetscInt x = 0; x < s->columns; x++) out[x] += s->forcing[row * s->columns + x];
  }
}

static PetscErrorCode Plans(SpanNavierStokes s)
{
  int n = (int)s->n, width = (int)s->width, columns = (int)s->columns;
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    fftw_complex *m = s->modes[k];
    double *p       = s->points[k];
    /* ESTIMATE: plans that are timed change the bits from run to run. */
    s->columns_back[k] =
        fftw_plan_many_dft(1, &n, columns, m, NULL, width, 1, m, NULL, width, 1, FFTW_BACKWARD, FFTW_ESTIMATE);
    s->columns_forward[k] =
        fftw_plan_many_dft(1, &n, columns, m, NULL, width, 1, m, NULL, width, 1, FFTW_FORWARD, FFTW_ESTIMATE);
    s->rows_back[k]    = fftw_plan_many_dft_c2r(1, &n, n, m, NULL, 1, width, p, NULL, 1, n, FFTW_ESTIMATE);
    s->rows_forward[k] = fftw_plan_many_dft_r2c(1, &n, n, p, NULL, 1, n, m, NULL, 1, width, FFTW_ESTIMATE);
    PetscCheck(s->columns_back[k] && s->columns_forward[k] && s->rows_back[k] && s->rows_forward[k], PETSC_COMM_SELF,
               PETSC_ERR_LIB, "FFTW has no plan for %d points", n);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNavierStokesCreate(PetscInt n, double length, double viscosity, double courant,
                                      SpanNavierStokes *out)
{
  SpanNavierStokes s;
  double *lambda;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->n                  = n;
  s->cut                = (n - 1) / 3;
  s->rows               = 2 * s->cut + 1;
  s->columns            = s->cut + 1;
  s->width              = n / 2 + 1;
  s->wave               = 2 * M_PI / length;
  const PetscInt packed = s->rows * s->columns;
  for (int k = 0; k < 2; k++) {
    s->modes[k]  = fftw_alloc_complex((size_t)(n * s->width));
    s->points[k] = fftw_alloc_real((size_t)(n * n));
    PetscCheck(s->modes[k] && s->points[k], PETSC_COMM_SELF, PETSC_ERR_MEM, "Navier-Stokes on %" PetscInt_FMT " points",
               n);
  }
  PetscCall(Plans(s));
  PetscCall(PetscCalloc2(packed, &s->w, packed, &s->forcing));
  PetscCall(PetscMalloc1(packed, &lambda));
  for (PetscInt i = 0; i < packed; i++) {
    const double kx = s->wave * (double)(i % s->columns), ky = s->wave * (double)RowFrequency(s, i / s->columns);
    lambda[i] = viscosity * (kx * kx + ky * ky);
  }
  PetscCall(SpanEtdrk4Create(packed, lambda, courant, Nonlinear, s, &s->time));
  PetscCall(PetscFree(lambda));
  *out = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNavierStokesDestroy(SpanNavierStokes *solver)
{
  SpanNavierStokes s = *solver;
  PetscFunctionBeginUser;
  if (!s) PetscFunctionReturn(0);
  PetscCall(SpanEtdrk4Destroy(&s->time));
  for (int k = 0; k < 2; k++) {
    fftw_destroy_plan(s->columns_back[k]);
    fftw_destroy_plan(s->columns_forward[k]);
    fftw_destroy_plan(s->rows_back[k]);
    fftw_destroy_plan(s->rows_forward[k]);
    fftw_free(s->modes[k]);
    fftw_free(s->points[k]);
  }
  PetscCall(PetscFree2(s->w, s->forcing));
  PetscCall(PetscFree(*solver));
  PetscFunctionReturn(0);
}

double SpanNavierStokesMemory(PetscInt n)
{
  const double points = (double)n * (double)n, packed = 2. / 9 * points;
  return 2 * (8 + 8) * points + 2 * 16 * packed + SpanEtdrk4Memory((PetscInt)packed);
}

/* Points to packed modes, without the mean. */
static void Pack(SpanNavierStokes s, const double *points, double complex *packed)
{
  const double scale = 1 / ((double)s->n * (double)s->n);
  memcpy(s->points[0], points, (size_t)(s->n * s->n) * sizeof *points);
  ToModes(s, 0);
  for (PetscInt row = 0; row < s->rows; row++)
    for (PetscInt x = 0; x < s->columns; x++)
      packed[row * s->columns + x] = scale * s->modes[0][Unpacked(s, row) * s->width + x];
  packed[0] = 0;
}

PetscErrorCode SpanNavierStokesSetForcing(SpanNavierStokes s, const double *f)
{
  PetscFunctionBeginUser;
  s->forced = (PetscBool)(f != NULL);
  if (f) Pack(s, f, s->forcing);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNavierStokesSetVorticity(SpanNavierStokes s, const double *w)
{
  PetscFunctionBeginUser;
  if (w)
    Pack(s, w, s->w);
  else
    memset(s->w, 0, (size_t)(s->rows * s->columns) * sizeof *s->w);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNavierStokesAdvance(SpanNavierStokes s, double interval, double longest, PetscInt *steps)
{
  PetscFunctionBeginUser;
  PetscCall(SpanEtdrk4Advance(s->time, interval, longest, s->w, steps));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNavierStokesGetVorticity(SpanNavierStokes s, double *w)
{
  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < s->rows; row++)
    memcpy(s->modes[0] + Unpacked(s, row) * s->width, s->w + row * s->columns, (size_t)s->columns * sizeof *s->w);
  ToPoints(s, 0);
  memcpy(w, s->points[0], (size_t)(s->n * s->n) * sizeof *w);
  PetscFunctionReturn(0);
}
