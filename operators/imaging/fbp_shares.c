/* What share of an integral over lines each ray has: its view's cell of the angles, and its part of a line that was
   measured twice (fbp.h). */
#include <subspan/operators/imaging/fbp.h>
#include <math.h>
#include <stdlib.h>

/* The angles on the circle. */
typedef struct {
  double first, range; /* of a scan that does not close: where it starts and how far it goes */
  double taper;        /* width of c at its ends; 0: the scan closes */
} Scan;

typedef struct {
  double angle;
  PetscInt view;
} Turn;

static int Compare(const void *a, const void *b)
{
  const Turn *x = a, *y = b;
  if (x->angle != y->angle) return x->angle < y->angle ? -1 : 1;
  return x->view < y->view ? -1 : 1;
}

/* [0, 2 pi) */
static double Wrap(double angle)
{
  const double turned = angle - 2 * M_PI * floor(angle / (2 * M_PI));
  return turned < 2 * M_PI ? turned : 0;
}

/* The cell of each view: half the way to each of its neighbours on the circle, but not across the missing part, which
   is a gap of more than 2.8 times the mean of the others (golden angles: 2.6). */
static void Cells(const SpanCTGeometry *g, Turn *turns, double *cells, Scan *scan)
{
  const PetscInt n = g->n_views;
  PetscInt widest  = 0;
  double gap       = -1;
  for (PetscInt a = 0; a < n; a++) turns[a] = (Turn){Wrap(g->angles[a]), a};
  qsort(turns, (size_t)n, sizeof *turns, Compare);
  for (PetscInt a = 0; a < n; a++) {
    const double next = a + 1 < n ? turns[a + 1].angle : turns[0].angle + 2 * M_PI;
    if (next - turns[a].angle > gap) {
      gap    = next - turns[a].angle;
      widest = a;
    }
  }
  const double range   = 2 * M_PI - gap;
  const PetscBool open = (PetscBool)(n < 2 || gap > 2.8 * range / (double)(n - 1));
  *scan                = (Scan){turns[(widest + 1) % n].angle, range, open ? PetscMin(range / 4, M_PI / 12) : 0};
  for (PetscInt k = 0; k < n; k++) {
    const PetscInt a = (widest + 1 + k) % n;
    double before    = Wrap(turns[a].angle - turns[(a + n - 1) % n].angle),
           after     = Wrap(turns[(a + 1) % n].angle - turns[a].angle);
    if (open && k == 0) before = after;
    if (open && k == n - 1) after = before;
    cells[turns[a].view] = n == 1 ? M_PI : (before + after) / 2;
  }
}

/* c: how much the scan has of an angle, falling to 0 at the ends of one that does not close. */
static double Measured(const Scan *scan, double angle)
{
  if (scan->taper == 0) return 1;
  double at = Wrap(angle - scan->first);
  if (at > 2 * M_PI - 1e-9) at = 0;
  if (at > scan->range) return 0;
  const double edge = PetscMin(at, scan->range - at);
  if (edge >= scan->taper) return 1;
  return pow(sin(M_PI / 2 * edge / scan->taper), 2);
}

/* b: a detector that reaches to -low on one side and to high on the other, both in the measure of `at`; 1 where the
   sides are alike to a tenth. */
static double Side(double low, double high, double at)
{
  const double less = PetscMin(low, high), more = PetscMax(low, high), out = high > low ? at : -at;
  if (less <= 0 || less > 0.9 * more) return 1;
  if (out >= less) return 1;
  if (out <= -less) return 0;
  return pow(sin(M_PI / 4 * (1 + out / less)), 2);
}

/* The signed measure by which a ray and the one from the other side differ in sign alone: mm from the axis in parallel
   rays, else the angle from the line through source and axis. */
static double Beside(const SpanCTGeometry *g, PetscInt column)
{
  const double u = SpanCTColumn(g, column), d = g->source_detector;
  if (g->kind == SPAN_CT_PARALLEL) return u - g->axis_offset;
  return (g->curved ? u / d : atan2(u, d)) - atan2(g->axis_offset, g->source_axis);
}

void SpanFBPShares(const SpanCTGeometry *g, double *shares)
{
  Scan scan;
  const PetscInt n = g->n_views;
  Turn *turns      = malloc((size_t)n * sizeof *turns);
  double *cells    = malloc((size_t)n * sizeof *cells);
  const double a = Beside(g, 0), b = Beside(g, g->n_u - 1), low = -PetscMin(a, b), high = PetscMax(a, b);
  Cells(g, turns, cells, &scan);
  for (PetscInt view = 0; view < n; view++)
    for (PetscInt u = 0; u < g->n_u; u++) {
      const double at = Beside(g, u), turn = g->kind == SPAN_CT_PARALLEL ? 0 : 2 * at;
      /* In a scan that does not close nobody else may see what the shorter side does not. */
      const double own   = Measured(&scan, g->angles[view]) * (scan.taper == 0 ? Side(low, high, at) : 1);
      const PetscBool in = (PetscBool)(-at >= -low - 1e-9 && -at <= high + 1e-9);
      const double other =
          in ? Measured(&scan, g->angles[view] + M_PI - turn) * (scan.taper == 0 ? Side(low, high, -at) : 1) : 0;
      shares[view * g->n_u + u] = cells[view] * (own + other > 0 ? own / (own + other) : 0.5);
    }
  free(turns);
  free(cells);
}
