/* Scans of the Helsinki Tomography Challenge 2022 (Meaney, Silva de Moura, Siltanen, zenodo.org/record/6984868), a
   group a scan: `sinogram` (view, column), the logarithm taken, `angles_deg`, distances and the pixel's size as
   attributes. A fan beam on a flat detector, the central row of a cone beam.

   A reconstruction's array lies as the challenge's segmentations do. These are pictures with y upwards: a point at
   height y is in a row that falls with y. Mirrored at y = 0, as our volumes have it, the view at angle t is that at
   180 degrees - t with its columns reversed. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/projections_private.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { grid = 512 }; /* of the challenge */

typedef struct {
  char sinogram[256];
} Scan;

/* The names of scans, in a row. */
typedef struct {
  char *names;
  size_t size;
} Names;

static herr_t AddName(hid_t root, const char *name, const H5L_info_t *link, void *context)
{
  Names *n = context;
  char member[256];
  if (snprintf(member, sizeof member, "%s/sinogram", name) >= (int)sizeof member || !SpanHdf5Has(root, member))
    return 0;
  const size_t used = strlen(n->names);
  snprintf(n->names + used, n->size - used, "%s%s", used ? ", " : "", name);
  return 0;
}

/* Silent: empty for what is no such file. */
static PetscErrorCode Scans(const char path[], char names[], size_t size)
{
  Names n    = {names, size};
  hid_t file = -1;
  PetscFunctionBeginUser;
  names[0] = 0;
  H5E_BEGIN_TRY
  {
    if (H5Fis_hdf5(path) > 0) file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (file >= 0) H5Literate(file, H5_INDEX_NAME, H5_ITER_INC, NULL, AddName, &n);
    if (file >= 0) H5Fclose(file);
  }
  H5E_END_TRY;
  PetscFunctionReturn(0);
}

static PetscBool Detect(const char path[])
{
  char names[300];
  return (PetscBool)(!Scans(path, names, sizeof names) && names[0]);
}

static PetscErrorCode Length(SpanProjections p, hid_t group, const char scan[], const char name[], PetscReal *value)
{
  double number;
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Attribute(group, name, 1, &number, &found));
  SpanCheckInput(PETSC_COMM_SELF, found, "%s: the scan %s has no attribute `%s`, in mm", p->path, scan, name);
  *value = number;
  PetscFunctionReturn(0);
}

static PetscErrorCode Geometry(SpanProjections p, hid_t group, const char scan[])
{
  SpanCTGeometry *g = &p->info.geometry;
  char unit[16];
  PetscFunctionBeginUser;
  if (SpanHdf5Text(group, "distance_unit", unit, sizeof unit))
    SpanCheckInput(PETSC_COMM_SELF, !strcmp(unit, "mm"), "%s: the scan %s has distances in `%s`, must be mm", p->path,
                   scan, unit);
  PetscCall(Length(p, group, scan, "distanceSourceOrigin", &g->source_axis));
  PetscCall(Length(p, group, scan, "distanceSourceDetector", &g->source_detector));
  PetscCall(Length(p, group, scan, "pixelSizePost", &g->pitch_u));
  SpanCheckInput(
      PETSC_COMM_SELF, g->source_axis > 0 && g->source_detector >= g->source_axis && g->pitch_u > 0,
      "%s: the scan %s has distanceSourceOrigin %g, distanceSourceDetector %g, pixelSizePost %g mm: all must "
      "be above 0 and the detector behind the axis",
      p->path, scan, (double)g->source_axis, (double)g->source_detector, (double)g->pitch_u);
  g->dx = g->dy = g->dz = g->pitch_u * g->source_axis / g->source_detector;
  g->nx = g->ny = grid;
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(SpanProjections p, const char scan[])
{
  SpanCTGeometry *g = &p->info.geometry;
  Scan *s;
  char names[2000], angles[256];
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Open(p->path, &p->file));
  PetscCall(PetscNew(&s));
  p->data = s;
  PetscCall(Scans(p->path, names, sizeof names));
  SpanCheckInput(PETSC_COMM_SELF, scan[0], "%s: it holds several scans, name one by --scan: %s", p->path, names);
  PetscCall(PetscSNPrintf(s->sinogram, sizeof s->sinogram, "%s/sinogram", scan));
  SpanCheckInput(PETSC_COMM_SELF, !strchr(scan, '/') && SpanHdf5Has(p->file, s->sinogram),
                 "%s: --scan %s: there is none of this name, but %s", p->path, scan, names);
  PetscCall(SpanHdf5Shape(p->file, p->path, s->sinogram, &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 2 && !is_complex, "%s: `%s` must be real numbers (view, column)", p->path,
                 s->sinogram);
  for (int i = 0; i < 2; i++) PetscCall(SpanCheckCount(PETSC_COMM_SELF, p->path, s->sinogram, (double)dims[i]));
  *g = (SpanCTGeometry){.kind = SPAN_CT_FAN, .nz = 1, .n_v = 1, .n_views = (PetscInt)dims[0], .n_u = (PetscInt)dims[1]};
  hid_t group = H5Gopen2(p->file, scan, H5P_DEFAULT);
  SpanCheckInput(PETSC_COMM_SELF, group >= 0, "%s: `%s` is not a group", p->path, scan);
  PetscErrorCode ierr = Geometry(p, group, scan);
  H5Gclose(group);
  PetscCall(ierr);
  PetscCall(PetscSNPrintf(angles, sizeof angles, "%s/angles_deg", scan));
  PetscCall(SpanProjectionsReadAngles(p, angles));
  for (PetscInt i = 0; i < g->n_views; i++) p->angles[i] = M_PI - p->angles[i];
  p->info.axis_known = p->info.pixel_known = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Close(SpanProjections p) { return PetscFree(p->data); }

static PetscErrorCode Read(SpanProjections p, PetscInt first, PetscInt n_rows, float *lines, float *weights)
{
  const Scan *s           = p->data;
  const SpanCTGeometry *g = &p->info.geometry;
  const hsize_t start[2] = {0, 0}, count[2] = {(hsize_t)g->n_views, (hsize_t)g->n_u};
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5ReadFloat(p->file, p->path, s->sinogram, start, count, lines));
  for (PetscInt i = 0; i < g->n_views; i++)
    for (float *a = lines + i * g->n_u, *b = a + g->n_u - 1; a < b; a++, b--) {
      const float swap = *a;
      *a               = *b;
      *b               = swap;
    }
  PetscFunctionReturn(0);
}

const SpanProjectionsFormat SpanProjectionsHTC = {
    "Helsinki Tomography Challenge 2022", Detect, Open, Close, Read, Scans};
