/* Writes sets of fields, sample by sample from any rank; what is finished survives a killed run. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/layout.h>
#include <subspan/io/fields.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/hdf5_write.h>
#include <libdeflate.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct SpanFieldsWriter_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  SpanFieldsInfo info;
  hid_t file, input, output, checksum;
  unsigned char *finished; /* (n_samples), when the writer was created */
  int any;                 /* there was one, or this rank wrote one */
};

static int Shape(const SpanFieldsInfo *i, PetscInt channels, PetscInt times, hsize_t dims[])
{
  int n     = 0;
  dims[n++] = (hsize_t)i->n_samples;
  dims[n++] = (hsize_t)channels;
  if (times) dims[n++] = (hsize_t)times;
  for (int k = 0; k < i->n_dims; k++) dims[n++] = (hsize_t)i->n[k];
  return n;
}

static int InputShape(const SpanFieldsInfo *i, hsize_t dims[]) { return Shape(i, i->in_channels, i->in_times, dims); }
static int OutputShape(const SpanFieldsInfo *i, hsize_t dims[])
{
  return Shape(i, i->out_channels, i->out_times, dims);
}

/* Never 0, which stands for a sample that is not finished. */
static uint32_t Checksum(const SpanFieldsInfo *i, const float *input, const float *output)
{
  uint32_t crc = libdeflate_crc32(0, input, (size_t)SpanFieldsInputSize(i) * sizeof *input);
  crc          = libdeflate_crc32(crc, output, (size_t)SpanFieldsOutputSize(i) * sizeof *output);
  return crc ? crc : 1;
}

/* An array whose space is in the file from the start. */
static herr_t Allocate(hid_t file, const char name[], hid_t type, int n, const hsize_t dims[], const char description[])
{
  hid_t space = H5Screate_simple(n, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
  H5Pset_fill_time(list, H5D_FILL_TIME_NEVER);
  hid_t array   = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
  herr_t status = array < 0 ? -1 : SpanHdf5WriteText(array, "description", description);
  if (array >= 0) H5Dclose(array);
  H5Pclose(list);
  H5Sclose(space);
  return status;
}

static herr_t Attributes(hid_t file, const SpanFieldsInfo *i, const char fingerprint[], const char command[])
{
  herr_t status = SpanHdf5WriteText(file, "subspan_fields", "1");
  status |= SpanHdf5WriteText(file, "equation", i->equation);
  status |= SpanHdf5WriteText(file, "boundary", i->boundary);
  status |= SpanHdf5WriteText(file, "points", i->points == SPAN_FIELDS_CLOSED ? "closed" : "left_closed");
  status |= SpanHdf5WriteNumbers(file, "length", H5T_NATIVE_DOUBLE, (hsize_t)i->n_dims, i->length);
  status |= SpanHdf5WriteNumbers(file, "seed", H5T_NATIVE_INT64, 1, &i->seed);
  if (i->in_times) status |= SpanHdf5WriteNumbers(file, "input_times", H5T_NATIVE_DOUBLE, 2, i->in_time);
  if (i->out_times) status |= SpanHdf5WriteNumbers(file, "output_times", H5T_NATIVE_DOUBLE, 2, i->out_time);
  status |= SpanHdf5WriteText(file, "fingerprint", fingerprint);
  hid_t group = H5Gcreate2(file, "parameters", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  for (int k = 0; k < i->n_parameters; k++) {
    char units[64];
    snprintf(units, sizeof units, "%s_units", i->parameters[k].name);
    status |= SpanHdf5WriteNumbers(group, i->parameters[k].name, H5T_NATIVE_DOUBLE, 1, &i->parameters[k].value);
    status |= SpanHdf5WriteText(group, units, i->parameters[k].units);
  }
  H5Gclose(group);
  group = H5Gcreate2(file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  status |= SpanHdf5WriteText(group, "command", command);
  status |= SpanHdf5WriteText(group, "version", SUBSPAN_VERSION);
  H5Gclose(group);
  return status;
}

/* A whole file without samples, which nothing but numbers is written to later. */
static PetscErrorCode LayOut(SpanFieldsWriter w, const char fingerprint[], const char command[])
{
  hsize_t dims[span_hdf5_max_dims], samples = (hsize_t)w->info.n_samples;
  hid_t file;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Create(w->comm, w->part, w->path, &file));
  herr_t status = Attributes(file, &w->info, fingerprint, command);
  int n         = InputShape(&w->info, dims);
  status |= Allocate(file, "input", H5T_IEEE_F32LE, n, dims, w->info.input);
  n = OutputShape(&w->info, dims);
  status |= Allocate(file, "output", H5T_IEEE_F32LE, n, dims, w->info.output);
  status |= Allocate(file, "checksum", H5T_STD_U32LE, 1, &samples, "CRC-32 of the sample's input and output");
  status |= H5Fclose(file);
  PetscCheck(status >= 0, w->comm, PETSC_ERR_FILE_WRITE, "%s: cannot be laid out (disk full?)", w->path);
  PetscFunctionReturn(0);
}

static herr_t Transfer(hid_t array, hid_t type, hsize_t sample, int n, const hsize_t dims[], PetscBool write,
                       void *data)
{
  hsize_t start[span_hdf5_max_dims] = {sample}, count[span_hdf5_max_dims] = {1};
  for (int k = 1; k < n; k++) {
    start[k] = 0;
    count[k] = dims[k];
  }
  hid_t space = H5Dget_space(array), memory = H5Screate_simple(n, count, NULL);
  H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL);
  herr_t status = write ? H5Dwrite(array, type, memory, space, H5P_DEFAULT, data)
                        : H5Dread(array, type, memory, space, H5P_DEFAULT, data);
  H5Sclose(memory);
  H5Sclose(space);
  return status;
}

static herr_t TransferSample(SpanFieldsWriter w, PetscInt sample, PetscBool write, float *input, float *output,
                             uint32_t *checksum)
{
  hsize_t dims[span_hdf5_max_dims], one = 1;
  int n         = InputShape(&w->info, dims);
  herr_t status = Transfer(w->input, H5T_NATIVE_FLOAT, (hsize_t)sample, n, dims, write, input);
  n             = OutputShape(&w->info, dims);
  status |= Transfer(w->output, H5T_NATIVE_FLOAT, (hsize_t)sample, n, dims, write, output);
  return status | Transfer(w->checksum, H5T_NATIVE_UINT32, (hsize_t)sample, 1, &one, write, checksum);
}

/* Finds the samples whose checksums hold; the ranks share them. */
static PetscErrorCode FindFinished(SpanFieldsWriter w)
{
  int rank, size;
  PetscInt first, count;
  float *input, *output;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  PetscCallMPI(MPI_Comm_size(w->comm, &size));
  SpanShare(w->info.n_samples, size, rank, &first, &count);
  PetscCall(PetscMalloc2(SpanFieldsInputSize(&w->info), &input, SpanFieldsOutputSize(&w->info), &output));
  H5E_BEGIN_TRY
  {
    for (PetscInt s = first; s < first + count; s++) {
      uint32_t checksum, none = 0;
      hsize_t one = 1;
      if (Transfer(w->checksum, H5T_NATIVE_UINT32, (hsize_t)s, 1, &one, PETSC_FALSE, &checksum) < 0) continue;
      if (!checksum || TransferSample(w, s, PETSC_FALSE, input, output, &checksum) < 0) continue;
      w->finished[s] = checksum == Checksum(&w->info, input, output);
      if (!w->finished[s]) Transfer(w->checksum, H5T_NATIVE_UINT32, (hsize_t)s, 1, &one, PETSC_TRUE, &none);
    }
  }
  H5E_END_TRY;
  PetscCall(PetscFree2(input, output));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, w->finished, (int)w->info.n_samples, MPI_UNSIGNED_CHAR, MPI_MAX, w->comm));
  w->any = memchr(w->finished, 1, (size_t)w->info.n_samples) != NULL;
  PetscFunctionReturn(0);
}

/* Whether PATH.part is what this run would have laid out; read by one rank. */
static PetscErrorCode CheckPart(SpanFieldsWriter w, const char fingerprint[])
{
  char found[4096];
  hid_t file;
  hsize_t want[3][span_hdf5_max_dims], dims[span_hdf5_max_dims];
  const char *const names[3] = {"input", "output", "checksum"};
  int n_want[3]              = {InputShape(&w->info, want[0]), OutputShape(&w->info, want[1]), 1}, n;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  want[2][0] = (hsize_t)w->info.n_samples;
  PetscCall(SpanHdf5Open(w->part, &file));
  PetscBool has       = SpanHdf5Text(file, "fingerprint", found, sizeof found);
  PetscErrorCode ierr = 0;
  if (!has) ierr = SpanInputError("%s: not an unfinished set of fields; remove it to start anew", w->part);
  if (!ierr && strcmp(found, fingerprint))
    ierr = SpanInputError("%s: of another run: it was made with (%s), this run has (%s)", w->part, found, fingerprint);
  for (int k = 0; k < 3 && !ierr; k++) {
    ierr = SpanHdf5Shape(file, w->part, names[k], &n, dims, &is_complex);
    if (!ierr && (n != n_want[k] || memcmp(dims, want[k], (size_t)n * sizeof *dims)))
      ierr = SpanInputError("%s: `%s` has not the shape of this run; remove it to start anew", w->part, names[k]);
  }
  H5Fclose(file);
  PetscFunctionReturn(ierr);
}

static PetscErrorCode Open(SpanFieldsWriter w)
{
  hid_t access;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Access(w->comm, &access));
  H5Pset_sieve_buf_size(access, 0); /* what is finished goes to the system at once, not when the file is closed */
  w->file = H5Fopen(w->part, H5F_ACC_RDWR, access);
  H5Pclose(access);
  w->input    = H5Dopen2(w->file, "input", H5P_DEFAULT);
  w->output   = H5Dopen2(w->file, "output", H5P_DEFAULT);
  w->checksum = H5Dopen2(w->file, "checksum", H5P_DEFAULT);
  PetscCheck(w->file >= 0 && w->input >= 0 && w->output >= 0 && w->checksum >= 0, w->comm, PETSC_ERR_FILE_OPEN,
             "%s: cannot be opened again", w->part);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFieldsWriterCreate(MPI_Comm comm, const char path[], const SpanFieldsInfo *info,
                                      const char fingerprint[], const char command[], PetscBool resume,
                                      SpanFieldsWriter *writer)
{
  SpanFieldsWriter w;
  int rank, there = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&w));
  w->comm = comm;
  w->info = *info;
  PetscCall(PetscStrncpy(w->path, path, sizeof w->path));
  snprintf(w->part, sizeof w->part, "%s.part", path);
  PetscCall(PetscCalloc1(info->n_samples, &w->finished));
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) there = resume && !access(w->part, F_OK);
  PetscCallMPI(MPI_Bcast(&there, 1, MPI_INT, 0, comm));
  if (there)
    PetscCall(SpanErrorAgree(comm, rank == 0 ? CheckPart(w, fingerprint) : 0));
  else
    PetscCall(LayOut(w, fingerprint, command));
  PetscCall(Open(w));
  if (there) PetscCall(FindFinished(w));
  *writer = w;
  PetscFunctionReturn(0);
}

PetscBool SpanFieldsWriterHas(SpanFieldsWriter w, PetscInt sample) { return (PetscBool)(w->finished[sample] != 0); }

PetscErrorCode SpanFieldsWrite(SpanFieldsWriter w, PetscInt sample, const float *input, const float *output)
{
  uint32_t checksum = Checksum(&w->info, input, output);
  PetscFunctionBeginUser;
  w->any = 1;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  herr_t status = TransferSample(w, sample, PETSC_TRUE, (float *)input, (float *)output, &checksum);
  PetscCheck(status >= 0, PETSC_COMM_SELF, PETSC_ERR_FILE_WRITE, "%s: sample %" PetscInt_FMT " cannot be written",
             w->part, sample);
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

static void CloseArrays(SpanFieldsWriter w)
{
  H5Dclose(w->input);
  H5Dclose(w->output);
  H5Dclose(w->checksum);
}

PetscErrorCode SpanFieldsWriterCommit(SpanFieldsWriter *writer)
{
  SpanFieldsWriter w = *writer;
  PetscFunctionBeginUser;
  CloseArrays(w);
  PetscCall(SpanHdf5Commit(w->comm, w->file, w->part, w->path));
  PetscCall(PetscFree(w->finished));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFieldsWriterClose(SpanFieldsWriter *writer)
{
  SpanFieldsWriter w = *writer;
  int rank, any = 0;
  PetscFunctionBeginUser;
  CloseArrays(w);
  PetscCheck(H5Fclose(w->file) >= 0, w->comm, PETSC_ERR_FILE_WRITE, "%s: cannot be closed (disk full?)", w->part);
  PetscCallMPI(MPI_Comm_rank(w->comm, &rank));
  PetscCallMPI(MPI_Reduce(&w->any, &any, 1, MPI_INT, MPI_MAX, 0, w->comm));
  if (rank == 0 && !any) unlink(w->part);
  PetscCall(PetscFree(w->finished));
  PetscCall(PetscFree(*writer));
  PetscFunctionReturn(0);
}
