/* Subspan's own projections file (docs/formats.md): `projections` (view, row, column) and a group `geometry` whose
   attributes and data sets are SpanCTGeometry in mm and degrees; `counts` by option. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/projections_private.h>
#include <string.h>

static PetscBool DetectOwn(const char path[])
{
  return (PetscBool)(SpanHdf5Detect(path, "projections") && SpanHdf5Detect(path, "geometry"));
}

/* n numbers; where there are none `values` stay, unless they are needed. */
static PetscErrorCode Numbers(const char path[], hid_t place, const char name[], PetscInt n, PetscBool needed,
                              PetscReal *values, PetscBool *found)
{
  double numbers[9];
  PetscBool there;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Attribute(place, name, n, numbers, &there));
  SpanCheckInput(PETSC_COMM_SELF, there || (!needed && H5Aexists(place, name) <= 0),
                 "%s: the attribute `%s` must be %lld number%s", path, name, (long long)n, n > 1 ? "s" : "");
  for (PetscInt i = 0; i < n && there; i++) values[i] = numbers[i];
  if (found) *found = there;
  PetscFunctionReturn(0);
}

static PetscErrorCode Kind(const char path[], hid_t place, SpanCTGeometry *g)
{
  static const char *const beams[] = {"parallel", "fan", "cone"};
  char text[32]                    = "";
  int kind                         = -1;
  PetscFunctionBeginUser;
  (void)SpanHdf5Text(place, "beam", text, sizeof text);
  for (int i = 0; i < 3; i++)
    if (!strcmp(text, beams[i])) kind = i;
  SpanCheckInput(PETSC_COMM_SELF, kind >= 0,
                 "%s: the attribute `beam` of `geometry` is `%s`, not parallel, fan or cone", path, text);
  g->kind = (SpanCTKind)kind;
  strcpy(text, "flat");
  if (H5Aexists(place, "detector") > 0)
    SpanCheckInput(PETSC_COMM_SELF,
                   SpanHdf5Text(place, "detector", text, sizeof text) &&
                       (!strcmp(text, "flat") || !strcmp(text, "curved")),
                   "%s: the attribute `detector` of `geometry` is `%s`, not flat or curved", path, text);
  g->curved = (PetscBool)(!strcmp(text, "curved") && g->kind != SPAN_CT_PARALLEL);
  PetscFunctionReturn(0);
}

static PetscErrorCode Detector(SpanProjections p, hid_t place)
{
  SpanCTGeometry *g         = &p->info.geometry;
  const PetscBool diverging = (PetscBool)(g->kind != SPAN_CT_PARALLEL);
  PetscReal pitch[2], offset[2] = {0, 0};
  PetscFunctionBeginUser;
  PetscCall(Numbers(p->path, place, "pixel_mm", 2, PETSC_TRUE, pitch, NULL));
  PetscCall(Numbers(p->path, place, "offset_mm", 2, PETSC_FALSE, offset, NULL));
  PetscCall(Numbers(p->path, place, "axis_offset_mm", 1, PETSC_FALSE, &g->axis_offset, &p->info.axis_known));
  PetscCall(Numbers(p->path, place, "source_axis_mm", 1, diverging, &g->source_axis, NULL));
  PetscCall(Numbers(p->path, place, "source_detector_mm", 1, diverging, &g->source_detector, NULL));
  if (diverging) p->info.axis_known = PETSC_TRUE; /* there it is 0 unless it is said */
  g->pitch_v  = pitch[0];
  g->pitch_u  = pitch[1];
  g->offset_v = offset[0];
  g->offset_u = offset[1];
  if (g->kind != SPAN_CT_CONE) g->dz = pitch[0];
  PetscFunctionReturn(0);
}

static PetscErrorCode Grid(const char path[], hid_t place, SpanCTGeometry *g)
{
  PetscReal n[3], voxel[3], centre[3];
  PetscBool sized, centred;
  PetscFunctionBeginUser;
  SpanCTGeometryFit(g);
  PetscCall(Numbers(path, place, "volume_voxels", 3, PETSC_FALSE, n, &sized));
  PetscCall(Numbers(path, place, "voxel_mm", 3, sized, voxel, NULL));
  for (int i = 0; i < 3 && sized; i++)
    SpanCheckInput(PETSC_COMM_SELF, n[i] >= 1 && n[i] <= 1 << 20 && n[i] == (PetscReal)(PetscInt)n[i],
                   "%s: the attribute `volume_voxels` of `geometry` has %g, must be whole, 1 to 2^20", path,
                   (double)n[i]);
  if (sized) {
    g->nz       = (PetscInt)n[0];
    g->ny       = (PetscInt)n[1];
    g->nx       = (PetscInt)n[2];
    g->dz       = voxel[0];
    g->dy       = voxel[1];
    g->dx       = voxel[2];
    g->centre_z = 0;
  }
  PetscCall(Numbers(path, place, "volume_centre_mm", 3, PETSC_FALSE, centre, &centred));
  if (!centred) PetscFunctionReturn(0);
  if (sized) g->centre_z = centre[0];
  g->centre_y = centre[1];
  g->centre_x = centre[2];
  PetscFunctionReturn(0);
}

static PetscErrorCode Direction(const char path[], hid_t place, PetscReal direction[9])
{
  PetscFunctionBeginUser;
  PetscCall(Numbers(path, place, "direction", 9, PETSC_FALSE, direction, NULL));
  for (int j = 0; j < 3; j++) {
    const PetscReal *d = direction + j, length = PetscSqrtReal(d[0] * d[0] + d[3] * d[3] + d[6] * d[6]);
    SpanCheckInput(PETSC_COMM_SELF, PetscAbsReal(length - 1) < 1e-3,
                   "%s: column %d of the attribute `direction` of `geometry` has the length %g, must be 1", path, j,
                   (double)length);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Root(SpanProjections p, const hsize_t dims[])
{
  static const char *const names[] = {"blank_photons", "electronic_noise", "water_per_mm"};
  PetscReal *const values[]        = {&p->info.blank, &p->info.electrons, &p->info.water};
  hsize_t shape[span_hdf5_max_dims];
  int n_dims;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  for (int i = 0; i < 3; i++) {
    PetscCall(Numbers(p->path, p->file, names[i], 1, PETSC_FALSE, values[i], NULL));
    SpanCheckInput(PETSC_COMM_SELF, *values[i] >= 0 && *values[i] < 1e30,
                   "%s: the attribute `%s` is %g, must be 0 or more", p->path, names[i], (double)*values[i]);
  }
  p->info.has_counts = SpanHdf5Has(p->file, "counts");
  if (!p->info.has_counts) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(p->file, p->path, "counts", &n_dims, shape, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 3 && !is_complex && !memcmp(shape, dims, 3 * sizeof *dims),
                 "%s: `counts` has another shape than `projections`, %llu x %llu x %llu", p->path,
                 (unsigned long long)dims[0], (unsigned long long)dims[1], (unsigned long long)dims[2]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Geometry(SpanProjections p, hid_t place)
{
  SpanCTGeometry *g = &p->info.geometry;
  PetscFunctionBeginUser;
  PetscCall(Kind(p->path, place, g));
  PetscCall(Detector(p, place));
  PetscCall(SpanProjectionsReadAngles(p, "geometry/angles_deg"));
  if (g->kind == SPAN_CT_CONE && SpanHdf5Has(p->file, "geometry/source_z_mm")) {
    PetscCall(PetscMalloc1(g->n_views, &p->source_z));
    PetscCall(SpanHdf5ReadDoubles(p->file, p->path, "geometry/source_z_mm", g->n_views, p->source_z));
    g->source_z = p->source_z;
  }
  PetscCall(Grid(p->path, place, g));
  PetscCall(Direction(p->path, place, p->info.direction));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenOwn(SpanProjections p, const char scan[])
{
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, !scan[0], "%s: --scan %s: the file holds one scan without a name", p->path, scan);
  PetscCall(SpanHdf5Open(p->path, &p->file));
  PetscCall(SpanHdf5Shape(p->file, p->path, "projections", &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 3 && !is_complex,
                 "%s: `projections` must be real numbers of three dimensions (view, row, column)", p->path);
  for (int i = 0; i < 3; i++) PetscCall(SpanCheckCount(PETSC_COMM_SELF, p->path, "projections", (double)dims[i]));
  p->info.pixel_known      = PETSC_TRUE;
  p->info.geometry.n_views = (PetscInt)dims[0];
  p->info.geometry.n_v     = (PetscInt)dims[1];
  p->info.geometry.n_u     = (PetscInt)dims[2];
  hid_t place              = H5Gopen2(p->file, "geometry", H5P_DEFAULT);
  SpanCheckInput(PETSC_COMM_SELF, place >= 0, "%s: `geometry` is not a group", p->path);
  PetscErrorCode ierr = Geometry(p, place);
  H5Gclose(place);
  PetscCall(ierr);
  PetscCall(Root(p, dims));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadOwn(SpanProjections p, PetscInt first, PetscInt n_rows, float *lines, float *weights)
{
  const SpanCTGeometry *g = &p->info.geometry;
  const hsize_t start[3]  = {0, (hsize_t)first, 0};
  const hsize_t count[3]  = {(hsize_t)g->n_views, (hsize_t)n_rows, (hsize_t)g->n_u};
  PetscFunctionBeginUser;
  if (lines) PetscCall(SpanHdf5ReadFloat(p->file, p->path, "projections", start, count, lines));
  if (weights) {
    PetscCall(SpanHdf5ReadFloat(p->file, p->path, "counts", start, count, weights));
    SpanProjectionsWeights((PetscInt64)(count[0] * count[1] * count[2]), p->info.electrons, weights);
  }
  PetscFunctionReturn(0);
}

const SpanProjectionsFormat SpanProjectionsOwn = {"Subspan projections", DetectOwn, OpenOwn, NULL, ReadOwn, NULL};
