/* Parallel HDF5 out. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_write.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* "striping_factor=8,cb_nodes=4" */
static PetscErrorCode Hints(char text[], MPI_Info info)
{
  char *state = NULL;
  PetscFunctionBeginUser;
  for (char *hint = strtok_r(text, ",", &state); hint; hint = strtok_r(NULL, ",", &state)) {
    char *equal = strchr(hint, '=');
    SpanCheckInput(PETSC_COMM_SELF, equal && equal > hint && equal[1],
                   "--io_hints: `%s`, must be NAME=VALUE, several with commas between", hint);
    *equal = 0;
    PetscCallMPI(MPI_Info_set(info, hint, equal + 1));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5Access(MPI_Comm comm, hid_t *access)
{
  int size;
  PetscInt alignment = 0;
  char text[1024]    = "";
  MPI_Info info      = MPI_INFO_NULL;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetInt(NULL, NULL, "-io_alignment", &alignment, NULL));
  PetscCall(PetscOptionsGetString(NULL, NULL, "-io_hints", text, sizeof text, NULL));
  SpanCheckInput(comm, alignment >= 0, "--io_alignment %" PetscInt_FMT ": bytes, must not be below 0", alignment);
  PetscCallMPI(MPI_Comm_size(comm, &size));
  if (text[0]) PetscCallMPI(MPI_Info_create(&info));
  if (text[0]) PetscCall(Hints(text, info));
  *access = H5Pcreate(H5P_FILE_ACCESS);
  if (alignment > 0) H5Pset_alignment(*access, (hsize_t)alignment, (hsize_t)alignment);
  if (size > 1) H5Pset_fapl_mpio(*access, comm, info); /* which takes 3 ms to start */
  if (info != MPI_INFO_NULL) PetscCallMPI(MPI_Info_free(&info));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5Create(MPI_Comm comm, const char name[], const char path[], hid_t *file)
{
  hid_t access;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Access(comm, &access));
  H5E_BEGIN_TRY { *file = H5Fcreate(name, H5F_ACC_TRUNC, H5P_DEFAULT, access); }
  H5E_END_TRY;
  H5Pclose(access);
  PetscCall(SpanErrorAgree(
      comm, *file < 0 ? SpanInputError("%s: cannot be written (no such directory, or no permission)", path) : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanHdf5Commit(MPI_Comm comm, hid_t file, const char part[], const char path[])
{
  int rank, bad, failed;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  bad = H5Fflush(file, H5F_SCOPE_GLOBAL) < 0;
  bad = H5Fclose(file) < 0 || bad;
  PetscCallMPI(MPI_Allreduce(&bad, &failed, 1, MPI_INT, MPI_MAX, comm));
  if (failed) failed = ENOSPC;
  if (rank == 0 && !failed) {
    int descriptor = open(part, O_RDONLY);
    if (descriptor < 0 || fsync(descriptor) || rename(part, path)) failed = errno;
    if (descriptor >= 0) close(descriptor);
  }
  if (rank == 0 && failed) unlink(part);
  PetscCallMPI(MPI_Bcast(&failed, 1, MPI_INT, 0, comm));
  PetscCheck(!failed, comm, PETSC_ERR_FILE_WRITE, "%s: cannot be put in place: %s", path, strerror(failed));
  PetscFunctionReturn(0);
}

herr_t SpanHdf5WriteText(hid_t place, const char name[], const char text[])
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

herr_t SpanHdf5WriteNumbers(hid_t place, const char name[], hid_t type, hsize_t n, const void *values)
{
  hid_t space     = H5Screate_simple(1, &n, NULL);
  hid_t attribute = H5Acreate2(place, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  herr_t status   = attribute < 0 ? -1 : H5Awrite(attribute, type, values);
  if (attribute >= 0) H5Aclose(attribute);
  H5Sclose(space);
  return status;
}

hid_t SpanHdf5CreateArray(hid_t place, const char name[], hid_t type, int n_dims, const hsize_t dims[])
{
  hid_t space   = H5Screate_simple(n_dims, dims, NULL);
  hid_t dataset = H5Dcreate2(place, name, type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Sclose(space);
  return dataset;
}

static PetscBool IsParallel(hid_t dataset)
{
  hid_t file = H5Iget_file_id(dataset), access = H5Fget_access_plist(file);
  PetscBool yes = (PetscBool)(H5Pget_driver(access) == H5FD_MPIO);
  H5Pclose(access);
  H5Fclose(file);
  return yes;
}

herr_t SpanHdf5WriteSlab(hid_t dataset, hid_t type, int n_dims, const hsize_t start[], const hsize_t count[],
                         PetscBool mine, const void *data)
{
  if (dataset < 0) return -1;
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(n_dims, count, NULL),
        transfer = H5Pcreate(H5P_DATASET_XFER);
  if (mine) {
    H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  } else {
    H5Sselect_none(space);
    H5Sselect_none(memory);
  }
  if (IsParallel(dataset)) H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE);
  herr_t status = H5Dwrite(dataset, type, memory, space, transfer, data);
  H5Pclose(transfer);
  H5Sclose(memory);
  H5Sclose(space);
  return status;
}
