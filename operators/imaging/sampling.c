/* Sampling masks. */
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/operators/imaging/sampling.h>
#include <subspan/operators/imaging/shell.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

PetscErrorCode SpanSamplingTypeFind(const char name[], SpanSamplingType *type)
{
  const char *const names[] = {"uniform1d", "gaussian1d", "poisson2d"};
  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++)
    if (!strcmp(name, names[i])) {
      *type = (SpanSamplingType)i;
      PetscFunctionReturn(0);
    }
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "undersampling `%s`: not one of uniform1d, gaussian1d, poisson2d",
          name);
}

static void CentreRange(PetscInt n, PetscReal fraction, PetscInt *first, PetscInt *count)
{
  *count = (PetscInt)lround((double)n * fraction);
  *first = (n - *count + 1) / 2;
}

static void FillColumns(PetscInt ny, PetscInt nx, const float *line, float *mask)
{
  for (PetscInt y = 0; y < ny; y++) memcpy(mask + y * nx, line, (size_t)nx * sizeof *mask);
}

static PetscErrorCode Uniform(const SpanSamplingOptions *o, PetscInt nx, float *line)
{
  PetscInt step = (PetscInt)lround(o->acceleration), first, count;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, fabs(o->acceleration - (double)step) < 1e-9,
                 "--acceleration %g: uniform1d takes every R-th line, R must be a whole number", o->acceleration);
  SpanCheckInput(PETSC_COMM_SELF, step < nx,
                 "--acceleration %" PetscInt_FMT ": more than the %" PetscInt_FMT " lines there are", step, nx);
  SpanCheckInput(PETSC_COMM_SELF, o->offset < step,
                 "--offset %" PetscInt_FMT ": must be below the acceleration %" PetscInt_FMT, o->offset, step);
  PetscInt offset =
      o->offset >= 0 ? o->offset : (PetscInt)((double)step * SpanRandomUniform(o->seed, SPAN_RANDOM_MASK, 0, 0));
  for (PetscInt x = 0; x < nx; x++) line[x] = x % step == offset;
  CentreRange(nx, o->center_fraction, &first, &count);
  for (PetscInt x = first; x < first + count; x++) line[x] = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode Gaussian(const SpanSamplingOptions *o, PetscInt nx, float *line)
{
  PetscInt first, count, wanted = (PetscInt)lround((double)nx / o->acceleration);
  PetscFunctionBeginUser;
  CentreRange(nx, o->center_fraction, &first, &count);
  SpanCheckInput(PETSC_COMM_SELF, wanted >= count,
                 "--acceleration %g allows %" PetscInt_FMT " lines, --center_fraction %g alone takes %" PetscInt_FMT,
                 o->acceleration, wanted, o->center_fraction, count);
  memset(line, 0, (size_t)nx * sizeof *line);
  for (PetscInt x = first; x < first + count; x++) line[x] = 1;
  double spread = (double)nx / 6;
  for (uint64_t draw = 0; count < wanted; draw++) {
    double normal[2];
    SpanRandomNormal(o->seed, SPAN_RANDOM_MASK, 1, draw, normal);
    for (int i = 0; i < 2 && count < wanted; i++) {
      /* Far draws fall on lines that are long taken: widen slowly so that any count can be reached. */
      PetscInt x = (PetscInt)floor((double)nx / 2 + spread * (1 + (double)draw / (20. * (double)nx)) * normal[i] + 0.5);
      if (x < 0 || x >= nx || line[x] != 0) continue;
      line[x] = 1;
      count++;
    }
  }
  PetscFunctionReturn(0);
}

/* The disc radius at a point: grows with the distance from the centre, 1 at the corner. */
static double Radius(PetscInt ny, PetscInt nx, PetscInt y, PetscInt x, double size)
{
  double v = 2. * (double)(y - ny / 2) / (double)ny, u = 2. * (double)(x - nx / 2) / (double)nx;
  return size * (0.15 + sqrt(u * u + v * v));
}

typedef struct {
  double key;
  PetscInt index;
} Keyed;

static int ByKey(const void *a, const void *b)
{
  const Keyed *x = a, *y = b;
  return x->key < y->key ? -1 : x->key > y->key ? 1 : (x->index > y->index) - (x->index < y->index);
}

/* Visits all points in a random order and takes each that is no nearer to any taken one than the smaller of the two
   radii: a Poisson disc by dart throwing on the grid, with every point tried. Returns how many are taken. */
static PetscInt Throw(PetscInt ny, PetscInt nx, const Keyed *darts, double size, float *mask)
{
  PetscInt taken = 0;
  memset(mask, 0, (size_t)(ny * nx) * sizeof *mask);
  for (PetscInt d = 0; d < ny * nx; d++) {
    PetscInt y = darts[d].index / nx, x = darts[d].index % nx;
    double radius  = Radius(ny, nx, y, x, size);
    PetscInt reach = (PetscInt)ceil(radius);
    int free_      = 1;
    for (PetscInt v = PetscMax(0, y - reach); v <= PetscMin(ny - 1, y + reach) && free_; v++)
      for (PetscInt u = PetscMax(0, x - reach); u <= PetscMin(nx - 1, x + reach) && free_; u++)
        if (mask[v * nx + u] != 0) {
          double distance = (double)((v - y) * (v - y) + (u - x) * (u - x)), other = Radius(ny, nx, v, u, size),
                 least = PetscMin(radius, other);
          if (distance < least * least) free_ = 0;
        }
    if (!free_) continue;
    mask[y * nx + x] = 1;
    taken++;
  }
  return taken;
}

static void AddCentre(PetscInt ny, PetscInt nx, PetscReal fraction, float *mask)
{
  PetscInt top, height, left, wide;
  CentreRange(ny, fraction, &top, &height);
  CentreRange(nx, fraction, &left, &wide);
  for (PetscInt y = top; y < top + height; y++)
    for (PetscInt x = left; x < left + wide; x++) mask[y * nx + x] = 1;
}

static PetscErrorCode Poisson(const SpanSamplingOptions *o, PetscInt ny, PetscInt nx, float *mask)
{
  PetscInt n = ny * nx;
  double low = 0, high = 2;
  Keyed *darts;
  PetscFunctionBeginUser;
  double centre = lround((double)ny * o->center_fraction) * (double)lround((double)nx * o->center_fraction);
  SpanCheckInput(PETSC_COMM_SELF, centre <= (double)n / o->acceleration,
                 "--acceleration %g allows %.0f samples, --center_fraction %g alone takes %.0f", o->acceleration,
                 (double)n / o->acceleration, o->center_fraction, centre);
  PetscCall(PetscMalloc1(n, &darts));
  for (PetscInt i = 0; i < n; i++) darts[i] = (Keyed){SpanRandomUniform(o->seed, SPAN_RANDOM_MASK, 2, (uint64_t)i), i};
  qsort(darts, (size_t)n, sizeof *darts, ByKey);
  double got = 0;
  for (int i = 0; i < 24 && fabs(got / o->acceleration - 1) > 0.005; i++) {
    double size = got == 0 ? high : (low + high) / 2;
    Throw(ny, nx, darts, size, mask);
    AddCentre(ny, nx, o->center_fraction, mask);
    double before = got;
    got           = SpanSamplingAcceleration(n, mask);
    if (got >= o->acceleration)
      high = size;
    else if (before == 0 || size >= high)
      high = 2 * (low = size), got = 0;
    else
      low = size;
  }
  PetscCall(PetscFree(darts));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSamplingMask(const SpanSamplingOptions *o, PetscInt ny, PetscInt nx, float *mask)
{
  float *line;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, o->acceleration >= 1, "--acceleration %g: must be at least 1", o->acceleration);
  SpanCheckInput(PETSC_COMM_SELF, o->center_fraction >= 0 && o->center_fraction <= 1,
                 "--center_fraction %g: must be between 0 and 1", o->center_fraction);
  if (o->type == SPAN_SAMPLING_POISSON2D) {
    PetscCall(Poisson(o, ny, nx, mask));
    PetscFunctionReturn(0);
  }
  PetscCall(PetscMalloc1(nx, &line));
  if (o->type == SPAN_SAMPLING_UNIFORM1D)
    PetscCall(Uniform(o, nx, line));
  else
    PetscCall(Gaussian(o, nx, line));
  FillColumns(ny, nx, line, mask);
  PetscCall(PetscFree(line));
  PetscFunctionReturn(0);
}

double SpanSamplingAcceleration(PetscInt n, const float *mask)
{
  PetscInt sampled = 0;
  for (PetscInt i = 0; i < n; i++) sampled += mask[i] != 0;
  return sampled ? (double)n / (double)sampled : INFINITY;
}

typedef struct {
  PetscInt n, n_coils;
  const float *mask;
} Diagonal;

static PetscErrorCode MapApply(void *context, const float complex *in, float complex *out)
{
  Diagonal *d = context;
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < d->n_coils; j++)
    for (PetscInt i = 0; i < d->n; i++) out[j * d->n + i] = d->mask[i] * in[j * d->n + i];
  PetscFunctionReturn(0);
}

static PetscErrorCode MapFree(void *context) { return PetscFree(context); }

PetscErrorCode SpanSamplingCreateMat(PetscInt n, PetscInt n_coils, const float *mask, Mat *mat)
{
  Diagonal *d;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  *d = (Diagonal){n, n_coils, mask};
  PetscCall(SpanShellCreate(n * n_coils, n * n_coils, MapApply, MapApply, d, MapFree, mat));
  PetscFunctionReturn(0);
}
