/* CT projections: files of our own come back as they were written; Data Exchange counts become line integrals, without
   dead pixels and zingers, with weights in photons; Helsinki scans lie as their segmentations do; grids that fit a
   detector; the centre of rotation; broken files are refused. */
#include "hostile.h"
#include <subspan/io/ct_counts.h>
#include <subspan/io/projections.h>
#include <subspan/io/projections_write.h>
#include <subspan/operators/imaging/projector.h>
#include <subspan/operators/imaging/rotation_centre.h>

static char path[64];

static double uniform(uint32_t step, uint64_t i) { return SpanRandomUniform(8, SPAN_RANDOM_TEST, step, i); }

static float *fill(PetscInt n, uint32_t step)
{
  float *x = malloc((size_t)n * sizeof *x);
  for (PetscInt i = 0; i < n; i++) x[i] = (float)uniform(step, (uint64_t)i);
  return x;
}

static SpanCTGeometry geometry(SpanCTKind kind, PetscInt n_views, const PetscReal *angles)
{
  const PetscBool cone = (PetscBool)(kind == SPAN_CT_CONE);
  return (SpanCTGeometry){.kind            = kind,
                          .curved          = cone,
                          .nz              = 5,
                          .ny              = 12,
                          .nx              = 14,
                          .dz              = 1.5,
                          .dy              = 1.25,
                          .dx              = 1,
                          .centre_y        = 0.5,
                          .centre_x        = -0.25,
                          .centre_z        = cone ? 2 : 0,
                          .n_v             = cone ? 7 : 5,
                          .n_u             = 17,
                          .pitch_v         = cone ? 2 : 0,
                          .pitch_u         = 1.1,
                          .offset_v        = cone ? 0.3 : 0,
                          .offset_u        = -0.4,
                          .axis_offset     = 0.7,
                          .source_axis     = kind ? 40 : 0,
                          .source_detector = kind ? 60 : 0,
                          .n_views         = n_views,
                          .angles          = angles};
}

static void write_own(const SpanProjectionsInfo *info, const float *lines, const float *counts)
{
  const SpanCTGeometry *g        = &info->geometry;
  const SpanProjectionsPart part = {0, g->n_views, 0, g->n_v};
  SpanProjectionsWriter writer;
  check(SpanProjectionsWriterCreate(PETSC_COMM_SELF, path, info, &writer));
  check(SpanProjectionsWrite(writer, &part, lines, counts));
  check(SpanProjectionsWriteProvenance(writer, "source", "test"));
  check(SpanProjectionsWriterCommit(&writer));
}

static void own_file_returns_what_was_written(void **state)
{
  enum { n_views = 6 };
  const PetscReal angles[n_views] = {0, 0.5, -1, 2, 3, 7}, heights[n_views] = {-2, -1, 0, 1, 2, 3};
  for (int kind = 0; kind < 3; kind++) {
    SpanProjectionsInfo info = {
        .axis_known = PETSC_TRUE, .has_counts = (PetscBool)(kind > 0), .blank = 1e4, .electrons = 3, .water = 0.02};
    info.geometry = geometry((SpanCTKind)kind, n_views, angles);
    if (kind == 2) info.geometry.source_z = heights;
    const SpanCTGeometry *g = &info.geometry;
    const PetscInt n        = n_views * g->n_v * g->n_u;
    float *lines = fill(n, 1), *counts = fill(n, 2), *got = malloc((size_t)n * sizeof *got);
    for (PetscInt i = 0; i < n; i++) counts[i] *= 1000;
    counts[2 * g->n_u] = -5;
    write_own(&info, lines, counts);
    SpanProjections p;
    assert_true(SpanProjectionsIs(path));
    check(SpanProjectionsOpen(PETSC_COMM_SELF, path, "", &p));
    const SpanProjectionsInfo *back = SpanProjectionsGetInfo(p);
    SpanCTGeometry h                = back->geometry;
    assert_true(back->has_counts == info.has_counts && back->axis_known && back->pixel_known);
    assert_true(back->blank == info.blank && back->electrons == info.electrons && back->water == info.water);
    for (int i = 0; i < n_views; i++) {
      assert_true(fabs(h.angles[i] - angles[i]) < 1e-14);
      if (kind == 2) assert_true(h.source_z[i] == heights[i]);
    }
    assert_true(kind == 2 || !h.source_z);
    h.angles   = g->angles;
    h.source_z = g->source_z;
    if (kind < 2) h.pitch_v = g->pitch_v; /* which a stack has not */
    assert_memory_equal(&h, g, sizeof h);
    /* Rows 2 to 4 of all views. */
    check(SpanProjectionsRead(p, 2, 3, got));
    for (PetscInt v = 0; v < n_views; v++)
      assert_memory_equal(got + v * 3 * g->n_u, lines + (v * g->n_v + 2) * g->n_u, (size_t)(3 * g->n_u) * sizeof *got);
    check(SpanProjectionsReadWeights(p, 2, 3, got));
    for (PetscInt i = 0; i < 3 * g->n_u; i++) {
      const double count = fmax((double)counts[2 * g->n_u + i], 0.5), want = kind ? count * count / (count + 9) : 1;
      assert_true(fabs((double)got[i] - want) < 1e-5 * want);
    }
    check(SpanProjectionsClose(&p));
    free(lines);
    free(counts);
    free(got);
  }
  unlink(path);
}

/* Data Exchange: a detector of 3 x 40, photons at 2 counts each. */
enum { n_v = 3, n_u = 40, n_views = 12, n_flats = 9, n_darks = 4, dead_row = 1, dead_column = 7 };

static double dark_at(PetscInt i) { return 50 + 10 * uniform(20, (uint64_t)i); }
static double photons_at(PetscInt i)
{
  return i == dead_row * n_u + dead_column ? 0 : 20000 + 2000 * uniform(21, (uint64_t)i);
}
static double line_at(PetscInt view, PetscInt i)
{
  const double x = ((double)(i % n_u) - 19.5 - 4 * sin(0.5 * (double)view)) / 12;
  return fabs(x) < 1 ? 2 * sqrt(1 - x * x) : 0;
}

static void write_exchange(const float *data, const float *white, const float *dark, const double *theta,
                           PetscInt views)
{
  const hsize_t d[3] = {n_views, n_v, n_u}, w[3] = {n_flats, n_v, n_u}, k[3] = {n_darks, n_v, n_u}, t = (hsize_t)views;
  hid_t file  = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  hid_t group = H5Gcreate2(file, "exchange", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hostile_array(group, "data", H5T_NATIVE_FLOAT, 3, d, data);
  hostile_array(group, "data_white", H5T_NATIVE_FLOAT, 3, w, white);
  hostile_array(group, "data_dark", H5T_NATIVE_FLOAT, 3, k, dark);
  if (theta) hostile_array(group, "theta", H5T_NATIVE_DOUBLE, 1, &t, theta);
  H5Gclose(group);
  H5Fclose(file);
}

typedef struct {
  float data[n_views * n_v * n_u], white[n_flats * n_v * n_u], dark[n_darks * n_v * n_u];
  double theta[n_views];
} Exchange;

static Exchange *make_exchange(PetscBool noise)
{
  Exchange *e        = malloc(sizeof *e);
  const PetscInt n   = n_v * n_u;
  const double share = 2; /* counts a photon */
  for (PetscInt i = 0; i < n_darks * n; i++) e->dark[i] = (float)dark_at(i % n);
  for (PetscInt i = 0; i < n_flats * n; i++) {
    const double mean = photons_at(i % n);
    e->white[i] =
        (float)(dark_at(i % n) + share * (noise ? SpanRandomPoisson(3, SPAN_RANDOM_TEST, (uint64_t)i, mean) : mean));
  }
  for (PetscInt i = 0; i < n_views * n; i++) {
    const double mean = photons_at(i % n) * exp(-line_at(i / n, i % n));
    e->data[i] =
        (float)(dark_at(i % n) + share * (noise ? SpanRandomPoisson(4, SPAN_RANDOM_TEST, (uint64_t)i, mean) : mean));
  }
  for (PetscInt i = 0; i < n_views; i++) e->theta[i] = 15. * (double)i;
  return e;
}

static void data_exchange_counts_become_lines(void **state)
{
  float *lines = malloc(n_views * n_v * n_u * sizeof *lines), *weights = malloc(n_views * n_v * n_u * sizeof *weights);
  const PetscInt zingers[3] = {(4 * n_v + 2) * n_u + 20, (4 * n_v + 2) * n_u + 21, (9 * n_v + 0) * n_u + 2};
  for (int noise = 0; noise < 2; noise++) {
    Exchange *e = make_exchange((PetscBool)noise);
    for (int i = 0; i < 3; i++) e->data[zingers[i]] += 60000;
    write_exchange(e->data, e->white, e->dark, e->theta, n_views);
    SpanProjections p;
    check(SpanProjectionsOpen(PETSC_COMM_SELF, path, "", &p));
    const SpanProjectionsInfo *info = SpanProjectionsGetInfo(p);
    const SpanCTGeometry *g         = &info->geometry;
    assert_true(g->kind == SPAN_CT_PARALLEL && g->n_v == n_v && g->n_u == n_u && g->n_views == n_views);
    assert_true(!info->axis_known && !info->pixel_known && info->has_counts && g->pitch_u == 1);
    assert_true(g->nz == n_v && g->ny == n_u && g->nx == n_u && fabs(g->angles[3] - M_PI / 4) < 1e-14);
    if (noise) assert_true(fabs(info->blank / 20900 - 1) < 0.15); /* the gain was found */
    check(SpanProjectionsRead(p, 0, n_v, lines));
    check(SpanProjectionsReadWeights(p, 0, n_v, weights));
    PetscInt none = 0;
    for (PetscInt i = 0; i < n_views * n_v * n_u; i++) {
      const double want = line_at(i / (n_v * n_u), i % (n_v * n_u)), deviation = noise ? 0.06 : 1e-4;
      const PetscBool dead = (PetscBool)(i % (n_v * n_u) == dead_row * n_u + dead_column);
      PetscBool zinger     = PETSC_FALSE;
      for (int z = 0; z < 3; z++) zinger = (PetscBool)(zinger || i == zingers[z]);
      none += weights[i] == 0;
      assert_true((weights[i] == 0) == (dead || zinger));
      assert_true(fabs((double)lines[i] - want) < (dead || zinger ? 0.7 : deviation));
      if (!noise && weights[i] > 0) { /* frames that do not vary: a count is a photon */
        const double photons = 2 * photons_at(i % (n_v * n_u)), variance = exp(want) / photons + 1 / photons / n_flats;
        assert_true(fabs((double)weights[i] * variance - 1) < 1e-3);
      }
      if (noise && weights[i] > 0) {
        const double photons = photons_at(i % (n_v * n_u)), variance = exp(want) / photons + 1 / photons / n_flats;
        assert_true(fabs((double)weights[i] * variance - 1) < 0.25);
      }
    }
    assert_int_equal(none, n_views + 3);
    /* A row alone is the same as in company. */
    float alone[n_views * n_u];
    check(SpanProjectionsRead(p, 2, 1, alone));
    for (PetscInt v = 0; v < n_views; v++)
      assert_memory_equal(alone + v * n_u, lines + (v * n_v + 2) * n_u, n_u * sizeof *alone);
    check(SpanProjectionsClose(&p));
    free(e);
  }
  free(lines);
  free(weights);
  unlink(path);
}

static void pixel_size_and_missing_dark(void **state)
{
  Exchange *e       = make_exchange(PETSC_FALSE);
  const double um   = 2.5;
  const hsize_t one = 1;
  write_exchange(e->data, e->white, e->dark, e->theta, n_views);
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), list = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(list, 1);
  hid_t group = H5Gcreate2(file, "measurement/instrument/detector", list, H5P_DEFAULT, H5P_DEFAULT);
  hostile_array(group, "actual_pixel_size_x", H5T_NATIVE_DOUBLE, 1, &one, &um);
  hid_t size = H5Dopen2(group, "actual_pixel_size_x", H5P_DEFAULT);
  hostile_text(size, "units", "microns");
  H5Ldelete(file, "exchange/data_dark", H5P_DEFAULT);
  H5Dclose(size);
  H5Gclose(group);
  H5Pclose(list);
  H5Fclose(file);
  SpanProjections p;
  check(SpanProjectionsOpen(PETSC_COMM_SELF, path, "", &p));
  assert_true(SpanProjectionsGetInfo(p)->pixel_known);
  assert_true(fabs(SpanProjectionsGetInfo(p)->geometry.pitch_u - 0.0025) < 1e-15 &&
              fabs(SpanProjectionsGetInfo(p)->geometry.dz - 0.0025) < 1e-15);
  check(SpanProjectionsClose(&p));
  free(e);
  unlink(path);
}

/* A disc off the centre, seen by a scanner at angles t: what is read is what a scanner at the read geometry sees of the
   picture, whose rows fall with y. */
static void helsinki_scans_lie_as_their_pictures(void **state)
{
  enum { side = 512, views = 5, columns = 560 };
  const double degrees[views] = {10, 40, 75, 200, 300}, lengths[3] = {410.66, 553.74, 0.2};
  PetscReal angles[views];
  float *image = calloc(side * side, sizeof *image), *picture = calloc(side * side, sizeof *picture),
        *sinogram = malloc(views * columns * sizeof *sinogram), *got = malloc(views * columns * sizeof *got),
        *want = malloc(views * columns * sizeof *want);
  for (int k = 0; k < side; k++)
    for (int j = 0; j < side; j++) {
      const double x = j - 255.5, y = k - 255.5, r = hypot(x - 90, y - 40) / 60;
      image[k * side + j] = picture[(side - 1 - k) * side + j] = r < 1 ? (float)(1 - r * r) : 0;
    }
  for (int i = 0; i < views; i++) angles[i] = degrees[i] * M_PI / 180;
  const double voxel = lengths[2] * lengths[0] / lengths[1];
  SpanCTGeometry g   = {.kind = SPAN_CT_FAN, .nz = 1, .ny = side, .nx = side, .dz = voxel, .dy = voxel, .dx = voxel};
  g.n_v              = 1;
  g.n_u              = columns;
  g.pitch_u          = lengths[2];
  g.source_axis      = lengths[0];
  g.source_detector  = lengths[1];
  g.n_views          = views;
  g.angles           = angles;
  SpanProjector projector;
  check(SpanProjectorCreate(&g, &projector));
  check(SpanProjectorForward(projector, NULL, image, sinogram));
  check(SpanProjectorDestroy(&projector));

  hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  for (int scan = 0; scan < 2; scan++) {
    const hsize_t dims[2] = {views, columns};
    hid_t group           = H5Gcreate2(file, scan ? "tb_90" : "ta_30", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    hostile_array(group, "sinogram", H5T_NATIVE_FLOAT, 2, dims, sinogram);
    hostile_array(group, "angles_deg", H5T_NATIVE_DOUBLE, 1, dims, degrees);
    hostile_numbers(group, "distanceSourceOrigin", 1, &lengths[0]);
    hostile_numbers(group, "distanceSourceDetector", 1, &lengths[1]);
    hostile_numbers(group, "pixelSizePost", 1, &lengths[2]);
    H5Gclose(group);
  }
  H5Fclose(file);
  SpanProjections p;
  char names[64];
  check(SpanProjectionsScans(path, names, sizeof names));
  assert_string_equal(names, "ta_30, tb_90");
  hostile_refused(SpanProjectionsOpen(PETSC_COMM_SELF, path, "", &p), path, "--scan|ta_30, tb_90");
  hostile_refused(SpanProjectionsOpen(PETSC_COMM_SELF, path, "tb_9", &p), path, "--scan tb_9|ta_30, tb_90");
  check(SpanProjectionsOpen(PETSC_COMM_SELF, path, "tb_90", &p));
  check(SpanProjectionsRead(p, 0, 1, got));
  check(SpanProjectorCreate(&SpanProjectionsGetInfo(p)->geometry, &projector));
  check(SpanProjectorForward(projector, NULL, picture, want));
  double error = 0, size = 0;
  for (int i = 0; i < views * columns; i++) {
    error += pow((double)(got[i] - want[i]), 2);
    size += pow((double)want[i], 2);
  }
  assert_true(sqrt(error / size) < 1e-5);
  check(SpanProjectorDestroy(&projector));
  check(SpanProjectionsClose(&p));
  free(image);
  free(picture);
  free(sinogram);
  free(got);
  free(want);
  unlink(path);
}

static void grids_fit_the_detector(void **state)
{
  const PetscReal angles[3] = {0, 1, 2}, heights[3] = {-30, 0, 30};
  SpanCTGeometry g = {.kind = SPAN_CT_PARALLEL, .n_v = 4, .n_u = 100, .pitch_u = 0.5, .n_views = 3, .angles = angles};
  SpanCTGeometryFit(&g);
  assert_true(g.nz == 4 && g.ny == 100 && g.nx == 100 && g.dx == 0.5 && g.dz == 0.5);
  check(SpanCTGeometryCheck(PETSC_COMM_SELF, "fit", &g));
  g.kind            = SPAN_CT_CONE;
  g.source_axis     = 100;
  g.source_detector = 200;
  g.pitch_v         = 2;
  g.n_v             = 40;
  g.offset_v        = 6;
  for (int curved = 0; curved < 2; curved++) {
    g.curved = (PetscBool)curved;
    SpanCTGeometryFit(&g);
    const double angle = curved ? 0.125 : atan(0.125), radius = 100 * sin(angle);
    assert_true(g.dx == 0.25 && g.nx == (PetscInt)(2 * radius / 0.25) && g.dz == 1 && g.centre_z == 3);
    /* The height that is seen at the far and near points of the circle. */
    assert_true(fabs((double)g.nz - 80 * (100 - radius) / 200) <= 1);
    check(SpanCTGeometryCheck(PETSC_COMM_SELF, "fit", &g));
  }
  g.source_z = heights;
  SpanCTGeometryFit(&g);
  assert_true(g.nz == 60 && g.centre_z == 3);
}

/* Sums of ellipses, exactly; centre in columns. */
static float *ellipses(PetscInt n, const PetscReal *angles, PetscInt columns, double centre, double noise)
{
  float *lines = calloc((size_t)(n * columns), sizeof *lines);
  for (uint64_t e = 0; e < 9; e++) {
    const double x0 = 70 * uniform(30, e) - 35, y0 = 70 * uniform(31, e) - 35, a = 3 + 25 * uniform(32, e),
                 b = 3 + 25 * uniform(33, e), turn = 3 * uniform(34, e), level = uniform(35, e) - 0.2;
    for (PetscInt v = 0; v < n; v++)
      for (PetscInt j = 0; j < columns; j++) {
        const double u = (double)j - centre - x0 * cos(angles[v]) - y0 * sin(angles[v]),
                     w = pow(a * cos(angles[v] - turn), 2) + pow(b * sin(angles[v] - turn), 2);
        if (w > u * u) lines[v * columns + j] += (float)(level * 2 * a * b * sqrt(w - u * u) / w);
      }
  }
  for (PetscInt i = 0; i < n * columns; i++) {
    double normal[2];
    SpanRandomNormal(9, SPAN_RANDOM_TEST, 40, (uint64_t)i, normal);
    lines[i] += (float)(noise * normal[0]);
  }
  return lines;
}

static void centre_of_rotation(void **state)
{
  enum { columns = 256, most = 1500 };
  static const struct {
    PetscInt n;
    double arc, start, centre, error;
    PetscInt first, end; /* columns that are kept */
  } cases[] = {{180, 180, 0, 136.22, 0.1, 0, columns},   {180, 180, 0, 106.7, 0.1, 0, columns},
               {181, 180.5, 30, 127.5, 0.1, 0, columns}, {360, 360, 0, 140.31, 0.1, 0, columns},
               {90, -180, 0, 120.4, 0.1, 0, columns},    {360, -360, 10, 131.9, 0.1, 0, columns},
               {1500, 180, 0, 133.3, 0.1, 0, columns},   {23, 180, 0, 110.78, 0.3, 0, columns},
               {8, 180, 0, 120.7, 1, 0, columns},        {180, 180, 0, 136.22, 0.1, 70, 200}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    PetscReal angles[most], found;
    for (PetscInt i = 0; i < cases[c].n; i++)
      angles[i] = (cases[c].start + cases[c].arc * (double)i / (double)cases[c].n) * M_PI / 180;
    const PetscInt kept = cases[c].end - cases[c].first;
    SpanCTGeometry g    = {.kind = SPAN_CT_PARALLEL, .n_v = 1, .n_u = kept, .pitch_u = 0.5, .offset_u = 3};
    g.n_views           = cases[c].n;
    g.angles            = angles;
    float *whole        = ellipses(cases[c].n, angles, columns, cases[c].centre, 0.3);
    for (PetscInt v = 0; v < cases[c].n; v++)
      memmove(whole + v * kept, whole + v * columns + cases[c].first, (size_t)kept * sizeof *whole);
    check(SpanRotationCentre("test", &g, 1, whole, &found));
    const double column = (found - 3) / 0.5 + (double)(kept - 1) / 2 + (double)cases[c].first;
    if (fabs(column - cases[c].centre) > cases[c].error)
      fail_msg("case %zu: the centre is at column %g, found %g", c, cases[c].centre, column);
    free(whole);
  }
}

static void centre_of_rotation_is_refused(void **state)
{
  PetscReal angles[60], found;
  float lines[60 * 32] = {0};
  for (int i = 0; i < 60; i++) angles[i] = 2. * i * M_PI / 180;
  SpanCTGeometry g = {.kind = SPAN_CT_PARALLEL, .n_v = 1, .n_u = 32, .pitch_u = 1, .n_views = 60, .angles = angles};
  hostile_refused(SpanRotationCentre("part.h5", &g, 1, lines, &found), "part.h5", "62 degrees|30");
  for (int i = 0; i < 60; i++) angles[i] = 3. * i * M_PI / 180;
  hostile_refused(SpanRotationCentre("flat.h5", &g, 1, lines, &found), "flat.h5", "no contrast");
  g.kind = SPAN_CT_FAN;
  hostile_refused(SpanRotationCentre("fan.h5", &g, 1, lines, &found), "fan.h5", "parallel");
}

static PetscErrorCode open_and_read(void)
{
  SpanProjections p;
  PetscErrorCode ierr = SpanProjectionsOpen(PETSC_COMM_SELF, path, "", &p);
  if (ierr) return ierr;
  const SpanCTGeometry *g = &SpanProjectionsGetInfo(p)->geometry;
  float *lines            = malloc((size_t)(g->n_views * g->n_v * g->n_u) * sizeof *lines);
  ierr                    = SpanProjectionsRead(p, 0, g->n_v, lines);
  free(lines);
  check(SpanProjectionsClose(&p));
  return ierr;
}

static void broken_exchange_is_refused(void **state)
{
  Exchange *e = make_exchange(PETSC_FALSE);
  write_exchange(e->data, e->white, e->dark, e->theta, n_views - 1);
  hostile_refused(open_and_read(), path, "theta|11 angles|12 views");
  write_exchange(e->data, e->white, e->dark, NULL, 0);
  hostile_refused(open_and_read(), path, "exchange/theta");
  for (PetscInt i = 0; i < n_darks * n_v * n_u; i++) e->dark[i] += 1e6F;
  write_exchange(e->data, e->white, e->dark, e->theta, n_views);
  hostile_refused(open_and_read(), path, "brighter");
  for (PetscInt i = 0; i < n_darks * n_v * n_u; i++) e->dark[i] -= 1e6F;
  e->theta[4] = NAN;
  write_exchange(e->data, e->white, e->dark, e->theta, n_views);
  hostile_refused(open_and_read(), path, "theta|4|nan");
  e->theta[4] = 60;
  e->data[99] = NAN;
  write_exchange(e->data, e->white, e->dark, e->theta, n_views);
  hostile_refused(open_and_read(), path, "exchange/data|99|nan");
  e->data[99] = 1;
  for (PetscInt i = 0; i < n_flats * n_v * n_u; i++)
    if (i / n_u % n_v == 2) e->white[i] = 0;
  write_exchange(e->data, e->white, e->dark, e->theta, n_views);
  hostile_refused(open_and_read(), path, "data_white|row 2");
  for (PetscInt i = 0; i < n_flats * n_v * n_u; i++) e->white[i] = 0;
  write_exchange(e->data, e->white, e->dark, e->theta, n_views);
  hostile_refused(open_and_read(), path, "data_white|brighter");
  const hsize_t wrong[3] = {n_flats, n_v, n_u - 1}, flat[2] = {n_v, n_u}, huge[3] = {1 << 20, 1 << 20, 1 << 20};
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_array(file, "exchange/data_white", H5T_NATIVE_FLOAT, 3, wrong, e->white);
  H5Fclose(file);
  hostile_refused(open_and_read(), path, "data_white|3 x 39|3 x 40");
  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_array(file, "exchange/data", H5T_NATIVE_FLOAT, 2, flat, e->data);
  H5Fclose(file);
  hostile_refused(open_and_read(), path, "exchange/data|three dimensions");
  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_array(file, "exchange/data", H5T_NATIVE_FLOAT, 3, huge, NULL);
  H5Fclose(file);
  hostile_refused(open_and_read(), path, "exchange/data|2^40");
  free(e);
  unlink(path);
}

static void broken_own_files_are_refused(void **state)
{
  const PetscReal angles[4] = {0, 1, 2, 3};
  SpanProjectionsInfo info  = {.axis_known = PETSC_TRUE, .has_counts = PETSC_TRUE, .blank = 100};
  info.geometry             = geometry(SPAN_CT_CONE, 4, angles);
  const PetscInt n          = 4 * info.geometry.n_v * info.geometry.n_u;
  float *lines              = fill(n, 1);
  static const struct {
    const char *name, *text;
    double values[3];
    int n;
    const char *words;
  } cases[] = {{"beam", "spiral", {0}, 0, "beam|spiral|parallel, fan or cone"},
               {"detector", "bent", {0}, 0, "detector|bent|flat or curved"},
               {"pixel_mm", NULL, {1}, 1, "pixel_mm|2 numbers"},
               {"pixel_mm", NULL, {1, -1}, 2, "pitch_u|-1"},
               {"pixel_mm", NULL, {1, NAN}, 2, "pitch_u|nan"},
               {"source_axis_mm", NULL, {5}, 1, "source_axis|5. mm"},
               {"source_axis_mm", NULL, {-40}, 1, "source_axis|-40"},
               {"source_detector_mm", NULL, {0}, 1, "source_detector|0"},
               {"offset_mm", NULL, {0, INFINITY}, 2, "offset_u|inf"},
               {"volume_voxels", NULL, {5, 1e30, 14}, 3, "volume_voxels|1e+30"},
               {"volume_voxels", NULL, {5, 12.5, 14}, 3, "volume_voxels|12.5"},
               {"volume_voxels", NULL, {5, 12}, 2, "volume_voxels|3 numbers"},
               {"voxel_mm", NULL, {1, 0, 1}, 3, "dy|0"},
               {"volume_centre_mm", NULL, {0, NAN, 0}, 3, "centre_y|nan"}};
  for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
    write_own(&info, lines, lines);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), group = H5Gopen2(file, "geometry", H5P_DEFAULT);
    if (cases[c].text)
      hostile_text(group, cases[c].name, cases[c].text);
    else
      hostile_numbers(group, cases[c].name, (hsize_t)cases[c].n, cases[c].values);
    H5Gclose(group);
    H5Fclose(file);
    hostile_refused(open_and_read(), path, cases[c].words);
  }
  write_own(&info, lines, lines);
  const double degrees[3] = {0, 1, 2}, negative = -5;
  const hsize_t three = 3, other[3] = {4, 7, 16};
  hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_array(file, "geometry/angles_deg", H5T_NATIVE_DOUBLE, 1, &three, degrees);
  H5Fclose(file);
  hostile_refused(open_and_read(), path, "angles_deg|3 angles|4 views");
  write_own(&info, lines, lines);
  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_array(file, "counts", H5T_NATIVE_FLOAT, 3, other, lines);
  H5Fclose(file);
  hostile_refused(open_and_read(), path, "counts|4 x 7 x 17");
  write_own(&info, lines, lines);
  file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
  hostile_numbers(file, "blank_photons", 1, &negative);
  H5Fclose(file);
  hostile_refused(open_and_read(), path, "blank_photons|-5");
  write_own(&info, lines, lines);
  char cut[80];
  snprintf(cut, sizeof cut, "%s.cut", path);
  for (double share = 0.2; share < 1; share += 0.25) {
    hostile_copy(path, cut, share);
    assert_false(SpanProjectionsIs(cut));
  }
  unlink(cut);
  SpanProjections p;
  hostile_refused(SpanProjectionsOpen(PETSC_COMM_SELF, path, "tb_90", &p), path, "--scan tb_90|without a name");
  hostile_refused(SpanProjectionsOpen(PETSC_COMM_SELF, "/nothing.h5", "", &p), "/nothing.h5", "no such file");
  hostile_refused(SpanProjectionsOpen(PETSC_COMM_SELF, "/tmp", "", &p), "/tmp", "not a regular file");
  free(lines);
  unlink(path);
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(own_file_returns_what_was_written),
                                     cmocka_unit_test(data_exchange_counts_become_lines),
                                     cmocka_unit_test(pixel_size_and_missing_dark),
                                     cmocka_unit_test(helsinki_scans_lie_as_their_pictures),
                                     cmocka_unit_test(grids_fit_the_detector),
                                     cmocka_unit_test(centre_of_rotation),
                                     cmocka_unit_test(centre_of_rotation_is_refused),
                                     cmocka_unit_test(broken_exchange_is_refused),
                                     cmocka_unit_test(broken_own_files_are_refused)};
  if (SlepcInitialize(&argc, &argv, NULL, NULL) || SpanInitialize()) return 1;
  snprintf(path, sizeof path, "/tmp/subspan-projections-%d.h5", (int)getpid());
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  return SlepcFinalize() || failed;
}
