/* Positions are made on the unit disc and stretched to the matrix. */
#include <subspan/operators/imaging/trajectory.h>
#include <math.h>
#include <stdlib.h>

enum { default_interleaves = 16 };

/* The way along the spiral r = angle from the centre, and the angle that lies at a way of s. */
static double Way(double angle) { return 0.5 * (angle * sqrt(1 + angle * angle) + asinh(angle)); }

static double AngleAt(double s)
{
  double angle = s < 1 ? s : sqrt(2 * s);
  for (int i = 0; i < 8; i++) angle -= (Way(angle) - s) / sqrt(1 + angle * angle);
  return angle;
}

void SpanTrajectoryDefaults(PetscInt ny, PetscInt nx, SpanTrajectoryOptions *o)
{
  double n = (double)PetscMax(ny, nx);
  if (o->type == SPAN_TRAJECTORY_RADIAL) {
    if (!o->n_rows) o->n_rows = (PetscInt)ceil(M_PI / 2 * n);
    if (!o->n_samples) o->n_samples = (PetscInt)(2 * n);
    return;
  }
  if (!o->n_rows) o->n_rows = default_interleaves;
  if (o->turns == 0) o->turns = n / 2 / (double)o->n_rows;
  double end = 2 * M_PI * o->turns;
  if (!o->n_samples) o->n_samples = PetscMax(2, (PetscInt)ceil(n * Way(end) / end));
}

static double Turn(const SpanTrajectoryOptions *o, PetscInt row)
{
  double circle = o->type == SPAN_TRAJECTORY_RADIAL ? M_PI : 2 * M_PI;
  return o->golden ? circle * fmod((double)row * (sqrt(5) - 1) / 2, 1) : circle * (double)row / (double)o->n_rows;
}

/* Radius, signed on a spoke, and angle of a sample within its row. */
static void Polar(const SpanTrajectoryOptions *o, double sample, double *radius, double *angle)
{
  *angle = 0;
  if (o->type == SPAN_TRAJECTORY_RADIAL) {
    *radius = 2 * (sample - (double)(o->n_samples / 2)) / (double)o->n_samples;
    return;
  }
  double end = 2 * M_PI * o->turns;
  *angle     = AngleAt(Way(end) * sample / (double)(o->n_samples - 1));
  *radius    = *angle / end;
}

typedef struct {
  double turn;
  PetscInt row;
} Direction;

static int ByTurn(const void *a, const void *b)
{
  const Direction *x = a, *y = b;
  if (x->turn != y->turn) return x->turn > y->turn ? 1 : -1;
  return (x->row > y->row) - (x->row < y->row);
}

/* Half the angle between the two neighbours of each row: its share of the circle (radial: of the half circle). */
static PetscErrorCode Sectors(const SpanTrajectoryOptions *o, double *sectors)
{
  PetscInt n    = o->n_rows;
  double circle = o->type == SPAN_TRAJECTORY_RADIAL ? M_PI : 2 * M_PI;
  Direction *d;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &d));
  for (PetscInt i = 0; i < n; i++) d[i] = (Direction){Turn(o, i), i};
  qsort(d, (size_t)n, sizeof *d, ByTurn);
  for (PetscInt i = 0; i < n; i++) {
    double after      = i + 1 < n ? d[i + 1].turn : d[0].turn + circle;
    double before     = i > 0 ? d[i - 1].turn : d[n - 1].turn - circle;
    sectors[d[i].row] = (after - before) / 2;
  }
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* The area between half-way to the sample before and half-way to the one after, in a sector of 1 radian. */
static double Cell(const SpanTrajectoryOptions *o, PetscInt sample)
{
  double r[3], unused;
  for (int i = 0; i < 3; i++) Polar(o, fmax((double)sample + 0.5 * (i - 1), 0), &r[i], &unused);
  if (o->type == SPAN_TRAJECTORY_SPIRAL) {
    if (sample == o->n_samples - 1) r[2] = 1;
    return 0.5 * (r[2] * r[2] - r[0] * r[0]);
  }
  /* A spoke begins at -1; its last cell ends at 1. */
  if (sample == 0) r[0] = -1;
  if (sample == o->n_samples - 1) r[2] = 1;
  return r[0] * r[2] < 0 ? 0.5 * (r[0] * r[0] + r[2] * r[2]) : 0.5 * fabs(r[2] * r[2] - r[0] * r[0]);
}

PetscErrorCode SpanTrajectory(const SpanTrajectoryOptions *o, PetscInt ny, PetscInt nx, float *trajectory,
                              float *density)
{
  PetscInt n = o->n_samples;
  double *sectors, *cells, sx = (double)nx / 2, sy = (double)ny / 2;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(o->n_rows, &sectors, n, &cells));
  PetscCall(Sectors(o, sectors));
  for (PetscInt i = 0; i < n; i++) cells[i] = Cell(o, i);
  for (PetscInt row = 0; row < o->n_rows; row++)
    for (PetscInt i = 0; i < n; i++) {
      double radius, angle;
      Polar(o, (double)i, &radius, &angle);
      angle += Turn(o, row);
      trajectory[2 * (row * n + i)]     = (float)(sx * radius * cos(angle));
      trajectory[2 * (row * n + i) + 1] = (float)(sy * radius * sin(angle));
      density[row * n + i]              = (float)(sx * sy * sectors[row] * cells[i]);
    }
  PetscCall(PetscFree2(sectors, cells));
  PetscFunctionReturn(0);
}
