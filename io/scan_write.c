/* fastMRI HDF5 out, in parallel. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/scan_write.h>
#include <hdf5.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct SpanScanWriter_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  SpanGrid grid;
  PetscInt n_coils;
  hid_t file, complex_type, kspace, reference;
};

static hid_t Dataset(hid_t file, const char name[], hid_t type, int n, const hsize_t dims[])
{
  hid_t space   = H5Screate_simple(n, dims, NULL),
        dataset = H5Dcreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Sclose(space);
  return dataset;
}

static herr_t Attribute(hid_t file, const char name[], hsize_t n, const double *values)
{
  hid_t space     = H5Screate_simple(1, &n, NULL),
        attribute = H5Acreate2(file, name, H5T_IEEE_F64LE, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status   = H5Awrite(attribute, H5T_NATIVE_DOUBLE, values);
  H5Aclose(attribute);
  H5Sclose(space);
  return status;
}

static herr_t TextAttribute(hid_t file, const char name[], const char text[])
{
  hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
  H5Tset_size(type, strlen(text) + 1);
  hid_t attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status   = H5Awrite(attribute, type, text);
  H5Aclose(attribute);
  H5Sclose(space);
  H5Tclose(type);
  return status;
}

PetscErrorCode SpanScanWriterCreate(MPI_Comm comm, const char path[], const SpanGrid *g, PetscInt n_coils,
                                    SpanScanWriter *out)
{
  SpanScanWriter w;
  hsize_t k[4] = {(hsize_t)g->nz, (hsize_t)n_coils, (hsize_t)g->ny, (hsize_t)g->nx}, r[3] = {k[0], k[2], k[3]};
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm    = comm;
  w->grid    = *g;
  w->n_coils = n_coils;
  PetscCall(PetscStrncpy(w->path, path, sizeof w->path));
  snprintf(w->part, sizeof w->part, "%s.part", path);
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, comm, MPI_INFO_NULL);
  H5E_BEGIN_TRY { w->file = H5Fcreate(w->part, H5F_ACC_TRUNC, H5P_DEFAULT, access); }
  H5E_END_TRY;
  H5Pclose(access);
  PetscCall(SpanErrorAgree(
      comm, w->file < 0 ? SpanInputError("%s: cannot be written (no such directory, or no permission)", path) : 0));
  w->complex_type = H5Tcreate(H5T_COMPOUND, sizeof(float complex));
  H5Tinsert(w->complex_type, "r", 0, H5T_NATIVE_FLOAT);
  H5Tinsert(w->complex_type, "i", sizeof(float), H5T_NATIVE_FLOAT);
  w->kspace     = Dataset(w->file, "kspace", w->complex_type, 4, k);
  w->reference  = Dataset(w->file, "reference", H5T_IEEE_F32LE, 3, r);
  herr_t status = Attribute(w->file, "spacing_mm", 3, g->spacing);
  if (g->known)
    status |= Attribute(w->file, "origin_mm", 3, g->origin) | Attribute(w->file, "direction", 9, g->direction);
  PetscCheck(w->kspace >= 0 && w->reference >= 0 && status >= 0, comm, PETSC_ERR_FILE_WRITE,
             "%s: cannot be written (disk full?)", path);
  *out = w;
  PetscFunctionReturn(0);
}

/* One hyperslab a rank, collectively; none where count is NULL. */
static herr_t Write(hid_t dataset, hid_t type, int n, const hsize_t start[], const hsize_t count[], PetscBool mine,
                    const void *data)
{
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(n, count, NULL),
        transfer = H5Pcreate(H5P_DATASET_XFER);
  if (mine) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  herr_t status = H5Dwrite(dataset, type, memory, space, transfer, data);
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  return status;
}

PetscErrorCode SpanScanWriteShared(SpanScanWriter w, const float complex *maps, const float *mask)
{
  hsize_t start[4] = {0}, m[4] = {1, (hsize_t)w->n_coils, (hsize_t)w->grid.ny, (hsize_t)w->grid.nx};
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  hid_t dataset = Dataset(w->file, "maps", w->complex_type, 4, m);
  herr_t status = Write(dataset, w->complex_type, 4, start, m, (PetscBool)(rank == 0), maps);
  H5Dclose(dataset);
  if (mask) {
    dataset = Dataset(w->file, "mask", H5T_IEEE_F32LE, 2, m + 2);
    status |= Write(dataset, H5T_NATIVE_FLOAT, 2, start, m + 2, (PetscBool)(rank == 0), mask);
    H5Dclose(dataset);
  }
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanWriteSlice(SpanScanWriter w, PetscInt slice, const float complex *kspace, const float *reference)
{
  PetscBool mine   = (PetscBool)(slice >= 0);
  hsize_t start[4] = {mine ? (hsize_t)slice : 0},
          count[4] = {1, (hsize_t)w->n_coils, (hsize_t)w->grid.ny, (hsize_t)w->grid.nx},
          image[3] = {1, count[2], count[3]};
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  herr_t status = Write(w->kspace, w->complex_type, 4, start, count, mine, kspace);
  status |= Write(w->reference, H5T_NATIVE_FLOAT, 3, start, image, mine, reference);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanWriterCommit(SpanScanWriter *writer, const char source[], PetscInt seed)
{
  SpanScanWriter w = *writer;
  int rank, failed = 0;
  double number = (double)seed;
  PetscFunctionBeginUser;
  herr_t status = TextAttribute(w->file, "acquisition", "SIMULATED") | TextAttribute(w->file, "source", source) |
                  Attribute(w->file, "seed", 1, &number);
  H5Dclose(w->kspace);
  H5Dclose(w->reference);
  H5Tclose(w->complex_type);
  status |= H5Fflush(w->file, H5F_SCOPE_GLOBAL);
  status |= H5Fclose(w->file);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  if (rank == 0) failed = rename(w->part, w->path) != 0;
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, w->comm));
  PetscCheck(!failed, w->comm, PETSC_ERR_FILE_WRITE, "%s: cannot be put in place", w->path);
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}
