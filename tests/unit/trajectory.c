/* Radial and spiral sampling: density weights add up to the disc and invert the NUFFT, golden and even angles, no gaps
   by default. */
#include "test.h"
#include <subspan/operators/imaging/nufft.h>
#include <subspan/operators/imaging/trajectory.h>

enum { ny = 40, nx = 48 };

static const SpanTrajectoryOptions kinds[] = {{.type = SPAN_TRAJECTORY_RADIAL},
                                              {.type = SPAN_TRAJECTORY_RADIAL, .golden = PETSC_TRUE, .n_rows = 144},
                                              {.type = SPAN_TRAJECTORY_RADIAL, .n_samples = 97},
                                              {.type = SPAN_TRAJECTORY_SPIRAL},
                                              {.type = SPAN_TRAJECTORY_SPIRAL, .n_rows = 5},
                                              {.type = SPAN_TRAJECTORY_SPIRAL, .golden = PETSC_TRUE, .n_rows = 21}};
enum { n_kinds = sizeof kinds / sizeof kinds[0] };

static SpanTrajectoryOptions make(int kind, float **trajectory, float **density)
{
  SpanTrajectoryOptions o = kinds[kind];
  SpanTrajectoryDefaults(ny, nx, &o);
  *trajectory = malloc((size_t)(2 * o.n_rows * o.n_samples) * sizeof **trajectory);
  *density    = malloc((size_t)(o.n_rows * o.n_samples) * sizeof **density);
  check(SpanTrajectory(&o, ny, nx, *trajectory, *density));
  return o;
}

static void weights_invert_the_transform(void **state)
{
  float *t, *w;
  float complex x[ny * nx], y[ny * nx];
  for (int i = 0; i < ny * nx; i++) { /* smooth, so that the corners of k-space are empty */
    double s = (i / nx - ny / 2 + 3) / 9., u = (i % nx - nx / 2 - 4) / 8.;
    x[i] = (float)exp(-s * s - u * u) * (1 + 0.4f * I);
  }
  for (int kind = 0; kind < n_kinds; kind++) {
    SpanTrajectoryOptions o = make(kind, &t, &w);
    PetscInt m              = o.n_rows * o.n_samples;
    double sum              = 0;
    SpanNufft nufft;
    float complex *samples = malloc((size_t)m * sizeof *samples);
    check(SpanNufftCreate(ny, nx, m, t, &nufft));
    check(SpanNufftForward(nufft, 1, x, samples));
    for (PetscInt i = 0; i < m; i++) {
      assert_true(w[i] >= 0 && hypot((double)t[2 * i] / nx, (double)t[2 * i + 1] / ny) < 0.5 + 1e-6);
      samples[i] *= w[i];
      sum += (double)w[i];
    }
    assert_true(fabs(sum / (M_PI / 4 * ny * nx) - 1) < 1e-5);
    check(SpanNufftAdjoint(nufft, 1, samples, y));
    assert_true(test_distance(ny * nx, y, x) < 0.03);
    check(SpanNufftDestroy(&nufft));
    free(samples);
    free(t);
    free(w);
  }
}

static void angles_and_steps_are_as_asked(void **state)
{
  float *t, *w;
  for (int kind = 0; kind < n_kinds; kind++) {
    SpanTrajectoryOptions o = make(kind, &t, &w);
    PetscInt n = o.n_samples, last = n - 1;
    double circle = o.type == SPAN_TRAJECTORY_RADIAL ? M_PI : 2 * M_PI, between[2];
    for (int r = 0; r < 2; r++)
      between[r] = atan2((double)t[2 * (r * n + last) + 1] / ny, (double)t[2 * (r * n + last)] / nx);
    double want = o.golden ? circle * 0.6180339887 : circle / (double)o.n_rows;
    assert_true(fabs(remainder(between[1] - between[0] - want, circle)) < 1e-4);
    for (PetscInt i = 0; i + 1 < n; i++) {
      double step = hypot((double)(t[2 * i + 2] - t[2 * i]), (double)(t[2 * i + 3] - t[2 * i + 1]) * nx / ny);
      assert_true(step < 0.51);
    }
    PetscInt centre = o.type == SPAN_TRAJECTORY_RADIAL ? n / 2 : 0;
    assert_true(t[2 * centre] == 0 && t[2 * centre + 1] == 0);
    free(t);
    free(w);
  }
}

TEST_MAIN(cmocka_unit_test(weights_invert_the_transform), cmocka_unit_test(angles_and_steps_are_as_asked))
