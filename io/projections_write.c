/* Subspan's own projections file out, in parallel. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/hdf5_write.h>
#include <subspan/io/projections_write.h>
#include <math.h>

struct SpanProjectionsWriter_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  PetscInt n_u;
  hid_t file, lines, counts, provenance; /* counts -1: none */
};

static herr_t WriteViews(MPI_Comm comm, hid_t place, const char name[], PetscInt n, const PetscReal *values,
                         PetscReal factor)
{
  const hsize_t start = 0, count = (hsize_t)n;
  double *scaled;
  int rank;
  if (MPI_Comm_rank(comm, &rank) || PetscMalloc1(n, &scaled)) return -1;
  for (PetscInt i = 0; i < n; i++) scaled[i] = values[i] * factor;
  hid_t dataset = SpanHdf5CreateArray(place, name, H5T_IEEE_F64LE, 1, &count);
  herr_t status = SpanHdf5WriteSlab(dataset, H5T_NATIVE_DOUBLE, 1, &start, &count, (PetscBool)(rank == 0), scaled);
  if (dataset >= 0) H5Dclose(dataset);
  return PetscFree(scaled) ? -1 : status;
}

static herr_t WriteNumbers(hid_t place, const char name[], hsize_t n, const double values[])
{
  return SpanHdf5WriteNumbers(place, name, H5T_NATIVE_DOUBLE, n, values);
}

static herr_t WriteGeometry(MPI_Comm comm, hid_t place, const SpanProjectionsInfo *info)
{
  static const char *const beams[] = {"parallel", "fan", "cone"};
  const SpanCTGeometry *g          = &info->geometry;
  const PetscBool cone             = (PetscBool)(g->kind == SPAN_CT_CONE);
  const double pixel[2] = {cone ? g->pitch_v : g->dz, g->pitch_u}, offset[2] = {cone ? g->offset_v : 0, g->offset_u};
  const double voxels[3] = {(double)g->nz, (double)g->ny, (double)g->nx}, voxel[3] = {g->dz, g->dy, g->dx};
  const double centre[3] = {cone ? g->centre_z : 0, g->centre_y, g->centre_x};
  herr_t status          = SpanHdf5WriteText(place, "beam", beams[g->kind]);
  status |= WriteNumbers(place, "pixel_mm", 2, pixel);
  status |= WriteNumbers(place, "offset_mm", 2, offset);
  if (info->axis_known) status |= WriteNumbers(place, "axis_offset_mm", 1, &g->axis_offset);
  if (g->kind != SPAN_CT_PARALLEL) {
    status |= SpanHdf5WriteText(place, "detector", g->curved ? "curved" : "flat");
    status |= WriteNumbers(place, "source_axis_mm", 1, &g->source_axis);
    status |= WriteNumbers(place, "source_detector_mm", 1, &g->source_detector);
  }
  status |= WriteNumbers(place, "volume_voxels", 3, voxels);
  status |= WriteNumbers(place, "voxel_mm", 3, voxel);
  status |= WriteNumbers(place, "volume_centre_mm", 3, centre);
  PetscBool said = PETSC_FALSE;
  for (int i = 0; i < 9; i++) said = (PetscBool)(said || info->direction[i] != 0);
  if (said) status |= WriteNumbers(place, "direction", 9, info->direction);
  status |= WriteViews(comm, place, "angles_deg", g->n_views, g->angles, 180 / M_PI);
  if (cone && g->source_z) status |= WriteViews(comm, place, "source_z_mm", g->n_views, g->source_z, 1);
  return status;
}

static herr_t WriteRoot(SpanProjectionsWriter w, const SpanProjectionsInfo *info)
{
  const SpanCTGeometry *g = &info->geometry;
  const hsize_t dims[3]   = {(hsize_t)g->n_views, (hsize_t)g->n_v, (hsize_t)g->n_u};
  w->lines                = SpanHdf5CreateArray(w->file, "projections", H5T_IEEE_F32LE, 3, dims);
  w->counts               = info->has_counts ? SpanHdf5CreateArray(w->file, "counts", H5T_IEEE_F32LE, 3, dims) : -1;
  w->provenance           = H5Gcreate2(w->file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  hid_t place             = H5Gcreate2(w->file, "geometry", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (w->lines < 0 || (info->has_counts && w->counts < 0) || w->provenance < 0 || place < 0) return -1;
  herr_t status = WriteGeometry(w->comm, place, info);
  if (info->blank > 0) status |= WriteNumbers(w->file, "blank_photons", 1, &info->blank);
  if (info->electrons > 0) status |= WriteNumbers(w->file, "electronic_noise", 1, &info->electrons);
  if (info->water > 0) status |= WriteNumbers(w->file, "water_per_mm", 1, &info->water);
  H5Gclose(place);
  return status;
}

PetscErrorCode SpanProjectionsWriterCreate(MPI_Comm comm, const char path[], const SpanProjectionsInfo *info,
                                           SpanProjectionsWriter *writer)
{
  SpanProjectionsWriter w;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm = comm;
  w->n_u  = info->geometry.n_u;
  PetscCall(PetscStrncpy(w->path, path, sizeof w->path));
  PetscCall(PetscSNPrintf(w->part, sizeof w->part, "%s.part", path));
  PetscCall(SpanHdf5Create(comm, w->part, path, &w->file));
  PetscCheck(WriteRoot(w, info) >= 0, comm, PETSC_ERR_FILE_WRITE, "%s: cannot be written (disk full?)", path);
  *writer = w;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsWrite(SpanProjectionsWriter w, const SpanProjectionsPart *part, const float *lines,
                                    const float *counts)
{
  const hsize_t start[3] = {(hsize_t)part->first_view, (hsize_t)part->first_row, 0};
  const hsize_t count[3] = {(hsize_t)part->n_views, (hsize_t)part->n_rows, (hsize_t)w->n_u};
  const PetscBool mine   = (PetscBool)(part->n_views > 0 && part->n_rows > 0);
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  herr_t status = SpanHdf5WriteSlab(w->lines, H5T_NATIVE_FLOAT, 3, start, count, mine, lines);
  if (w->counts >= 0) status |= SpanHdf5WriteSlab(w->counts, H5T_NATIVE_FLOAT, 3, start, count, mine, counts);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsWriteProvenance(SpanProjectionsWriter w, const char name[], const char value[])
{
  PetscFunctionBeginUser;
  PetscCheck(SpanHdf5WriteText(w->provenance, name, value) >= 0, w->comm, PETSC_ERR_FILE_WRITE,
             "%s: the provenance `%s` cannot be written", w->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanProjectionsWriterCommit(SpanProjectionsWriter *writer)
{
  SpanProjectionsWriter w = *writer;
  PetscFunctionBeginUser;
  H5Dclose(w->lines);
  if (w->counts >= 0) H5Dclose(w->counts);
  H5Gclose(w->provenance);
  PetscCall(SpanHdf5Commit(w->comm, w->file, w->part, w->path));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}
