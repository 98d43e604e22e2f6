/* Separable resampling, axis by axis. */
#include <subspan/solvers/train/prior/zoom.h>
#include <math.h>
#include <stdlib.h>

/* What each point of an axis is made of: `taps` points of the old axis and their weights; -1: outside, which is 0. */
typedef struct {
  PetscInt n, taps, *from;
  float *weight;
} Axis;

static double Keys(double t)
{
  t = fabs(t);
  return t < 1 ? (1.5 * t - 2.5) * t * t + 1 : t < 2 ? ((-0.5 * t + 2.5) * t - 4) * t + 2 : 0;
}

static PetscInt Mirrored(PetscInt i, PetscInt first, PetscInt end)
{
  const PetscInt n = end - first, k = (((i - first) % (2 * n)) + 2 * n) % (2 * n);
  return first + (k < n ? k : 2 * n - 1 - k);
}

/* range: first and end point of what is known, or NULL. */
static int AxisCreate(double factor, PetscInt n, const PetscInt *range, Axis *a)
{
  const double middle = 0.5 * (double)(n - 1), width = fmax(1, 1 / factor);
  *a        = (Axis){.n = n, .taps = (PetscInt)ceil(4 * width)};
  a->from   = malloc((size_t)(n * a->taps) * sizeof *a->from);
  a->weight = malloc((size_t)(n * a->taps) * sizeof *a->weight);
  if (!a->from || !a->weight) return 1;
  for (PetscInt x = 0; x < n; x++) {
    const double at      = ((double)x - middle) / factor + middle;
    const PetscInt first = (PetscInt)ceil(at - 2 * width);
    double sum           = 0;
    for (PetscInt k = 0; k < a->taps; k++) sum += Keys(((double)(first + k) - at) / width);
    for (PetscInt k = 0; k < a->taps; k++) {
      const PetscInt i           = first + k;
      a->from[x * a->taps + k]   = range ? Mirrored(i, range[0], range[1]) : i >= 0 && i < n ? i : -1;
      a->weight[x * a->taps + k] = (float)(Keys(((double)i - at) / width) / sum);
    }
  }
  return 0;
}

static void AxisFree(Axis *a)
{
  free(a->from);
  free(a->weight);
}

static void Columns(const Axis *a, PetscInt ny, const float *from, float *to)
{
  for (PetscInt y = 0; y < ny; y++)
    for (PetscInt x = 0; x < a->n; x++) {
      const PetscInt *i = a->from + x * a->taps;
      float sum         = 0;
      for (PetscInt k = 0; k < a->taps; k++)
        if (i[k] >= 0) sum += a->weight[x * a->taps + k] * from[y * a->n + i[k]];
      to[y * a->n + x] = sum;
    }
}

static void Rows(const Axis *a, PetscInt nx, const float *from, float *to)
{
  for (PetscInt y = 0; y < a->n; y++) {
    float *row = to + y * nx;
    for (PetscInt x = 0; x < nx; x++) row[x] = 0;
    for (PetscInt k = 0; k < a->taps; k++) {
      const PetscInt i = a->from[y * a->taps + k];
      if (i < 0) continue;
      const float weight = a->weight[y * a->taps + k], *source = from + i * nx;
      for (PetscInt x = 0; x < nx; x++) row[x] += weight * source[x];
    }
  }
}

static void Scale(double factor, PetscInt n, PetscInt range[2])
{
  const double middle = 0.5 * (double)(n - 1);
  range[0]            = PetscMax(0, (PetscInt)ceil(((double)range[0] - 0.5 - middle) * factor + middle));
  range[1]            = PetscMin(n, (PetscInt)floor(((double)range[1] - 0.5 - middle) * factor + middle) + 1);
}

int SpanZoom(double factor, PetscInt ny, PetscInt nx, PetscInt extent[4], float *scratch, float *image)
{
  Axis rows = {0}, columns = {0};
  float low = extent ? image[0] : 0, high = low;
  for (PetscInt i = 0; i < ny * nx; i++) {
    low  = image[i] < low ? image[i] : low;
    high = image[i] > high ? image[i] : high;
  }
  const int failed =
      AxisCreate(factor, ny, extent, &rows) || AxisCreate(factor, nx, extent ? extent + 2 : NULL, &columns);
  if (!failed) {
    Columns(&columns, ny, image, scratch);
    Rows(&rows, nx, scratch, image);
    for (PetscInt i = 0; i < ny * nx; i++) image[i] = fminf(fmaxf(image[i], low), high);
  }
  AxisFree(&rows);
  AxisFree(&columns);
  if (failed || !extent) return failed;
  Scale(factor, ny, extent);
  Scale(factor, nx, extent + 2);
  return 0;
}
