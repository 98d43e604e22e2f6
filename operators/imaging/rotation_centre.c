/* The centre of rotation from the energy outside of the double wedge. */
#include <subspan/base/error.h>
#include <subspan/operators/imaging/plans.h>
#include <subspan/operators/imaging/rotation_centre.h>
#include <complex.h>
#include <fftw3.h>
#include <math.h>
#include <stdlib.h>

enum { most_views = 720, rounds = 3 };

typedef struct {
  double angle; /* from the first view on, [0, pi) */
  PetscInt view;
} HalfTurn;

typedef struct {
  PetscInt n, n_u, n_freqs, n_orders; /* views; columns; k = 1 / (2 n_u) to n_freqs / (2 n_u); m = 1 to n_orders */
  HalfTurn *views;
  float *weights;              /* (n), the angle that a view stands for */
  float complex *turns;        /* (n_orders, n): exp(-i m t) */
  float complex *spectrum;     /* (n_freqs, n), weighted */
  double complex *correlation; /* (n_freqs) */
  double energy;               /* of one copy */
} Search;

static int Ascending(const void *a, const void *b)
{
  const double x = ((const HalfTurn *)a)->angle, y = ((const HalfTurn *)b)->angle;
  return (x > y) - (x < y);
}

/* The views of the half turn that begins at the first, in order, at most most_views of them. */
static PetscErrorCode Choose(const char path[], const SpanCTGeometry *g, Search *s)
{
  double widest = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(g->n_views, &s->views, g->n_views, &s->weights));
  for (PetscInt i = 0; i < g->n_views; i++) {
    double turn = fmod(g->angles[i] - g->angles[0], 2 * M_PI);
    if (turn < 0) turn += 2 * M_PI;
    if (turn > 2 * M_PI - 1e-9) turn = 0;
    if (turn < M_PI - 1e-6) s->views[s->n++] = (HalfTurn){turn, i};
  }
  /* A scan that turns clockwise has its half turn on the other side. */
  if (s->n < g->n_views / 4) {
    s->n = 0;
    for (PetscInt i = 0; i < g->n_views; i++) {
      double turn = fmod(g->angles[0] - g->angles[i], 2 * M_PI);
      if (turn < 0) turn += 2 * M_PI;
      if (turn < M_PI - 1e-6) s->views[s->n++] = (HalfTurn){-turn, i};
    }
  }
  qsort(s->views, (size_t)s->n, sizeof *s->views, Ascending);
  const PetscInt every = PetscMax(1, (s->n + most_views - 1) / most_views);
  for (PetscInt i = 0; i * every < s->n; i++) s->views[i] = s->views[i * every];
  s->n = (s->n + every - 1) / every;
  for (PetscInt i = 0; i < s->n; i++) {
    const double before = i ? s->views[i - 1].angle : s->views[s->n - 1].angle - M_PI,
                 after  = i + 1 < s->n ? s->views[i + 1].angle : s->views[0].angle + M_PI;
    s->weights[i]       = (float)((after - before) / 2);
    widest              = fmax(widest, after - s->views[i].angle);
  }
  SpanCheckInput(PETSC_COMM_SELF, widest < M_PI / 6 + 1e-6,
                 "%s: the centre of rotation cannot be found: the views leave %.4g degrees of the half turn from the "
                 "first on unseen, more than 30",
                 path, widest * 180 / M_PI);
  s->n_orders = PetscMax(2, (PetscInt)(0.9 * (double)s->n));
  PetscFunctionReturn(0);
}

/* Flat up to 0.8 of the way from the centre to the nearer end of the row, then a quarter wave to 0: what is mirrored
   lies as far on both sides. */
static float Window(PetscInt n_u, double centre, double half, PetscInt j)
{
  const double x = fabs((double)j - (double)(n_u - 1) / 2 - centre) / half;
  return x >= 1 ? 0 : x <= 0.8 ? 1 : (float)(0.5 + 0.5 * cos(M_PI * (x - 0.8) / 0.2));
}

/* The transform across of a row's views, u counted from the middle of the row, in columns. */
static PetscErrorCode Across(const Search *s, PetscInt n_rows, PetscInt row, const float *lines, double centre,
                             double half)
{
  const PetscInt n = 2 * s->n_u;
  float complex *work;
  fftwf_plan plan;
  PetscFunctionBeginUser;
  PetscCall(SpanPlanLine(n, -1, &plan));
  work = fftwf_malloc((size_t)(2 * n) * sizeof *work);
  PetscCheck(work, PETSC_COMM_SELF, PETSC_ERR_MEM, "rotation centre: %lld numbers", (long long)(2 * n));
  for (PetscInt a = 0; a < s->n; a++) {
    const float *line = lines + ((PetscInt64)s->views[a].view * n_rows + row) * s->n_u;
    for (PetscInt j = 0; j < s->n_u; j++) work[j] = line[j] * Window(s->n_u, centre, half, j);
    for (PetscInt j = s->n_u; j < n; j++) work[j] = 0;
    fftwf_execute_dft(plan, work, work + n);
    for (PetscInt k = 0; k < s->n_freqs; k++) {
      const double turn         = M_PI * (double)(k + 1) * (double)(s->n_u - 1) / (double)n;
      s->spectrum[k * s->n + a] = work[n + k + 1] * (float complex)cexp(I * turn) * s->weights[a];
    }
  }
  fftwf_free(work);
  PetscFunctionReturn(0);
}

/* Adds a row's correlations, outside of the wedge of radius `radius` columns. */
static void Correlate(Search *s, double radius)
{
  double energy = 0;
#pragma omp parallel for schedule(dynamic) reduction(+ : energy)
  for (PetscInt k = 0; k < s->n_freqs; k++) {
    const PetscInt first       = (PetscInt)(1.05 * M_PI * (double)(k + 1) / (double)s->n_u * radius) + 2;
    const float complex *lines = s->spectrum + k * s->n;
    for (PetscInt m = first; m <= s->n_orders; m++) {
      const float complex *turn = s->turns + (m - 1) * s->n;
      double complex forth = 0, back = 0;
      for (PetscInt a = 0; a < s->n; a++) {
        forth += turn[a] * lines[a];
        back += conjf(turn[a]) * lines[a];
      }
      s->correlation[k] += (m % 2 ? -1 : 1) * conj(forth * back);
      energy += creal(forth * conj(forth)) + creal(back * conj(back));
    }
  }
  s->energy += energy;
}

static double Energy(const Search *s, double centre)
{
  double sum = 0;
  for (PetscInt k = 0; k < s->n_freqs; k++)
    sum += creal(s->correlation[k] * cexp(-2 * M_PI * I * (double)(k + 1) * centre / (double)s->n_u));
  return sum;
}

/* The least energy at low + i step; then halved steps around it. */
static double Least(const Search *s, double low, double high, double step)
{
  double best = low, least = INFINITY;
  for (PetscInt i = 0; low + (double)i * step <= high; i++) {
    const double e = Energy(s, low + (double)i * step);
    if (e < least) {
      least = e;
      best  = low + (double)i * step;
    }
  }
  for (step /= 2; step > 1e-3; step /= 2)
    for (int side = -1; side <= 1; side += 2) {
      const double e = Energy(s, best + side * step);
      if (e >= least) continue;
      least = e;
      best += side * step;
      break;
    }
  return best;
}

static PetscErrorCode Round(Search *s, PetscInt n_rows, const float *lines, PetscBool first, double *centre)
{
  const double middle = (double)(s->n_u - 1) / 2, half = (double)s->n_u / 2 - fabs(*centre);
  PetscFunctionBeginUser;
  /* Wider than the window: what reaches beyond the detector still moves fast while it is seen. Orders reach n_orders:
     frequencies whose wedge leaves none of them say nothing. */
  const double radius = 1.4 * half;
  s->n_freqs          = PetscMin(s->n_u - 1, (PetscInt)((double)s->n_orders * (double)s->n_u / (M_PI * radius)) + 1);
  s->energy           = 0;
  PetscCall(PetscMalloc1((PetscInt64)s->n_freqs * s->n, &s->spectrum));
  PetscCall(PetscCalloc1(s->n_freqs, &s->correlation));
  for (PetscInt row = 0; row < n_rows; row++) {
    PetscCall(Across(s, n_rows, row, lines, *centre, half));
    Correlate(s, radius);
  }
  if (first)
    *centre = Least(s, -0.6 * middle, 0.6 * middle, 0.25);
  else
    *centre = Least(s, *centre - 2, *centre + 2, 0.25);
  PetscCall(PetscFree(s->spectrum));
  PetscCall(PetscFree(s->correlation));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanRotationCentre(const char path[], const SpanCTGeometry *g, PetscInt n_rows, const float *lines,
                                  PetscReal *axis_offset)
{
  Search s      = {.n_u = g->n_u};
  double centre = 0; /* columns from the middle of the row */
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, g->kind == SPAN_CT_PARALLEL,
                 "%s: the centre of rotation can be found from parallel beams alone", path);
  PetscErrorCode ierr = Choose(path, g, &s);
  if (!ierr) ierr = PetscMalloc1((PetscInt64)s.n_orders * s.n, &s.turns);
  for (PetscInt m = 0; m < s.n_orders && !ierr; m++)
    for (PetscInt a = 0; a < s.n; a++)
      s.turns[m * s.n + a] = (float complex)cexp(-I * (double)(m + 1) * s.views[a].angle);
  for (int i = 0; i < rounds && !ierr; i++) {
    ierr = Round(&s, n_rows, lines, (PetscBool)(i == 0), &centre);
    if (!ierr && !(s.energy > 0)) ierr = SpanInputError("%s: the projections have no contrast", path);
  }
  PetscCall(PetscFree(s.turns));
  PetscCall(PetscFree2(s.views, s.weights));
  PetscCall(ierr);
  *axis_offset = centre * g->pitch_u + g->offset_u;
  PetscFunctionReturn(0);
}
