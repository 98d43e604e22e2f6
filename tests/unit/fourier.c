/* The Fourier transforms of tensors against the sum, and both ways. */
#include "gradients.h"

typedef struct {
  PetscInt64 samples, n[3], c; /* leading ones where there are fewer axes */
  int axes;
} Grid;

static void forward(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  check(SpanFourier(tape, x[0], ((Grid *)context)->axes, y));
}

static void inverse(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Grid *g = context;
  check(SpanFourierInverse(tape, x[0], g->axes, g->n[2], y));
}

static void both(SpanTape tape, SpanTensor x[], void *context, SpanTensor *y)
{
  const Grid *g = context;
  SpanTensor spectrum;
  check(SpanFourier(tape, x[0], g->axes, &spectrum));
  check(SpanFourierInverse(tape, spectrum, g->axes, g->n[2], y));
  check(SpanTensorDestroy(&spectrum));
}

static void forward_reference(void *context, float *const x[], float *y)
{
  const Grid *g = context;
  SpanFourierReference(g->samples, g->n, g->c, x[0], y);
}

static void both_reference(void *context, float *const x[], float *y)
{
  const Grid *g = context;
  memcpy(y, x[0], (size_t)(g->samples * g->n[0] * g->n[1] * g->n[2] * g->c) * sizeof *y);
}

/* NumPy's irfftn on a half spectrum that belongs to no real numbers: inverse transforms along all axes but the last,
   then c2r, which takes the real part of the first and (of an even length) the last column. */
static void inverse_reference(void *context, float *const x[], float *y)
{
  const Grid *g         = context;
  const PetscInt64 half = g->n[2] / 2 + 1, points = g->n[0] * g->n[1] * g->n[2], count = g->n[0] * g->n[1] * half;
  for (PetscInt64 r = 0; r < g->samples * points; r++)
    for (PetscInt64 c = 0; c < g->c; c++) {
      const PetscInt64 p[3] = {r / g->n[2] / g->n[1] % g->n[0], r / g->n[2] % g->n[1], r % g->n[2]};
      double sum            = 0;
      for (PetscInt64 q = 0; q < count; q++) {
        const PetscInt64 k[3] = {q / half / g->n[1], q / half % g->n[1], q % half};
        const float *z        = x[0] + 2 * ((r / points * count + q) * g->c + c);
        double turns          = 0;
        for (int a = 0; a < 3; a++) turns += (double)(k[a] * p[a]) / (double)g->n[a];
        const double weight = k[2] == 0 || 2 * k[2] == g->n[2] ? 1 : 2;
        sum += weight * (z[0] * cos(2 * M_PI * turns) - z[1] * sin(2 * M_PI * turns));
      }
      y[r * g->c + c] = (float)sum;
    }
}

static void transforms(void **state)
{
  Grid grids[] = {{2, {1, 1, 16}, 3, 1}, {3, {1, 1, 9}, 4, 1}, {2, {1, 8, 12}, 35, 2},
                  {1, {1, 7, 5}, 2, 2},  {2, {1, 5, 8}, 1, 2}, {1, {4, 6, 5}, 3, 3},
                  {2, {3, 4, 6}, 2, 3},  {1, {1, 1, 1}, 2, 1}, {1, {1, 16, 16}, 66, 2}};
  for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
    Grid *g = &grids[i];
    Input x = {g->axes + 2, {g->samples}}, spectrum = {g->axes + 3, {g->samples}};
    for (int a = 0; a < g->axes; a++) x.shape[1 + a] = spectrum.shape[1 + a] = g->n[3 - g->axes + a];
    spectrum.shape[g->axes] = g->n[2] / 2 + 1;
    x.shape[g->axes + 1] = spectrum.shape[g->axes + 1] = g->c;
    spectrum.shape[g->axes + 2]                        = 2;
    case_check(&(Case){"Fourier transform", forward, forward_reference, g, 1, {x}, .float_only = 1});
    case_check(&(Case){"inverse Fourier transform", inverse, inverse_reference, g, 1, {spectrum}, .float_only = 1});
    case_check(&(Case){"Fourier transform and back", both, both_reference, g, 1, {x}, .float_only = 1});
  }
}

TEST_MAIN(cmocka_unit_test(transforms))
