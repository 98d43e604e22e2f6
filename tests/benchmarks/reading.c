/* Collective against independent reads of k-space, each rank its own slices: what io/ uses is what is faster here.

     mpirun -n 2 build/release/tests/benchmark-reading [-file FILE] [-slices 64]

   Makes FILE (default /tmp/benchmark-reading.h5) with (slices, 8, 256, 256) complex64, contiguous and then in chunks of
   a slice, and reads it back in both ways, warm from the page cache; the minimum of 5. */
#include <hdf5.h>
#include <slepcsys.h>
#include <subspan/base/initialize.h>
#include <unistd.h>

enum { coils = 8, side = 256, repeats = 5 };

static PetscErrorCode Read(hid_t set, PetscInt slices, PetscBool collective, float *out, double *seconds)
{
  int rank, size;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCallMPI(MPI_Comm_size(PETSC_COMM_WORLD, &size));
  hid_t list = H5Pcreate(H5P_DATASET_XFER), file = H5Dget_space(set);
  H5Pset_dxpl_mpio(list, collective ? H5FD_MPIO_COLLECTIVE : H5FD_MPIO_INDEPENDENT);
  *seconds = 1e9;
  for (int r = 0; r < repeats; r++) {
    PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
    double start = MPI_Wtime(), mine, most;
    for (PetscInt s = 0; s < slices / size; s++) {
      hsize_t from[4] = {(hsize_t)(rank * (slices / size) + s), 0, 0, 0}, count[4] = {1, coils, side, 2 * side};
      hid_t memory = H5Screate_simple(4, count, NULL);
      H5Sselect_hyperslab(file, H5S_SELECT_SET, from, NULL, count, NULL);
      PetscCheck(H5Dread(set, H5T_NATIVE_FLOAT, memory, file, list, out) >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_READ,
                 "read failed");
      H5Sclose(memory);
    }
    mine = MPI_Wtime() - start;
    PetscCallMPI(MPI_Allreduce(&mine, &most, 1, MPI_DOUBLE, MPI_MAX, PETSC_COMM_WORLD));
    *seconds = PetscMin(*seconds, most);
  }
  H5Sclose(file);
  H5Pclose(list);
  PetscFunctionReturn(0);
}

static PetscErrorCode Layout(const char path[], PetscInt slices, PetscBool chunked)
{
  hsize_t dims[4] = {(hsize_t)slices, coils, side, 2 * side}, chunk[4] = {1, coils, side, 2 * side};
  int rank;
  float *data;
  double seconds[2];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(PetscCalloc1((size_t)coils * side * side * 2, &data));
  if (rank == 0) {
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), space = H5Screate_simple(4, dims, NULL);
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (chunked) H5Pset_chunk(list, 4, chunk);
    hid_t set = H5Dcreate2(file, "kspace", H5T_NATIVE_FLOAT, space, H5P_DEFAULT, list, H5P_DEFAULT);
    for (PetscInt s = 0; s < slices; s++) {
      hsize_t from[4] = {(hsize_t)s, 0, 0, 0};
      hid_t memory    = H5Screate_simple(4, chunk, NULL);
      H5Sselect_hyperslab(space, H5S_SELECT_SET, from, NULL, chunk, NULL);
      PetscCheck(H5Dwrite(set, H5T_NATIVE_FLOAT, memory, space, H5P_DEFAULT, data) >= 0, PETSC_COMM_SELF,
                 PETSC_ERR_FILE_WRITE, "%s: write failed", path);
      H5Sclose(memory);
    }
    H5Dclose(set);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
  }
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  hid_t access = H5Pcreate(H5P_FILE_ACCESS);
  H5Pset_fapl_mpio(access, PETSC_COMM_WORLD, MPI_INFO_NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, access), set = H5Dopen2(file, "kspace", H5P_DEFAULT);
  PetscCall(Read(set, slices, PETSC_FALSE, data, &seconds[0]));
  PetscCall(Read(set, slices, PETSC_TRUE, data, &seconds[1]));
  H5Dclose(set);
  H5Fclose(file);
  H5Pclose(access);
  double bytes = (double)slices * coils * side * side * 8;
  PetscCall(PetscPrintf(PETSC_COMM_WORLD,
                        "%-10s independent %.3f s (%.2f GB/s), collective %.3f s (%.2f GB/s), ratio %.2f\n",
                        chunked ? "chunked" : "contiguous", seconds[0], bytes / seconds[0] / 1e9, seconds[1],
                        bytes / seconds[1] / 1e9, seconds[1] / seconds[0]));
  PetscCall(PetscFree(data));
  PetscCallMPI(MPI_Barrier(PETSC_COMM_WORLD));
  if (rank == 0) unlink(path);
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  char path[PETSC_MAX_PATH_LEN] = "/tmp/benchmark-reading.h5";
  PetscInt slices               = 64;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  PetscCall(PetscOptionsGetString(NULL, NULL, "-file", path, sizeof path, NULL));
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-slices", &slices, NULL));
  PetscCall(Layout(path, slices, PETSC_FALSE));
  PetscCall(Layout(path, slices, PETSC_TRUE));
  PetscCall(SlepcFinalize());
  return 0;
}
