/* Filtered backprojection: the ramp's known values, and discs and balls that get their value, in every geometry, in
   short scans and with a detector that stands aside. */
#include "test.h"
#include <string.h>
#include <subspan/operators/imaging/fbp.h>

enum { n = 96, n_u = 150 };

static void ramp_is_its_kernel(void **state)
{
  float row[64] = {0};
  SpanRamp ramp;
  check(SpanRampCreate(64, 0.5, PETSC_FALSE, SPAN_RAMP, &ramp));
  row[20] = 1;
  check(SpanRampApply(ramp, 1, 64, row));
  for (int i = 0; i < 64; i++) {
    const int d           = abs(i - 20);
    const double expected = d == 0 ? 1 / (4 * 0.5) : d % 2 ? -0.5 / pow(M_PI * d * 0.5, 2) : 0;
    assert_true(fabs(row[i] - expected) < 1e-6);
  }
  check(SpanRampDestroy(&ramp));
}

/* The windows' gain on a wave of an eighth of the sampling frequency: |f| W. */
static void windows_are_theirs(void **state)
{
  const double w = 0.25, gains[3] = {1, (1 + cos(M_PI * w)) / 2, sin(M_PI * w / 2) / (M_PI * w / 2)};
  for (int k = 0; k < 3; k++) {
    float row[4096];
    SpanRamp ramp;
    for (int i = 0; i < 4096; i++) row[i] = (float)cos(2 * M_PI * i / 8);
    check(SpanRampCreate(4096, 1, PETSC_FALSE, (SpanRampWindow)k, &ramp));
    check(SpanRampApply(ramp, 1, 4096, row));
    for (int i = 2000; i < 2016; i++) assert_true(fabs(row[i] - gains[k] / 8 * cos(2 * M_PI * i / 8)) < 1e-4);
    check(SpanRampDestroy(&ramp));
  }
}

typedef struct {
  const char *name;
  SpanCTKind kind;
  PetscBool curved;
  double range; /* degrees */
  double axis_offset, offset_u;
  PetscInt n_u;
} Case;

static const Case cases[] = {
    {"parallel", SPAN_CT_PARALLEL, PETSC_FALSE, 180, 0.8, 0.25, n_u},
    {"parallel, whole turn", SPAN_CT_PARALLEL, PETSC_FALSE, 360, 0, 0.25, n_u},
    {"parallel, longer than a half turn", SPAN_CT_PARALLEL, PETSC_FALSE, 215, 0, 0, n_u},
    {"parallel, detector aside", SPAN_CT_PARALLEL, PETSC_FALSE, 360, 0, 26, 100},
    {"flat fan", SPAN_CT_FAN, PETSC_FALSE, 360, 0.8, 0.3, n_u},
    {"curved fan", SPAN_CT_FAN, PETSC_TRUE, 360, 0.8, 0.3, n_u},
    {"flat fan, short scan", SPAN_CT_FAN, PETSC_FALSE, 215, 0.8, 0, n_u},
    {"curved fan, short scan", SPAN_CT_FAN, PETSC_TRUE, 215, 0, 0, n_u},
    {"flat fan, between", SPAN_CT_FAN, PETSC_FALSE, 280, 0, 0, n_u},
    {"flat fan, detector aside", SPAN_CT_FAN, PETSC_FALSE, 360, 0, 40, 110},
    {"cone", SPAN_CT_CONE, PETSC_FALSE, 360, 0.8, 0.3, n_u},
    {"curved cone", SPAN_CT_CONE, PETSC_TRUE, 360, 0, 0.3, n_u},
    {"cone, short scan", SPAN_CT_CONE, PETSC_FALSE, 215, 0, 0, n_u},
};

/* The line integral of the sum of two balls (in a stack: discs), one off the centre. */
static const double balls[2][5] = {{0, 0, 0, 36, 0.02}, {11, -7, 2, 9, 0.015}};

static double integral(const SpanCTGeometry *g, PetscInt view, PetscInt row, PetscInt u)
{
  double point[3], way[3], sum = 0;
  SpanCTRay(g, view, row, u, point, way);
  if (g->kind != SPAN_CT_CONE) point[2] = way[2] = 0;
  const double length = sqrt(way[0] * way[0] + way[1] * way[1] + way[2] * way[2]);
  for (int b = 0; b < 2; b++) {
    double along = 0, squared = 0;
    for (int k = 0; k < 3; k++) {
      const double to = balls[b][k] - point[k];
      if (k == 2 && g->kind != SPAN_CT_CONE) continue;
      along += to * way[k] / length;
      squared += to * to;
    }
    const double half = balls[b][3] * balls[b][3] - (squared - along * along);
    if (half > 0) sum += 2 * sqrt(half) * balls[b][4];
  }
  return sum;
}

/* Mean over a disc of radius 5 around (x, y) in a slice. */
static double mean(const SpanCTGeometry *g, const float *slice, double x, double y)
{
  double sum = 0, count = 0;
  for (PetscInt j = 0; j < g->ny; j++)
    for (PetscInt i = 0; i < g->nx; i++) {
      const double px = (double)i - (n - 1) / 2., py = (double)j - (n - 1) / 2.;
      if (hypot(px - x, py - y) > 5) continue;
      sum += slice[j * g->nx + i];
      count++;
    }
  return sum / count;
}

static void values_are_within_a_percent(void **state)
{
  for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
    const Case *k        = &cases[c];
    const PetscInt views = (PetscInt)k->range, rows = k->kind == SPAN_CT_CONE ? 40 : 2;
    const PetscInt slices = k->kind == SPAN_CT_CONE ? 5 : 2;
    double angles[360];
    for (PetscInt a = 0; a < views; a++) angles[a] = 0.3 + (double)a * M_PI / 180;
    const double magnified = k->kind == SPAN_CT_PARALLEL ? 1 : 1.5;
    const SpanCTGeometry g = {.kind            = k->kind,
                              .curved          = k->curved,
                              .nz              = slices,
                              .ny              = n,
                              .nx              = n,
                              .dz              = 1,
                              .dy              = 1,
                              .dx              = 1,
                              .n_v             = rows,
                              .n_u             = k->n_u,
                              .pitch_v         = 1,
                              .pitch_u         = 0.8 * magnified,
                              .offset_u        = k->offset_u,
                              .axis_offset     = k->axis_offset,
                              .source_axis     = 300,
                              .source_detector = 450,
                              .n_views         = views,
                              .angles          = angles};
    float *lines           = malloc((size_t)(views * rows * g.n_u) * sizeof *lines),
          *slice           = calloc((size_t)(slices * n * n), sizeof *slice);
    for (PetscInt i = 0; i < views * rows * g.n_u; i++)
      lines[i] = (float)integral(&g, i / (rows * g.n_u), i / g.n_u % rows, i % g.n_u);
    SpanFBP fbp;
    check(SpanFBPCreate(&g, "test", SPAN_RAMP, &fbp));
    /* In parts, as groups of views come. */
    const SpanProjectorPart first = {0, 100, 0, slices}, second = {100, views - 100, 0, slices};
    check(SpanFBPAdd(fbp, &first, lines, slice));
    check(SpanFBPAdd(fbp, &second, lines + 100 * rows * g.n_u, slice));
    check(SpanFBPDestroy(&fbp));
    const float *middle   = slice + slices / 2 * n * n;
    const double found[3] = {mean(&g, middle, -12, 10), mean(&g, middle, 11, -7), mean(&g, middle, 0, 42)};
    const double error[3] = {found[0] / 0.02 - 1, found[1] / 0.035 - 1, found[2] / 0.02};
    if (fabs(error[0]) > 0.01 || fabs(error[1]) > 0.01 || fabs(error[2]) > 0.01)
      print_error("%s: off by %.4f, %.4f, %.4f\n", k->name, error[0], error[1], error[2]);
    for (int i = 0; i < 3; i++) assert_true(fabs(error[i]) < 0.01);
    free(lines);
    free(slice);
  }
}

/* The shares of a closed scan add up to half a turn on every ray; any order of angles, in turns too. */
static void shares_add_up(void **state)
{
  double angles[50], shares[50 * 3], sum = 0;
  for (int a = 0; a < 50; a++) angles[(a * 7) % 50] = a * 2 * M_PI / 50 + (a % 3 - 1) * 2 * M_PI;
  const SpanCTGeometry g = {.kind = SPAN_CT_PARALLEL, .n_u = 3, .pitch_u = 1, .n_views = 50, .angles = angles};
  SpanFBPShares(&g, shares);
  for (int a = 0; a < 50; a++) sum += shares[3 * a + 1];
  assert_true(fabs(sum - M_PI) < 1e-9);
}

static void a_helix_is_refused(void **state)
{
  const double angles[2] = {0, 1}, heights[2] = {0, 5};
  SpanCTGeometry g = {.kind = SPAN_CT_CONE, .n_views = 2, .angles = angles, .source_z = heights};
  SpanFBP fbp;
  assert_int_equal(SpanFBPCreate(&g, "helix.h5", SPAN_RAMP, &fbp), PETSC_ERR_USER_INPUT);
  assert_non_null(strstr(SpanErrorMessage(), "helix.h5: the source moves along z"));
}

TEST_MAIN(cmocka_unit_test(ramp_is_its_kernel), cmocka_unit_test(windows_are_theirs),
          cmocka_unit_test(values_are_within_a_percent), cmocka_unit_test(shares_add_up),
          cmocka_unit_test(a_helix_is_refused))
