/* CT projectors: the transpose, bits for any number of threads and any part, line integrals of ellipsoids, where points
   land, and geometries that are refused. */
#include "test.h"
#include <omp.h>
#include <string.h>
#include <subspan/operators/imaging/projector_private.h>
#include <sys/mman.h>

enum { n_views = 11, n_cones = 8, n_kinds = 11 };

static const double views[n_views]   = {0,   M_PI / 2, M_PI / 4,     -M_PI / 4, M_PI,   3 * M_PI / 2,
                                        0.3, 1.1,      3 * M_PI / 4, 4.4,       -20.123};
static const double heights[n_views] = {-9, -7, -5, -3, -1, 1, 2, 4, 6, 8, 10};

/* All kinds with all offsets, odd sizes and voxels that are not cubes. The last two cones have a detector that is much
   coarser, and much finer, than voxels; kinds from n_cones on are the first three with few slices. */
static SpanCTGeometry make(int kind)
{
  if (kind >= n_cones) {
    SpanCTGeometry few = make(kind - n_cones);
    few.nz = few.n_v = 3;
    few.pitch_u      = kind == n_cones ? 0.9 : 1.47;
    few.source_axis = 500, few.source_detector = 700;
    return few;
  }
  SpanCTGeometry g = {.kind            = kind == 0  ? SPAN_CT_PARALLEL
                                         : kind < 3 ? SPAN_CT_FAN
                                                    : SPAN_CT_CONE,
                      .curved          = (PetscBool)(kind == 2 || kind == 4),
                      .nz              = 19,
                      .ny              = 37,
                      .nx              = 45,
                      .dz              = 1.3,
                      .dy              = 1.1,
                      .dx              = 0.9,
                      .centre_z        = 1.7,
                      .centre_y        = -2.2,
                      .centre_x        = 3.1,
                      .n_v             = kind < 3 ? 19 : 29,
                      .n_u             = 71,
                      .pitch_v         = 1.9,
                      .pitch_u         = 1.2,
                      .offset_v        = -0.7,
                      .offset_u        = 0.3,
                      .axis_offset     = 0.8,
                      .source_axis     = 90,
                      .source_detector = 140,
                      .n_views         = n_views,
                      .angles          = views,
                      .source_z        = kind > 4 ? heights : NULL};
  if (kind == 6) g.pitch_v = 7, g.n_v = 8, g.pitch_u = 5, g.n_u = 17;
  if (kind == 7) g.pitch_v = 0.4, g.n_v = 110, g.pitch_u = 0.4, g.n_u = 190;
  return g;
}

static float *reals(PetscInt n, uint32_t step)
{
  float *x = malloc((size_t)n * sizeof *x);
  for (PetscInt i = 0; i < n; i++) x[i] = (float)SpanRandomUniform(5, SPAN_RANDOM_TEST, step, (uint64_t)i);
  return x;
}

static void transpose_is_exact(void **state)
{
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g          = make(kind);
    const SpanProjectorPart parts[] = {{0, n_views, 0, g.nz}, {2, 7, g.nz / 4, g.nz / 2}, {4, 1, g.nz - 1, 1}};
    SpanProjector p;
    check(SpanProjectorCreate(&g, &p));
    assert_true((p->rows == NULL) == (kind < n_cones));
    for (int i = 0; i < 3; i++) {
      Mat mat;
      check(SpanProjectorCreateMat(p, &parts[i], &mat));
      assert_true(test_adjoint(mat) < 1e-6);
      check(MatDestroy(&mat));
    }
    check(SpanProjectorDestroy(&p));
  }
}

static SpanCTGeometry make_small(int kind)
{
  SpanCTGeometry g = make(kind);
  if (kind < n_cones) g.nz = 5, g.n_v = g.kind == SPAN_CT_CONE ? 6 : 5;
  g.ny = 9, g.nx = 7, g.n_u = 19;
  return g;
}

static double at(const SpanCTGeometry *g, const float *volume, PetscInt k, PetscInt j, PetscInt i)
{
  const PetscBool inside = (PetscBool)(k >= 0 && k < g->nz && j >= 0 && j < g->ny && i >= 0 && i < g->nx);
  return inside ? (double)volume[(k * g->ny + j) * g->nx + i] : 0;
}

/* Joseph's sum along one ray, as it is defined. */
static double joseph(const SpanCTGeometry *g, const float *volume, PetscInt view, PetscInt row, PetscInt column)
{
  const double size[3] = {g->dx, g->dy, g->dz}, centre[3] = {g->centre_x, g->centre_y, g->centre_z};
  const PetscInt n[3] = {g->nx, g->ny, g->nz};
  double p[3], d[3], sum = 0;
  SpanCTRay(g, view, row, column, p, d);
  const double length = sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
  for (int i = 0; i < 3; i++) {
    p[i] = (p[i] - centre[i]) / size[i] + (double)(n[i] - 1) / 2;
    d[i] /= size[i];
  }
  const int lead = fabs(d[1]) >= fabs(d[0]) ? 1 : 0;
  for (PetscInt r = 0; r < n[lead]; r++) {
    const double t = ((double)r - p[lead]) / d[lead], other = p[1 - lead] + t * d[1 - lead], z = p[2] + t * d[2];
    const PetscInt o = (PetscInt)floor(other), k = (PetscInt)floor(z);
    for (int a = 0; a < 2; a++)
      for (int b = 0; b < 2; b++)
        sum += (1 - fabs(other - (double)(o + a))) * (1 - fabs(z - (double)(k + b))) *
               (lead ? at(g, volume, k + b, r, o + a) : at(g, volume, k + b, o + a, r));
  }
  return sum * length / fabs(d[lead]);
}

static void forward_is_the_sum(void **state)
{
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g = make(kind);
    const PetscInt n = g.nz * g.ny * g.nx, m = n_views * g.n_v * g.n_u;
    float *x = reals(n, 1), *y = reals(m, 2);
    double error = 0, top = 0;
    SpanProjector p;
    check(SpanProjectorCreate(&g, &p));
    check(SpanProjectorForward(p, NULL, x, y));
    for (PetscInt i = 0; i < m; i++) {
      const double sum = joseph(&g, x, i / (g.n_v * g.n_u), i / g.n_u % g.n_v, i % g.n_u);
      error            = fmax(error, fabs((double)y[i] - sum));
      top              = fmax(top, sum);
    }
    assert_true(error < 3e-6 * top);
    check(SpanProjectorDestroy(&p));
    free(x);
    free(y);
  }
}

/* Every weight from both sides. */
static void weights_are_the_same_both_ways(void **state)
{
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g = make_small(kind);
    const PetscInt n = g.nz * g.ny * g.nx, m = n_views * g.n_v * g.n_u;
    float *x = calloc((size_t)n, sizeof *x), *y = calloc((size_t)m, sizeof *y);
    float *columns = malloc((size_t)(n * m) * sizeof *columns);
    SpanProjector p;
    check(SpanProjectorCreate(&g, &p));
    for (PetscInt j = 0; j < n; j++) {
      x[j] = 1;
      check(SpanProjectorForward(p, NULL, x, columns + j * m));
      x[j] = 0;
    }
    double error = 0;
    for (PetscInt i = 0; i < m; i++) {
      y[i] = 1;
      check(SpanProjectorTranspose(p, NULL, y, x));
      y[i] = 0;
      for (PetscInt j = 0; j < n; j++) error = fmax(error, fabs((double)x[j] - (double)columns[j * m + i]));
    }
    assert_true(error < 2e-6);
    check(SpanProjectorDestroy(&p));
    free(x);
    free(y);
    free(columns);
  }
}

static void threads_do_not_change_bits(void **state)
{
  const int before = omp_get_max_threads();
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g = make(kind);
    const PetscInt n = g.nz * g.ny * g.nx, m = n_views * g.n_v * g.n_u;
    float *x = reals(n, 1), *y = reals(m, 2), *px[2], *pty[2];
    for (int i = 0; i < 2; i++) {
      SpanProjector p;
      px[i]  = reals(m, 3);
      pty[i] = reals(n, 4);
      omp_set_num_threads(i ? 3 : 1);
      check(SpanProjectorCreate(&g, &p));
      check(SpanProjectorForward(p, NULL, x, px[i]));
      check(SpanProjectorTranspose(p, NULL, y, pty[i]));
      check(SpanProjectorDestroy(&p));
    }
    assert_memory_equal(px[0], px[1], (size_t)m * sizeof **px);
    assert_memory_equal(pty[0], pty[1], (size_t)n * sizeof **pty);
    for (int i = 0; i < 2; i++) {
      free(px[i]);
      free(pty[i]);
    }
    free(x);
    free(y);
  }
  omp_set_num_threads(before);
}

static double distance(PetscInt n, const float *a, const float *b)
{
  double error = 0, size = 0;
  for (PetscInt i = 0; i < n; i++) {
    error += pow((double)a[i] - (double)b[i], 2);
    size += pow((double)b[i], 2);
  }
  return sqrt(error / size);
}

/* A view is the same in every part; slices of a stack too, those of a cone add up. */
static void parts_make_the_whole(void **state)
{
  for (int kind = 0; kind < n_kinds; kind++) {
    const SpanCTGeometry g = make(kind);
    const PetscInt plane = g.ny * g.nx, n = g.nz * plane, view = g.n_v * g.n_u, m = n_views * view;
    const PetscInt cut                = g.nz / 3;
    const SpanProjectorPart pieces[2] = {{0, n_views, 0, cut}, {0, n_views, cut, g.nz - cut}}, some = {3, 5, 0, g.nz};
    float *x = reals(n, 1), *y = reals(m, 2), *whole = reals(m, 3), *part = reals(m, 4), *sum = calloc((size_t)m, 4);
    SpanProjector p;
    check(SpanProjectorCreate(&g, &p));
    check(SpanProjectorForward(p, NULL, x, whole));
    check(SpanProjectorForward(p, &some, x, part));
    assert_memory_equal(part, whole + 3 * view, (size_t)(5 * view) * sizeof *part);
    for (int i = 0; i < 2; i++) {
      check(SpanProjectorForward(p, &pieces[i], x + pieces[i].first_slice * plane, part));
      for (PetscInt k = 0; k < m; k++) {
        const PetscInt row = k / g.n_u % g.n_v - pieces[i].first_slice, rows = pieces[i].n_slices;
        if (g.kind == SPAN_CT_CONE)
          sum[k] += part[k];
        else if (row >= 0 && row < rows)
          sum[k] = part[(k / view * rows + row) * g.n_u + k % g.n_u];
      }
    }
    if (g.kind == SPAN_CT_CONE)
      assert_true(distance(m, sum, whole) < 1e-6);
    else
      assert_memory_equal(sum, whole, (size_t)m * sizeof *sum);
    if (g.kind == SPAN_CT_CONE) {
      float *back = reals(n, 5), *slices = reals(n, 6);
      check(SpanProjectorTranspose(p, NULL, y, back));
      for (int i = 0; i < 2; i++)
        check(SpanProjectorTranspose(p, &pieces[i], y, slices + pieces[i].first_slice * plane));
      assert_true(distance(n, slices, back) < 1e-6);
      free(back);
      free(slices);
    }
    check(SpanProjectorDestroy(&p));
    free(x);
    free(y);
    free(whole);
    free(part);
    free(sum);
  }
}

/* (1 - q)^2 within the ellipsoid q = |(r - centre) / axes|^2 < 1: smooth enough for the order to be seen. */
typedef struct {
  double centre[3], axes[3];
} Ellipsoid;

static double density(const Ellipsoid *e, const double r[3])
{
  double q = 0;
  for (int i = 0; i < 3; i++) q += pow((r[i] - e->centre[i]) / e->axes[i], 2);
  return q < 1 ? (1 - q) * (1 - q) : 0;
}

/* Along the line q = least + a t^2, whose integral is 16/15 (1 - least)^(5/2) / sqrt(a). */
static double line_integral(const Ellipsoid *e, const double point[3], const double direction[3])
{
  double a = 0, b = 0, c = 0, length = 0;
  for (int i = 0; i < 3; i++) {
    const double p = (point[i] - e->centre[i]) / e->axes[i], d = direction[i] / e->axes[i];
    a += d * d;
    b += p * d;
    c += p * p;
    length += direction[i] * direction[i];
  }
  const double least = c - b * b / a;
  return least < 1 ? 16. / 15 * pow(1 - least, 2.5) / sqrt(a) * sqrt(length) : 0;
}

/* Means over voxels, from 2 x 2 x 2 samples of Gauss' rule. */
static float *sample(const SpanCTGeometry *g, const Ellipsoid *e)
{
  float *x = malloc((size_t)(g->nz * g->ny * g->nx) * sizeof *x);
  for (PetscInt k = 0; k < g->nz; k++)
    for (PetscInt j = 0; j < g->ny; j++)
      for (PetscInt i = 0; i < g->nx; i++) {
        double sum = 0;
        for (int s = 0; s < 8; s++) {
          const double shift[3] = {(s & 1 ? 0.5 : -0.5) / sqrt(3), (s & 2 ? 0.5 : -0.5) / sqrt(3),
                                   (s & 4 ? 0.5 : -0.5) / sqrt(3)};
          const double r[3]     = {g->centre_x + ((double)i + shift[0] - (double)(g->nx - 1) / 2) * g->dx,
                                   g->centre_y + ((double)j + shift[1] - (double)(g->ny - 1) / 2) * g->dy,
                                   g->centre_z + ((double)k + shift[2] - (double)(g->nz - 1) / 2) * g->dz};
          sum += density(e, r) / 8;
        }
        x[(k * g->ny + j) * g->nx + i] = (float)sum;
      }
  return x;
}

/* RMS of the error over the RMS of the integrals. */
static double ellipsoid_error(const SpanCTGeometry *g, const Ellipsoid *e)
{
  const PetscInt m = g->n_views * g->n_v * g->n_u;
  float *x = sample(g, e), *y = malloc((size_t)m * sizeof *y), *exact = malloc((size_t)m * sizeof *exact);
  SpanProjector p;
  for (PetscInt i = 0; i < m; i++) {
    double point[3], direction[3];
    SpanCTRay(g, i / (g->n_v * g->n_u), i / g->n_u % g->n_v, i % g->n_u, point, direction);
    exact[i] = (float)line_integral(e, point, direction);
  }
  check(SpanProjectorCreate(g, &p));
  check(SpanProjectorForward(p, NULL, x, y));
  check(SpanProjectorDestroy(&p));
  const double error = distance(m, y, exact);
  free(x);
  free(y);
  free(exact);
  return error;
}

static void errors_fall_with_the_square_of_the_voxel(void **state)
{
  for (int kind = 0; kind < 6; kind++) {
    double error[3];
    for (int level = 0; level < 3; level++) {
      const PetscInt n     = (PetscInt)64 << level;
      const PetscBool cone = (PetscBool)(kind > 2);
      SpanCTGeometry g     = make(kind);
      g.nz = cone ? n / 4 : 1, g.ny = n, g.nx = n;
      g.dx = g.dy = 64. / (double)n, g.dz = 64. / (double)n;
      g.n_v = cone ? 20 : 1, g.pitch_v = 1.3;
      g.centre_z = 0;
      /* In a stack the slice cuts a cylinder through its middle. */
      const Ellipsoid e = {{6, -5, cone ? 0.5 : 0}, {19, 13, cone ? 6 : 1e6}};
      error[level]      = ellipsoid_error(&g, &e);
    }
    if (getenv("VERBOSE")) print_message("%d: %.2e %.2e %.2e\n", kind, error[0], error[1], error[2]);
    assert_true(error[0] < (kind > 2 ? 0.03 : 0.005));
    assert_true(error[0] / error[1] > 3.7 && error[0] / error[1] < 4.3);
    assert_true(error[1] / error[2] > 3.7 && error[1] / error[2] < 4.3);
  }
}

/* Where a point is seen, from the formulas of ct_geometry.h written out. */
static void locate(const SpanCTGeometry *g, PetscInt view, const double r[3], double *column, double *row)
{
  const double t = g->angles[view], along = r[0] * cos(t) + r[1] * sin(t) + g->axis_offset,
               depth = -r[0] * sin(t) + r[1] * cos(t) + g->source_axis, way = g->curved ? hypot(along, depth) : depth;
  double u = along, v = 0;
  if (g->kind != SPAN_CT_PARALLEL) u = g->source_detector * (g->curved ? atan2(along, depth) : along / depth);
  if (g->kind == SPAN_CT_CONE) v = (r[2] - (g->source_z ? g->source_z[view] : 0)) * g->source_detector / way;
  *column = (u - g->offset_u) / g->pitch_u + (double)(g->n_u - 1) / 2;
  *row    = (v - g->offset_v) / g->pitch_v + (double)(g->n_v - 1) / 2;
}

static void points_land_where_the_header_says(void **state)
{
  for (int kind = 0; kind < 6; kind++) {
    SpanCTGeometry g = make(kind);
    if (kind > 2) g.n_v = 41;
    g.offset_u = 1.7, g.axis_offset = -2.3, g.offset_v = 2.9;
    const Ellipsoid e  = {{g.centre_x + 7, g.centre_y - 9, g.centre_z + 2}, {4, 4, kind < 3 ? 1e6 : 4}};
    const PetscInt m   = n_views * g.n_v * g.n_u;
    const PetscInt one = g.nz / 2;
    float *x = sample(&g, &e), *y = malloc((size_t)m * sizeof *y);
    SpanProjector p;
    check(SpanProjectorCreate(&g, &p));
    check(SpanProjectorForward(p, NULL, x, y));
    for (PetscInt a = 0; a < n_views; a++) {
      double column, row, sum = 0, columns = 0, rows = 0;
      locate(&g, a, e.centre, &column, &row);
      for (PetscInt i = kind < 3 ? one : 0; i < (kind < 3 ? one + 1 : g.n_v); i++)
        for (PetscInt j = 0; j < g.n_u; j++) {
          const double value = (double)y[(a * g.n_v + i) * g.n_u + j];
          sum += value;
          columns += value * (double)j;
          rows += value * (double)i;
        }
      assert_true(fabs(columns / sum - column) < 0.1);
      if (kind > 2) assert_true(fabs(rows / sum - row) < 0.1);
    }
    check(SpanProjectorDestroy(&p));
    free(x);
    free(y);
  }
}

static void rows_hold_all_that_slices_reach(void **state)
{
  for (int kind = 3; kind < n_cones; kind++) {
    const SpanCTGeometry g       = make(kind);
    const SpanProjectorPart part = {0, n_views, 11, 3};
    const PetscInt m             = n_views * g.n_v * g.n_u;
    float *x = reals(3 * g.ny * g.nx, 1), *y = malloc((size_t)m * sizeof *y);
    PetscInt used = 0;
    SpanProjector p;
    check(SpanProjectorCreate(&g, &p));
    check(SpanProjectorForward(p, &part, x, y));
    for (PetscInt a = 0; a < n_views; a++) {
      PetscInt first, n;
      SpanProjectorRows(p, a, 11, 3, &first, &n);
      assert_true(first >= 0 && n >= 0 && first + n <= g.n_v);
      used += n;
      for (PetscInt i = 0; i < g.n_v; i++)
        for (PetscInt j = 0; j < g.n_u && (i < first || i >= first + n); j++)
          assert_true(y[(a * g.n_v + i) * g.n_u + j] == 0);
    }
    if (kind == 5) assert_true(used < n_views * g.n_v / 2);
    check(SpanProjectorDestroy(&p));
    free(x);
    free(y);
  }
}

static void bad_geometries_are_refused(void **state)
{
  const double bad_angles[n_views] = {0, NAN};
  SpanProjector p;
  for (int fault = 0; fault < 11; fault++) {
    SpanCTGeometry g = make(fault == 2 ? 0 : fault == 10 ? 4 : 3);
    if (fault == 0) g.nx = 0;
    if (fault == 1) g.pitch_u = -1;
    if (fault == 2) g.n_v = 3;
    if (fault == 3) g.angles = bad_angles;
    if (fault == 4) g.source_axis = 20;
    if (fault == 5) g.dz = 0;
    if (fault == 6) g.offset_v = INFINITY;
    if (fault == 7) g.source_z = bad_angles;
    if (fault == 8) g.angles = NULL;
    if (fault == 9) g.n_views = 0;
    if (fault == 10) g.pitch_u = 10;
    assert_int_equal(SpanProjectorCreate(&g, &p), PETSC_ERR_USER_INPUT);
    assert_non_null(strstr(SpanErrorMessage(), "geometry: "));
  }
}

static void parts_outside_are_refused(void **state)
{
  const SpanCTGeometry g          = make(3);
  const SpanProjectorPart parts[] = {{0, n_views + 1, 0, 1}, {-1, 1, 0, 1}, {0, 1, g.nz, 1}, {0, 1, 0, -1}};
  SpanProjector p;
  float x = 0, y = 0;
  check(SpanProjectorCreate(&g, &p));
  check(PetscPushErrorHandler(PetscReturnErrorHandler, NULL));
  for (int i = 0; i < 4; i++) assert_int_equal(SpanProjectorForward(p, &parts[i], &x, &y), PETSC_ERR_ARG_OUTOFRANGE);
  check(PetscPopErrorHandler());
  check(SpanProjectorDestroy(&p));
}

/* Takes no memory where it is only read: large pages of zeros are one and the same. */
static float *zeros(size_t n)
{
  float *x = mmap(NULL, n * sizeof *x, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  assert_true(x != MAP_FAILED);
  madvise(x, n * sizeof *x, MADV_HUGEPAGE);
  return x;
}

/* More than 2^31 voxels and rays. */
static void sizes_beyond_32_bits(void **state)
{
#ifdef __SANITIZE_ADDRESS__
  skip();
#endif
  const double angle[4] = {0};
  SpanCTGeometry g      = {.kind = SPAN_CT_PARALLEL, .nz = 640, .ny = 1901, .nx = 1901, .dy = 1, .dx = 1};
  g.n_v = 640, g.n_u = 3, g.pitch_u = 1, g.offset_u = 949, g.n_views = 1, g.angles = angle;
  const size_t plane = (size_t)g.ny * (size_t)g.nx, n = (size_t)g.nz * plane;
  float *x = zeros(n), y[1920];
  SpanProjector p;
  x[n - 1]                      = 2; /* the last column of the last slice, seen by the detector's last pixel */
  x[(size_t)638 * plane + 1899] = 3;
  check(SpanProjectorCreate(&g, &p));
  check(SpanProjectorForward(p, NULL, x, y));
  for (int i = 0; i < 1920; i++) assert_float_equal(y[i], i == 1919 ? 2 : i == 1915 ? 3 : 0, 1e-5);
  check(SpanProjectorDestroy(&p));
  munmap(x, n * sizeof *x);

  const PetscInt n_v = 20000, n_u = 40000;
  const size_t m   = 4 * (size_t)n_v * (size_t)n_u;
  SpanCTGeometry c = {.kind = SPAN_CT_CONE, .nz = 3, .ny = 3, .nx = 3, .dz = 1, .dy = 1, .dx = 1};
  float *rays      = zeros(m), back[27];
  c.n_v = n_v, c.n_u = n_u, c.pitch_v = c.pitch_u = 0.1, c.source_axis = c.source_detector = 100;
  c.offset_v = -0.1 * (double)(n_v - 1) / 2, c.offset_u = -0.1 * (double)(n_u - 1) / 2; /* the last pixel is at 0, 0 */
  c.n_views = 4, c.angles = angle;
  rays[m - 1] = 1;
  check(SpanProjectorCreate(&c, &p));
  check(SpanProjectorTranspose(p, NULL, rays, back));
  for (int i = 0; i < 27; i++) {
    const float expected = i / 9 == 1 && i % 3 == 1;
    assert_float_equal(back[i], expected, 1e-6);
  }
  check(SpanProjectorDestroy(&p));
  munmap(rays, m * sizeof *rays);
}

TEST_MAIN(cmocka_unit_test(transpose_is_exact), cmocka_unit_test(forward_is_the_sum),
          cmocka_unit_test(weights_are_the_same_both_ways), cmocka_unit_test(threads_do_not_change_bits),
          cmocka_unit_test(parts_make_the_whole), cmocka_unit_test(errors_fall_with_the_square_of_the_voxel),
          cmocka_unit_test(points_land_where_the_header_says), cmocka_unit_test(rows_hold_all_that_slices_reach),
          cmocka_unit_test(bad_geometries_are_refused), cmocka_unit_test(parts_outside_are_refused),
          cmocka_unit_test(sizes_beyond_32_bits))
