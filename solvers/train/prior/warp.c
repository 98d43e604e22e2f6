/* Resampling: each new pixel asks where it comes from. */
#include <subspan/solvers/train/prior/warp.h>
#include <math.h>
#include <stdlib.h>

/* The points of an old axis from -`before` on as they are read; -1: outside, which is 0. */
typedef struct {
  PetscInt before, count, taps, *point;
  double width; /* of the kernel */
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

/* range: first and end point of what is known, or NULL; reach: how far from the middle points are asked for. */
static int AxisCreate(double factor, double reach, PetscInt n, const PetscInt *range, Axis *a)
{
  a->width  = fmax(1, 1 / factor);
  a->taps   = (PetscInt)ceil(4 * a->width);
  a->before = (PetscInt)ceil(reach - 0.5 * (double)(n - 1)) + a->taps;
  a->count  = 2 * a->before + n;
  a->point  = malloc((size_t)a->count * sizeof *a->point);
  if (!a->point) return 1;
  for (PetscInt k = 0; k < a->count; k++) {
    const PetscInt i = k - a->before;
    a->point[k]      = range ? Mirrored(i, range[0], range[1]) : i >= 0 && i < n ? i : -1;
  }
  return 0;
}

/* The taps around `at`: where they lie, and their weights, which are 0 outside. */
static void Taps(const Axis *a, double at, PetscInt point[], float weight[])
{
  const PetscInt first = (PetscInt)ceil(at - 2 * a->width);
  double sum           = 0;
  for (PetscInt k = 0; k < a->taps; k++) {
    const double w     = Keys(((double)(first + k) - at) / a->width);
    const PetscInt old = a->point[first + k + a->before];
    sum += w;
    point[k]  = old < 0 ? 0 : old;
    weight[k] = old < 0 ? 0 : (float)w;
  }
  for (PetscInt k = 0; k < a->taps; k++) weight[k] *= (float)(1 / sum);
}

/* The four cubic B-splines at point i of n, of which the first belongs to knot *knot. */
static void Splines(PetscInt i, PetscInt n, PetscInt *knot, float weight[4])
{
  const double u = ((double)i + 0.5) / (double)n * (span_warp_knots - 3);
  *knot          = PetscMin((PetscInt)u, span_warp_knots - 4);
  const double t = u - (double)*knot, s = 1 - t;
  weight[0] = (float)(s * s * s / 6);
  weight[1] = (float)((3 * t * t * t - 6 * t * t + 4) / 6);
  weight[2] = (float)((3 * s * s * s - 6 * s * s + 4) / 6);
  weight[3] = (float)(t * t * t / 6);
}

/* Row y of the warped image. */
static void Row(const SpanWarp *w, const Axis *rows, const Axis *columns, PetscInt ny, PetscInt nx, PetscInt y,
                const float *image, float *to)
{
  const double sine = sin(w->angle), cosine = cos(w->angle),
               middle[2] = {0.5 * (double)(ny - 1), 0.5 * (double)(nx - 1)};
  PetscInt knot, line[rows->taps], place[columns->taps];
  float spline[4], across[4], row_weight[rows->taps], weight[columns->taps], bend[span_warp_knots][2] = {{0}};
  Splines(y, ny, &knot, spline);
  for (PetscInt i = 0; i < span_warp_knots; i++)
    for (PetscInt k = 0; k < 4; k++)
      for (int d = 0; d < 2; d++) bend[i][d] += spline[k] * w->bend[knot + k][i][d];
  for (PetscInt x = 0; x < nx; x++) {
    double p[2] = {(double)y - middle[0], (double)x - middle[1]};
    Splines(x, nx, &knot, across);
    for (PetscInt k = 0; k < 4; k++)
      for (int d = 0; d < 2; d++) p[d] -= (double)(across[k] * bend[knot + k][d]);
    Taps(rows, (cosine * p[0] - sine * p[1]) / w->size[0] + middle[0], line, row_weight);
    Taps(columns, (sine * p[0] + cosine * p[1]) / w->size[1] + middle[1], place, weight);
    float sum = 0;
    for (PetscInt j = 0; j < rows->taps; j++) {
      const float *source = image + line[j] * nx;
      float part          = 0;
      for (PetscInt k = 0; k < columns->taps; k++) part += weight[k] * source[place[k]];
      sum += row_weight[j] * part;
    }
    to[x] = sum;
  }
}

/* The bend moves no point by more along an axis. */
static double Bend(const SpanWarp *w)
{
  double most = 0;
  for (int i = 0; i < span_warp_knots; i++)
    for (int j = 0; j < span_warp_knots; j++)
      most = fmax(most, fmax(fabs((double)w->bend[i][j][0]), fabs((double)w->bend[i][j][1])));
  return most;
}

/* The rectangle around the turned one's middle whose corners lie in the turned one, wherever the bend moves them. */
static void Extent(const SpanWarp *w, double bend, PetscInt ny, PetscInt nx, PetscInt e[4])
{
  const double sine = sin(w->angle), cosine = cos(w->angle), c = fabs(cosine), s = fabs(sine);
  const double a = fmax(1, 0.5 * (double)(e[1] - e[0]) * w->size[0] - bend * (c + s)),
               b = fmax(1, 0.5 * (double)(e[3] - e[2]) * w->size[1] - bend * (c + s));
  const double y = (0.5 * (double)(e[0] + e[1] - ny)) * w->size[0], x = (0.5 * (double)(e[2] + e[3] - nx)) * w->size[1];
  const double share = fmin(a / (a * c + b * s), b / (a * s + b * c)), half[2] = {share * a, share * b},
               middle[2] = {cosine * y + sine * x + 0.5 * (double)ny, cosine * x - sine * y + 0.5 * (double)nx};
  for (int d = 0; d < 2; d++) {
    const PetscInt n = d ? nx : ny, first = (PetscInt)ceil(middle[d] - half[d] - 0.5 - 1e-9),
                   end = (PetscInt)floor(middle[d] + half[d] - 0.5 + 1e-9) + 1;
    e[2 * d]           = PetscMax(0, PetscMin(first, n - 1));
    e[2 * d + 1]       = PetscMin(n, PetscMax(end, e[2 * d] + 1));
  }
}

int SpanWarpImage(const SpanWarp *w, PetscInt ny, PetscInt nx, PetscInt extent[4], float *scratch, float *image)
{
  const double bend = Bend(w), reach = hypot(0.5 * (double)ny + bend, 0.5 * (double)nx + bend);
  Axis rows = {0}, columns = {0};
  float low = extent ? image[0] : 0, high = low;
  for (PetscInt i = 0; i < ny * nx; i++) {
    low  = image[i] < low ? image[i] : low;
    high = image[i] > high ? image[i] : high;
  }
  const int failed = AxisCreate(w->size[0], reach / w->size[0], ny, extent, &rows) ||
                     AxisCreate(w->size[1], reach / w->size[1], nx, extent ? extent + 2 : NULL, &columns);
  if (!failed) {
    for (PetscInt y = 0; y < ny; y++) Row(w, &rows, &columns, ny, nx, y, image, scratch + y * nx);
    for (PetscInt i = 0; i < ny * nx; i++) image[i] = fminf(fmaxf(scratch[i], low), high);
    if (extent) Extent(w, bend, ny, nx, extent);
  }
  free(rows.point);
  free(columns.point);
  return failed;
}
