/* Checkpoints in parallel HDF5: written beside the last one, flushed and checked at the same time, renamed. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/checkpoint.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/hdf5_write.h>
#include <errno.h>
#include <fcntl.h>
#include <hdf5.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct SpanCheckpoint_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN];
  hid_t file;
};

static hid_t DiskType(SpanCheckpointType type)
{
  hid_t types[] = {H5T_STD_U8LE, H5T_STD_I64LE, H5T_IEEE_F32LE, H5T_IEEE_F64LE};
  return types[type];
}

static hid_t MemoryType(SpanCheckpointType type)
{
  hid_t types[] = {H5T_NATIVE_UINT8, H5T_NATIVE_INT64, H5T_NATIVE_FLOAT, H5T_NATIVE_DOUBLE};
  return types[type];
}

static size_t TypeBytes(SpanCheckpointType type) { return (const size_t[]){1, 8, 4, 8}[type]; }

static void Suffixed(const SpanCheckpoint c, const char suffix[], char out[PETSC_MAX_PATH_LEN + 16])
{
  snprintf(out, PETSC_MAX_PATH_LEN + 16, "%s%s", c->path, suffix);
}

PetscErrorCode SpanCheckpointCreate(MPI_Comm comm, const char path[], const char kind[], const char fingerprint[],
                                    SpanCheckpoint *out)
{
  SpanCheckpoint c;
  char writing[PETSC_MAX_PATH_LEN + 16];
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventCheckpoint, 0, 0, 0, 0));
  PetscCall(PetscNew(&c));
  c->comm = comm;
  PetscCall(PetscStrncpy(c->path, path, sizeof c->path));
  Suffixed(c, ".writing", writing);
  PetscCall(SpanHdf5Create(comm, writing, path, &c->file));
  herr_t status = SpanHdf5WriteText(c->file, "subspan_checkpoint", kind);
  status |= SpanHdf5WriteText(c->file, "fingerprint", fingerprint);
  PetscCheck(status >= 0, comm, PETSC_ERR_FILE_WRITE, "%s: the checkpoint's attributes cannot be written", path);
  hid_t group = H5Gcreate2(c->file, "checksums", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  H5Gclose(group);
  *out = c;
  PetscCall(PetscLogEventEnd(SpanEventCheckpoint, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

static herr_t ReadRows(hid_t dataset, hid_t type, PetscInt length, PetscInt first, PetscInt count, void *data)
{
  hsize_t start[2] = {(hsize_t)first, 0}, size[2] = {(hsize_t)count, (hsize_t)length};
  hid_t space = H5Dget_space(dataset), memory = H5Screate_simple(2, size, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, size, NULL);
  herr_t status = H5Dread(dataset, type, memory, space, H5P_DEFAULT, data);
  H5Sclose(memory);
  H5Sclose(space);
  return status;
}

static PetscErrorCode WriteArray(SpanCheckpoint c, const char name[], hid_t disk, hid_t memory, PetscInt rows,
                                 PetscInt length, PetscInt first, PetscInt count, const void *data)
{
  hsize_t dims[2] = {(hsize_t)rows, (hsize_t)length}, start[2] = {(hsize_t)first, 0},
          size[2] = {(hsize_t)count, dims[1]};
  PetscFunctionBeginUser;
  hid_t dataset = SpanHdf5CreateArray(c->file, name, disk, 2, dims);
  herr_t status = SpanHdf5WriteSlab(dataset, memory, 2, start, size, (PetscBool)(count > 0), data);
  if (dataset >= 0) H5Dclose(dataset);
  PetscCheck(status >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE,
             "%s: the checkpoint's array %s could not be written (disk full?)", c->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCheckpointWrite(SpanCheckpoint c, const char name[], SpanCheckpointType type, PetscInt rows,
                                   PetscInt length, PetscInt first, PetscInt count, const void *data)
{
  uint32_t *sums;
  char sum_name[128];
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventCheckpoint, 0, 0, 0, 0));
  if (rows && length) {
    size_t bytes = (size_t)length * TypeBytes(type);
    PetscCall(PetscMalloc1(count + 1, &sums));
    for (PetscInt i = 0; i < count; i++) sums[i] = libdeflate_crc32(0, (const char *)data + (size_t)i * bytes, bytes);
    PetscCall(WriteArray(c, name, DiskType(type), MemoryType(type), rows, length, first, count, data));
    PetscCall(PetscSNPrintf(sum_name, sizeof sum_name, "checksums/%s", name));
    PetscCall(WriteArray(c, sum_name, H5T_STD_U32LE, H5T_NATIVE_UINT32, rows, 1, first, count, sums));
    PetscCall(PetscFree(sums));
  }
  PetscCall(PetscLogEventEnd(SpanEventCheckpoint, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

/* Whether every row of every array of an open file has its checksum; each rank checks its share of the rows. */
static herr_t CheckOne(hid_t group, const char *name, const H5L_info_t *info, void *context)
{
  struct {
    hid_t file;
    int rank, size;
  } *c = context;
  if (!strcmp(name, "checksums")) return 0;
  char sum_name[256];
  snprintf(sum_name, sizeof sum_name, "checksums/%s", name);
  hid_t data = H5Dopen2(c->file, name, H5P_DEFAULT), sums = H5Dopen2(c->file, sum_name, H5P_DEFAULT);
  int bad = data < 0 || sums < 0;
  if (!bad) {
    hsize_t dims[2] = {0, 0};
    hid_t space = H5Dget_space(data), type = H5Dget_type(data), native = H5Tget_native_type(type, H5T_DIR_ASCEND);
    bad          = H5Sget_simple_extent_ndims(space) != 2 || H5Sget_simple_extent_dims(space, dims, NULL) < 0;
    size_t bytes = (size_t)dims[1] * H5Tget_size(native);
    void *row    = bad ? NULL : malloc(bytes + 1);
    bad          = !row;
    for (hsize_t i = (hsize_t)c->rank; i < dims[0] && !bad; i += (hsize_t)c->size) {
      uint32_t sum;
      bad = ReadRows(data, native, (PetscInt)dims[1], (PetscInt)i, 1, row) < 0 ||
            ReadRows(sums, H5T_NATIVE_UINT32, 1, (PetscInt)i, 1, &sum) < 0;
      /* A row that nobody wrote is zero, and so is its checksum. */
      if (!bad && sum != libdeflate_crc32(0, row, bytes)) {
        for (size_t b = 0; b < bytes; b++) bad |= ((char *)row)[b] != 0;
        bad |= sum != 0;
      }
    }
    free(row);
    H5Tclose(native);
    H5Tclose(type);
    H5Sclose(space);
  }
  if (data >= 0) H5Dclose(data);
  if (sums >= 0) H5Dclose(sums);
  return bad ? -1 : 0;
}

/* Collective on comm: a file that every rank can open and whose checksums hold; the handle, or -1. */
static hid_t OpenWhole(MPI_Comm comm, const char path[])
{
  struct {
    hid_t file;
    int rank, size;
  } context;
  int good = access(path, R_OK) == 0, all;
  MPI_Comm_rank(comm, &context.rank);
  MPI_Comm_size(comm, &context.size);
  context.file = -1;
  H5E_BEGIN_TRY
  {
    if (good) context.file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
    good = context.file >= 0 && H5Literate(context.file, H5_INDEX_NAME, H5_ITER_INC, NULL, CheckOne, &context) >= 0;
  }
  H5E_END_TRY;
  MPI_Allreduce(&good, &all, 1, MPI_INT, MPI_MIN, comm);
  if (!all && context.file >= 0) H5Fclose(context.file);
  return all ? context.file : -1;
}

/* A thread that flushes the file to disk; its errno. Each rank does: on some file systems a node's pages are its own.
 */
static void *Flush(void *path)
{
  const int file      = open(path, O_RDONLY);
  const intptr_t fail = file < 0 || fsync(file) ? errno : 0;
  if (file >= 0) close(file);
  return (void *)fail;
}

PetscErrorCode SpanCheckpointCommit(SpanCheckpoint *checkpoint)
{
  SpanCheckpoint c = *checkpoint;
  char writing[PETSC_MAX_PATH_LEN + 16], previous[PETSC_MAX_PATH_LEN + 16];
  pthread_t flusher;
  void *flushed;
  int rank, error;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventCheckpoint, 0, 0, 0, 0));
  Suffixed(c, ".writing", writing);
  Suffixed(c, ".previous", previous);
  PetscCallMPI(MPI_Comm_rank(c->comm, &rank));
  PetscCheck(H5Fclose(c->file) >= 0, c->comm, PETSC_ERR_FILE_WRITE,
             "%s: the checkpoint could not be closed (disk full?)", c->path);
  const int started = pthread_create(&flusher, NULL, Flush, writing);
  hid_t check       = OpenWhole(c->comm, writing);
  if (started)
    flushed = Flush(writing);
  else
    pthread_join(flusher, &flushed);
  PetscCheck(check >= 0, c->comm, PETSC_ERR_FILE_WRITE, "%s: the checkpoint does not read back as it was written",
             c->path);
  H5Fclose(check);
  const int failed = (int)(intptr_t)flushed;
  PetscCallMPI(MPI_Allreduce(&failed, &error, 1, MPI_INT, MPI_MAX, c->comm));
  PetscCheck(!error, c->comm, PETSC_ERR_FILE_WRITE, "%s: the checkpoint cannot be flushed to disk: %s", c->path,
             strerror(error));
  if (rank == 0) {
    if (access(c->path, F_OK) == 0) {
      unlink(previous);
      if (link(c->path, previous)) ierr = PETSC_ERR_FILE_WRITE; /* PATH stays whole all the while */
    }
    if (!ierr && rename(writing, c->path)) ierr = PETSC_ERR_FILE_WRITE;
  }
  PetscCallMPI(MPI_Bcast(&ierr, 1, MPI_INT, 0, c->comm));
  PetscCheck(!ierr, c->comm, PETSC_ERR_FILE_WRITE, "%s: the checkpoint could not be renamed: %s", c->path,
             strerror(errno));
  PetscCall(PetscFree(*checkpoint));
  PetscCall(PetscLogEventEnd(SpanEventCheckpoint, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCheckpointOpen(MPI_Comm comm, const char path[], const char kind[], const char fingerprint[],
                                  SpanCheckpoint *out)
{
  SpanCheckpoint c;
  char found[4096], previous[PETSC_MAX_PATH_LEN + 16];
  PetscFunctionBeginUser;
  *out = NULL;
  PetscCall(PetscNew(&c));
  c->comm = comm;
  PetscCall(PetscStrncpy(c->path, path, sizeof c->path));
  Suffixed(c, ".previous", previous);
  c->file = OpenWhole(comm, path);
  if (c->file < 0) c->file = OpenWhole(comm, previous);
  if (c->file < 0) {
    PetscCall(PetscFree(c));
    PetscFunctionReturn(0);
  }
  SpanCheckInput(comm, SpanHdf5Text(c->file, "subspan_checkpoint", found, sizeof found), "%s: not a checkpoint", path);
  SpanCheckInput(comm, !strcmp(found, kind), "%s: a checkpoint of `%s`, not of `%s`", path, found, kind);
  SpanCheckInput(comm, SpanHdf5Text(c->file, "fingerprint", found, sizeof found),
                 "%s: the checkpoint has no fingerprint", path);
  SpanCheckInput(comm, !strcmp(found, fingerprint),
                 "%s: the checkpoint is of another run: it was made with `%s`, this run has `%s`", path, found,
                 fingerprint);
  *out = c;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCheckpointSize(SpanCheckpoint c, const char name[], PetscInt *rows, PetscInt *length)
{
  hsize_t dims[2] = {0, 0};
  PetscFunctionBeginUser;
  if (H5Lexists(c->file, name, H5P_DEFAULT) > 0) {
    hid_t dataset = H5Dopen2(c->file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
    H5Sget_simple_extent_dims(space, dims, NULL);
    H5Sclose(space);
    H5Dclose(dataset);
  }
  *rows   = (PetscInt)dims[0];
  *length = (PetscInt)dims[1];
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCheckpointRead(SpanCheckpoint c, const char name[], SpanCheckpointType type, PetscInt first,
                                  PetscInt count, void *data)
{
  PetscInt rows, length;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointSize(c, name, &rows, &length));
  SpanCheckInput(PETSC_COMM_SELF, first + count <= rows,
                 "%s: the checkpoint's array %s has %" PetscInt_FMT " rows, %" PetscInt_FMT " are needed", c->path,
                 name, rows, first + count);
  hid_t dataset = H5Dopen2(c->file, name, H5P_DEFAULT);
  herr_t status = ReadRows(dataset, MemoryType(type), length, first, count, data);
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, status >= 0, "%s: the checkpoint's array %s cannot be read", c->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCheckpointClose(SpanCheckpoint *c)
{
  PetscFunctionBeginUser;
  if (!*c) PetscFunctionReturn(0);
  H5Fclose((*c)->file);
  PetscCall(PetscFree(*c));
  PetscFunctionReturn(0);
}
