/* Writes image volumes: VTKHDF ImageData (VTK file formats, "VTKHDF", version 1.0) with hard links at the root. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/hdf5_write.h>
#include <subspan/io/volume.h>
#include <stdio.h>
#include <string.h>

struct SpanVolumeWriter_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  char units[16];
  SpanGrid grid;
  hid_t file, vtk, points, provenance;
};

static herr_t WriteGeometry(SpanVolumeWriter w)
{
  const SpanGrid *g  = &w->grid;
  int64_t version[2] = {1, 0}, extent[6] = {0, g->nx - 1, 0, g->ny - 1, 0, g->nz - 1}, known = g->known;
  herr_t status = SpanHdf5WriteNumbers(w->vtk, "Version", H5T_NATIVE_INT64, 2, version);
  status |= SpanHdf5WriteText(w->vtk, "Type", "ImageData");
  status |= SpanHdf5WriteNumbers(w->vtk, "WholeExtent", H5T_NATIVE_INT64, 6, extent);
  status |= SpanHdf5WriteNumbers(w->vtk, "Origin", H5T_NATIVE_DOUBLE, 3, g->origin);
  status |= SpanHdf5WriteNumbers(w->vtk, "Spacing", H5T_NATIVE_DOUBLE, 3, g->spacing);
  status |= SpanHdf5WriteNumbers(w->vtk, "Direction", H5T_NATIVE_DOUBLE, 9, g->direction);
  status |= SpanHdf5WriteNumbers(w->vtk, "GeometryKnown", H5T_NATIVE_INT64, 1, &known);
  return status;
}

PetscErrorCode SpanVolumeWriterCreate(MPI_Comm comm, const char path[], const SpanGrid *grid, SpanVolumeWriter *out)
{
  SpanVolumeWriter w;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm = comm;
  w->grid = *grid;
  PetscCall(PetscStrncpy(w->path, path, sizeof w->path));
  snprintf(w->part, sizeof w->part, "%s.part", path);
  PetscCall(SpanHdf5Create(comm, w->part, path, &w->file));
  w->vtk        = H5Gcreate2(w->file, "VTKHDF", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  w->points     = H5Gcreate2(w->vtk, "PointData", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  w->provenance = H5Gcreate2(w->file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  PetscCheck(w->vtk >= 0 && w->points >= 0 && w->provenance >= 0 && WriteGeometry(w) >= 0, comm, PETSC_ERR_FILE_WRITE,
             "%s: cannot be written (disk full?)", path);
  *out = w;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWriterUnits(SpanVolumeWriter w, const char units[])
{
  PetscFunctionBeginUser;
  PetscCheck(strlen(units) < sizeof w->units, w->comm, PETSC_ERR_ARG_SIZ, "%s: the unit %s is too long", w->path,
             units);
  PetscCall(PetscStrncpy(w->units, units, sizeof w->units));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWrite(SpanVolumeWriter w, const char name[], PetscInt first, PetscInt count, const float *data)
{
  hsize_t dims[3] = {(hsize_t)w->grid.nz, (hsize_t)w->grid.ny, (hsize_t)w->grid.nx}, start[3] = {(hsize_t)first, 0, 0},
          size[3] = {(hsize_t)count, dims[1], dims[2]};
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  hid_t dataset = SpanHdf5CreateArray(w->points, name, H5T_IEEE_F32LE, 3, dims);
  herr_t status = SpanHdf5WriteSlab(dataset, H5T_NATIVE_FLOAT, 3, start, size, (PetscBool)(count > 0), data);
  if (status >= 0 && w->units[0]) status = SpanHdf5WriteText(dataset, "units", w->units);
  if (status >= 0) status = H5Lcreate_hard(w->points, name, w->file, name, H5P_DEFAULT, H5P_DEFAULT);
  if (dataset >= 0) H5Dclose(dataset);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWriteProvenance(SpanVolumeWriter w, const char name[], const char value[])
{
  PetscFunctionBeginUser;
  PetscCheck(SpanHdf5WriteText(w->provenance, name, value) >= 0, w->comm, PETSC_ERR_FILE_WRITE,
             "%s: the provenance `%s` cannot be written", w->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWriterCommit(SpanVolumeWriter *writer)
{
  SpanVolumeWriter w = *writer;
  PetscFunctionBeginUser;
  H5Gclose(w->provenance);
  H5Gclose(w->points);
  H5Gclose(w->vtk);
  PetscCall(SpanHdf5Commit(w->comm, w->file, w->part, w->path));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}
