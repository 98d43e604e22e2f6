/* fastMRI HDF5 out, in parallel. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/hdf5_write.h>
#include <subspan/io/scan_write.h>
#include <stdio.h>

struct SpanScanWriter_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  SpanGrid grid;
  PetscInt n_coils, n_rows, n_samples;
  hid_t file, complex_type, kspace, reference;
};

PetscErrorCode SpanScanWriterCreate(MPI_Comm comm, const char path[], const SpanGrid *g, PetscInt n_coils,
                                    PetscInt n_rows, PetscInt n_samples, SpanScanWriter *out)
{
  SpanScanWriter w;
  hsize_t k[4] = {(hsize_t)g->nz, (hsize_t)n_coils, (hsize_t)n_rows, (hsize_t)n_samples},
          r[3] = {k[0], (hsize_t)g->ny, (hsize_t)g->nx};
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm      = comm;
  w->grid      = *g;
  w->n_coils   = n_coils;
  w->n_rows    = n_rows;
  w->n_samples = n_samples;
  PetscCall(PetscStrncpy(w->path, path, sizeof w->path));
  snprintf(w->part, sizeof w->part, "%s.part", path);
  PetscCall(SpanHdf5Create(comm, w->part, path, &w->file));
  w->complex_type = H5Tcreate(H5T_COMPOUND, sizeof(float complex));
  H5Tinsert(w->complex_type, "r", 0, H5T_NATIVE_FLOAT);
  H5Tinsert(w->complex_type, "i", sizeof(float), H5T_NATIVE_FLOAT);
  w->kspace     = SpanHdf5CreateArray(w->file, "kspace", w->complex_type, 4, k);
  w->reference  = SpanHdf5CreateArray(w->file, "reference", H5T_IEEE_F32LE, 3, r);
  herr_t status = SpanHdf5WriteNumbers(w->file, "spacing_mm", H5T_NATIVE_DOUBLE, 3, g->spacing);
  if (g->known) {
    status |= SpanHdf5WriteNumbers(w->file, "origin_mm", H5T_NATIVE_DOUBLE, 3, g->origin);
    status |= SpanHdf5WriteNumbers(w->file, "direction", H5T_NATIVE_DOUBLE, 9, g->direction);
  }
  PetscCheck(w->kspace >= 0 && w->reference >= 0 && status >= 0, comm, PETSC_ERR_FILE_WRITE,
             "%s: cannot be written (disk full?)", path);
  *out = w;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanWriteShared(SpanScanWriter w, const float complex *maps, const float *mask)
{
  hsize_t start[4] = {0}, m[4] = {1, (hsize_t)w->n_coils, (hsize_t)w->grid.ny, (hsize_t)w->grid.nx};
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  PetscBool mine = (PetscBool)(rank == 0);
  hid_t dataset  = SpanHdf5CreateArray(w->file, "maps", w->complex_type, 4, m);
  herr_t status  = SpanHdf5WriteSlab(dataset, w->complex_type, 4, start, m, mine, maps);
  H5Dclose(dataset);
  if (mask) {
    dataset = SpanHdf5CreateArray(w->file, "mask", H5T_IEEE_F32LE, 2, m + 2);
    status |= SpanHdf5WriteSlab(dataset, H5T_NATIVE_FLOAT, 2, start, m + 2, mine, mask);
    H5Dclose(dataset);
  }
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanWriteTrajectory(SpanScanWriter w, const float *trajectory, const float *density)
{
  hsize_t start[3] = {0}, t[3] = {(hsize_t)w->n_rows, (hsize_t)w->n_samples, 2};
  double matrix[2] = {(double)w->grid.ny, (double)w->grid.nx};
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  PetscBool mine = (PetscBool)(rank == 0);
  hid_t place    = SpanHdf5CreateArray(w->file, "trajectory", H5T_IEEE_F32LE, 3, t),
        weights  = SpanHdf5CreateArray(w->file, "density", H5T_IEEE_F32LE, 2, t);
  herr_t status  = SpanHdf5WriteSlab(place, H5T_NATIVE_FLOAT, 3, start, t, mine, trajectory);
  status |= SpanHdf5WriteSlab(weights, H5T_NATIVE_FLOAT, 2, start, t, mine, density);
  status |= SpanHdf5WriteNumbers(w->file, "matrix", H5T_NATIVE_DOUBLE, 2, matrix);
  H5Dclose(place);
  H5Dclose(weights);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanWriteSlice(SpanScanWriter w, PetscInt slice, const float complex *kspace, const float *reference)
{
  PetscBool mine   = (PetscBool)(slice >= 0);
  hsize_t start[4] = {mine ? (hsize_t)slice : 0},
          count[4] = {1, (hsize_t)w->n_coils, (hsize_t)w->n_rows, (hsize_t)w->n_samples},
          image[3] = {1, (hsize_t)w->grid.ny, (hsize_t)w->grid.nx};
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  herr_t status = SpanHdf5WriteSlab(w->kspace, w->complex_type, 4, start, count, mine, kspace);
  status |= SpanHdf5WriteSlab(w->reference, H5T_NATIVE_FLOAT, 3, start, image, mine, reference);
  PetscCall(SpanErrorAgree(w->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanScanWriterCommit(SpanScanWriter *writer, const char source[], PetscInt seed)
{
  SpanScanWriter w = *writer;
  double number    = (double)seed;
  PetscFunctionBeginUser;
  herr_t status = SpanHdf5WriteText(w->file, "acquisition", "SIMULATED");
  status |= SpanHdf5WriteText(w->file, "source", source);
  status |= SpanHdf5WriteNumbers(w->file, "seed", H5T_NATIVE_DOUBLE, 1, &number);
  PetscCheck(status >= 0, w->comm, PETSC_ERR_FILE_WRITE, "%s: its attributes cannot be written", w->path);
  H5Dclose(w->kspace);
  H5Dclose(w->reference);
  H5Tclose(w->complex_type);
  PetscCall(SpanHdf5Commit(w->comm, w->file, w->part, w->path));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}
