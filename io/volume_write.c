/* Writes image volumes: VTKHDF ImageData (VTK file formats, "VTKHDF", version 1.0) with hard links at the root. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/volume.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct SpanVolumeWriter_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  SpanGrid grid;
  hid_t file, vtk, points, provenance;
};

static herr_t WriteNumbers(hid_t place, const char name[], hid_t disk, hid_t memory, int n_dims, const hsize_t dims[],
                           const void *values)
{
  hid_t space     = H5Screate_simple(n_dims, dims, NULL),
        attribute = H5Acreate2(place, name, disk, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status   = attribute < 0 ? -1 : H5Awrite(attribute, memory, values);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return status;
}

static herr_t WriteText(hid_t place, const char name[], const char text[])
{
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text) ? strlen(text) : 1);
  H5Tset_strpad(type, H5T_STR_NULLPAD);
  hid_t attribute = H5Acreate2(place, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status   = attribute < 0 ? -1 : H5Awrite(attribute, type, text);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  return status;
}

static herr_t WriteGeometry(SpanVolumeWriter w)
{
  const SpanGrid *g  = &w->grid;
  int64_t version[2] = {1, 0}, extent[6] = {0, g->nx - 1, 0, g->ny - 1, 0, g->nz - 1}, known = g->known;
  hsize_t two = 2, three = 3, six = 6, nine = 9, one = 1;
  hid_t real = H5T_IEEE_F64LE, memory = H5T_NATIVE_DOUBLE;
  herr_t status = WriteNumbers(w->vtk, "Version", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &two, version);
  status |= WriteText(w->vtk, "Type", "ImageData");
  status |= WriteNumbers(w->vtk, "WholeExtent", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &six, extent);
  status |= WriteNumbers(w->vtk, "Origin", real, memory, 1, &three, g->origin);
  status |= WriteNumbers(w->vtk, "Spacing", real, memory, 1, &three, g->spacing);
  status |= WriteNumbers(w->vtk, "Direction", real, memory, 1, &nine, g->direction);
  status |= WriteNumbers(w->vtk, "GeometryKnown", H5T_STD_I64LE, H5T_NATIVE_INT64, 1, &one, &known);
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
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL);
  H5E_BEGIN_TRY { w->file = H5Fcreate(w->part, H5F_ACC_TRUNC, H5P_DEFAULT, access); }
  H5E_END_TRY;
  H5Pclose(access);
  PetscCall(SpanErrorAgree(
      comm, w->file < 0 ? SpanInputError("%s: cannot be written (no such directory, or no permission)", path) : 0));
  w->vtk        = H5Gcreate2(w->file, "VTKHDF", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  w->points     = H5Gcreate2(w->vtk, "PointData", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  w->provenance = H5Gcreate2(w->file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  PetscCheck(w->vtk >= 0 && w->points >= 0 && w->provenance >= 0 && WriteGeometry(w) >= 0, comm, PETSC_ERR_FILE_WRITE,
             "%s: cannot be written (disk full?)", path);
  *out = w;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWrite(SpanVolumeWriter w, const char name[], PetscInt first, PetscInt count, const float *data)
{
  hsize_t dims[3] = {(hsize_t)w->grid.nz, (hsize_t)w->grid.ny, (hsize_t)w->grid.nx}, start[3] = {(hsize_t)first, 0, 0},
          size[3] = {(hsize_t)count, dims[1], dims[2]};
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  hid_t space = H5Screate_simple(3, dims, NULL), memory = H5Screate_simple(3, size, NULL),
        transfer = H5Pcreate(H5P_DATASET_XFER);
  hid_t dataset  = H5Dcreate2(w->points, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  if (count) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  herr_t status = dataset < 0 ? -1 : H5Dwrite(dataset, H5T_NATIVE_FLOAT, memory, space, transfer, data);
  if (status >= 0) status = H5Lcreate_hard(w->points, name, w->file, name, H5P_DEFAULT, H5P_DEFAULT);
  if (dataset >= 0) H5Dclose(dataset);
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWriteProvenance(SpanVolumeWriter w, const char name[], const char value[])
{
  PetscFunctionBeginUser;
  PetscCheck(WriteText(w->provenance, name, value) >= 0, w->comm, PETSC_ERR_FILE_WRITE,
             "%s: the provenance `%s` cannot be written", w->path, name);
  PetscFunctionReturn(0);
}

static herr_t CloseFile(SpanVolumeWriter w)
{
  herr_t status = H5Gclose(w->provenance);
  status |= H5Gclose(w->points);
  status |= H5Gclose(w->vtk);
  status |= H5Fflush(w->file, H5F_SCOPE_GLOBAL);
  status |= H5Fclose(w->file);
  return status;
}

PetscErrorCode SpanVolumeWriterCommit(SpanVolumeWriter *writer)
{
  SpanVolumeWriter w = *writer;
  int rank, failed = 0;
  PetscFunctionBeginUser;
  herr_t status = CloseFile(w);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  if (rank == 0) {
    int file = open(w->part, O_RDONLY);
    failed   = file < 0 || fsync(file) || rename(w->part, w->path);
    if (file >= 0) close(file);
    if (failed) failed = errno ? errno : EIO;
  }
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, w->comm));
  PetscCheck(!failed, w->comm, PETSC_ERR_FILE_WRITE, "%s: cannot be put in place: %s", w->path, strerror(failed));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanVolumeWriterAbort(SpanVolumeWriter *writer)
{
  int rank;
  PetscFunctionBeginUser;
  if (!*writer) PetscFunctionReturn(0);
  CloseFile(*writer);
  PetscCallMPI(MPI_Comm_rank((*writer)->comm, &rank));
  if (rank == 0) unlink((*writer)->part);
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}
