/* Data Exchange (De Carlo et al., J Synchrotron Rad 21:1224, 2014): parallel-beam counts `exchange/data`
   (view, row, column) with flat fields `data_white`, dark fields `data_dark` and angles `theta` in degrees. What counts
   become is in ct_counts.h; the mean of all frames normalises. */
#include <subspan/base/error.h>
#include <subspan/io/ct_counts.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/projections_private.h>
#include <math.h>
#include <string.h>

#define DATA "exchange/data"
#define WHITE "exchange/data_white"
#define DARK "exchange/data_dark"
enum { gain_rows = 8 }; /* that counts a photon are estimated from */

typedef struct {
  PetscInt n_flats, n_darks; /* n_darks may be 0 */
  double gain;
} Exchange;

static PetscBool Detect(const char path[]) { return SpanHdf5Detect(path, DATA); }

/* The shape of a stack of frames; others than `frames` of it must be those of the detector, where n_v is set. */
static PetscErrorCode Shape(SpanProjections p, const char name[], PetscInt *frames)
{
  SpanCTGeometry *g = &p->info.geometry;
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Shape(p->file, p->path, name, &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 3 && !is_complex,
                 "%s: `%s` must be real numbers of three dimensions (frame, row, column)", p->path, name);
  for (int i = 0; i < 3; i++) PetscCall(SpanCheckCount(PETSC_COMM_SELF, p->path, name, (double)dims[i]));
  if (!g->n_v) {
    g->n_v = (PetscInt)dims[1];
    g->n_u = (PetscInt)dims[2];
  }
  SpanCheckInput(PETSC_COMM_SELF, dims[1] == (hsize_t)g->n_v && dims[2] == (hsize_t)g->n_u,
                 "%s: `%s` has frames of %llu x %llu pixels, `%s` of %lld x %lld", p->path, name,
                 (unsigned long long)dims[1], (unsigned long long)dims[2], DATA, (long long)g->n_v, (long long)g->n_u);
  *frames = (PetscInt)dims[0];
  PetscFunctionReturn(0);
}

/* Only the format's own order of axes. */
static PetscErrorCode CheckAxes(SpanProjections p)
{
  char axes[64]   = "";
  hid_t dataset   = H5Dopen2(p->file, DATA, H5P_DEFAULT);
  PetscBool there = SpanHdf5Text(dataset, "axes", axes, sizeof axes);
  PetscFunctionBeginUser;
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, !there || !strcmp(axes, "theta:y:x"),
                 "%s: `%s` has the axes `%s`, they must be theta:y:x", p->path, DATA, axes);
  PetscFunctionReturn(0);
}

/* The size of a pixel at the object in mm; metres where no unit is said. 0: there is none that makes sense. */
static double PixelSize(SpanProjections p, const char name[])
{
  static const struct {
    const char *name;
    double mm;
  } units[]     = {{"m", 1e3},        {"mm", 1},    {"um", 1e-3},         {"micron", 1e-3},
                   {"microns", 1e-3}, {"nm", 1e-6}, {"micrometer", 1e-3}, {"millimeter", 1}};
  char text[32] = "m";
  double value = 0, mm = 0;
  if (!SpanHdf5Has(p->file, name)) return 0;
  hid_t dataset = H5Dopen2(p->file, name, H5P_DEFAULT), space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  if (H5Sget_simple_extent_npoints(space) == 1 &&
      (H5Tget_class(type) == H5T_FLOAT || H5Tget_class(type) == H5T_INTEGER) &&
      H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value) < 0)
    value = 0;
  if (H5Aexists(dataset, "units") > 0 && !SpanHdf5Text(dataset, "units", text, sizeof text)) text[0] = 0;
  for (size_t i = 0; i < sizeof units / sizeof *units; i++)
    if (!strcmp(text, units[i].name)) mm = value * units[i].mm;
  H5Tclose(type);
  H5Sclose(space);
  H5Dclose(dataset);
  return mm > 1e-7 && mm < 10 ? mm : 0;
}

static void Detector(SpanProjections p)
{
  static const char *const names[2][2] = {
      {"measurement/instrument/detector/actual_pixel_size_x", "measurement/instrument/detector/actual_pixel_size_y"},
      {"measurement/instrument/detector/pixel_size_x", "measurement/instrument/detector/pixel_size_y"}};
  SpanCTGeometry *g = &p->info.geometry;
  for (int i = 0; i < 2 && !p->info.pixel_known; i++) {
    g->pitch_u          = PixelSize(p, names[i][0]);
    g->dz               = PixelSize(p, names[i][1]);
    p->info.pixel_known = (PetscBool)(g->pitch_u > 0);
  }
  if (!p->info.pixel_known) g->pitch_u = g->dz = 1;
  SpanCTGeometryFit(g);
}

static PetscErrorCode ReadRows(SpanProjections p, const char name[], PetscInt frames, PetscInt first, PetscInt n_rows,
                               float *values)
{
  const SpanCTGeometry *g = &p->info.geometry;
  const hsize_t start[3] = {0, (hsize_t)first, 0}, count[3] = {(hsize_t)frames, (hsize_t)n_rows, (hsize_t)g->n_u};
  return SpanHdf5ReadFloat(p->file, p->path, name, start, count, values);
}

static void Mean(PetscInt frames, PetscInt64 n, const float *values, float *mean)
{
  for (PetscInt64 i = 0; i < n; i++) {
    double sum = 0;
    for (PetscInt f = 0; f < frames; f++) sum += (double)values[f * n + i];
    mean[i] = (float)(sum / (double)PetscMax(frames, 1));
  }
}

/* Mean flat and dark fields of rows, (n_rows, n_u); flats, or NULL: the single frames, allocated for the caller. */
static PetscErrorCode Fields(SpanProjections p, PetscInt first, PetscInt n_rows, float *flat, float *dark,
                             float **flats)
{
  const Exchange *e  = p->data;
  const PetscInt64 n = (PetscInt64)n_rows * p->info.geometry.n_u;
  float *frames;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n * PetscMax(e->n_flats, e->n_darks), &frames));
  PetscErrorCode ierr = e->n_darks ? ReadRows(p, DARK, e->n_darks, first, n_rows, frames) : 0;
  if (!ierr) Mean(e->n_darks, n, frames, dark);
  if (!ierr) ierr = ReadRows(p, WHITE, e->n_flats, first, n_rows, frames);
  if (!ierr) Mean(e->n_flats, n, frames, flat);
  if (!ierr && flats)
    *flats = frames;
  else
    PetscCall(PetscFree(frames));
  PetscFunctionReturn(ierr);
}

/* Counts a photon and photons without an object, from rows all over the detector. */
static PetscErrorCode Calibrate(SpanProjections p)
{
  Exchange *e             = p->data;
  const SpanCTGeometry *g = &p->info.geometry;
  double mean = 0, gain = 0;
  const PetscInt n = PetscMin(gain_rows, g->n_v);
  float *flat, *dark, *flats = NULL;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(g->n_u, &flat, g->n_u, &dark));
  PetscErrorCode ierr = 0;
  for (PetscInt k = 0; k < n && !ierr; k++) {
    double own = 0;
    ierr       = Fields(p, (2 * k + 1) * g->n_v / (2 * n), 1, flat, dark, &flats);
    if (ierr) break;
    for (PetscInt j = 0; j < g->n_u; j++) mean += (double)(flat[j] - dark[j]) / (double)g->n_u / (double)n;
    ierr = SpanCTGain(e->n_flats, g->n_u, flats, dark, &own);
    gain += own / (double)n;
    PetscCall(PetscFree(flats));
  }
  PetscCall(PetscFree2(flat, dark));
  PetscCall(ierr);
  SpanCheckInput(PETSC_COMM_SELF, mean > 0, "%s: `%s` is on average %g above `%s`, it must be brighter than that",
                 p->path, WHITE, mean, DARK);
  e->gain       = gain;
  p->info.blank = mean / gain;
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(SpanProjections p, const char scan[])
{
  Exchange *e;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, !scan[0], "%s: --scan %s: the file holds one scan without a name", p->path, scan);
  PetscCall(SpanHdf5Open(p->path, &p->file));
  PetscCall(PetscNew(&e));
  p->data               = e;
  p->info.has_counts    = PETSC_TRUE;
  p->info.geometry.kind = SPAN_CT_PARALLEL;
  PetscCall(Shape(p, DATA, &p->info.geometry.n_views));
  PetscCall(CheckAxes(p));
  PetscCall(Shape(p, WHITE, &e->n_flats));
  if (SpanHdf5Has(p->file, DARK)) PetscCall(Shape(p, DARK, &e->n_darks));
  PetscCall(SpanProjectionsReadAngles(p, "exchange/theta"));
  Detector(p);
  PetscCall(Calibrate(p));
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanProjections p) { return PetscFree(p->data); }

static PetscErrorCode Read(SpanProjections p, PetscInt first, PetscInt n_rows, float *lines, float *weights)
{
  const Exchange *e       = p->data;
  const SpanCTGeometry *g = &p->info.geometry;
  const PetscInt64 n      = (PetscInt64)n_rows * g->n_u;
  float *flat, *dark, *own = NULL;
  PetscInt bad = -1;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &flat, n, &dark));
  if (!lines) PetscCall(PetscMalloc1(n * g->n_views, &own));
  float *values             = lines ? lines : own;
  const SpanCTCounts counts = {g->n_views, n_rows, g->n_u, dark, flat, e->n_flats, e->gain};
  PetscErrorCode ierr       = Fields(p, first, n_rows, flat, dark, NULL);
  if (!ierr) ierr = ReadRows(p, DATA, g->n_views, first, n_rows, values);
  if (!ierr) ierr = SpanCTNormalise(&counts, values, weights, &bad);
  PetscCall(PetscFree2(flat, dark));
  PetscCall(PetscFree(own));
  PetscCall(ierr);
  SpanCheckInput(PETSC_COMM_SELF, bad < 0, "%s: `%s`: no pixel of row %lld is brighter than in `%s`", p->path, WHITE,
                 (long long)(first + bad), DARK);
  PetscFunctionReturn(0);
}

const SpanProjectionsFormat SpanProjectionsDataExchange = {"Data Exchange", Detect, Open, Close, Read, NULL};
