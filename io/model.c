/* Model files in HDF5. */
#include <subspan/base/error.h>
#include <subspan/io/hdf5_read.h>
#include <subspan/io/hdf5_write.h>
#include <subspan/io/model.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

struct SpanModel_ {
  MPI_Comm comm;
  char path[PETSC_MAX_PATH_LEN], part[PETSC_MAX_PATH_LEN + 8];
  int rank;
  char kind[64];
  hid_t file, configuration, parameters, history, provenance; /* of reading not the last; history may be missing */
};

#define CheckWritten(model, condition, ...) PetscCheck(condition, (model)->comm, PETSC_ERR_FILE_WRITE, __VA_ARGS__)

PetscErrorCode SpanModelCreate(MPI_Comm comm, const char path[], const char kind[], SpanModel *model)
{
  SpanModel m;
  double format = 1;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  m->comm = comm;
  PetscCallMPI(MPI_Comm_rank(comm, &m->rank));
  PetscCall(PetscStrncpy(m->path, path, sizeof m->path));
  PetscCall(PetscSNPrintf(m->part, sizeof m->part, "%s.part", path));
  PetscCall(SpanHdf5Create(comm, m->part, path, &m->file));
  herr_t status = SpanHdf5WriteText(m->file, "subspan_model", kind);
  status |= SpanHdf5WriteNumbers(m->file, "format", H5T_NATIVE_DOUBLE, 1, &format);
  hid_t *groups[]     = {&m->configuration, &m->parameters, &m->history, &m->provenance};
  const char *names[] = {"configuration", "parameters", "history", "provenance"};
  for (int i = 0; i < 4; i++) {
    *groups[i] = H5Gcreate2(m->file, names[i], H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    if (*groups[i] < 0) status = -1;
  }
  CheckWritten(m, status >= 0, "%s: the model's groups cannot be written", path);
  *model = m;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelWriteNumbers(SpanModel m, const char name[], PetscInt n, const double values[])
{
  PetscFunctionBeginUser;
  herr_t status = SpanHdf5WriteNumbers(m->configuration, name, H5T_NATIVE_DOUBLE, (hsize_t)n, values);
  CheckWritten(m, status >= 0, "%s: `%s` of the configuration cannot be written", m->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelWriteText(SpanModel m, const char name[], const char text[])
{
  PetscFunctionBeginUser;
  herr_t status = SpanHdf5WriteText(m->configuration, name, text);
  CheckWritten(m, status >= 0, "%s: `%s` of the configuration cannot be written", m->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelWriteProvenance(SpanModel m, const char name[], const char text[])
{
  PetscFunctionBeginUser;
  herr_t status = SpanHdf5WriteText(m->provenance, name, text);
  CheckWritten(m, status >= 0, "%s: `%s` of the provenance cannot be written", m->path, name);
  PetscFunctionReturn(0);
}

/* IEEE half precision, as numpy's float16. */
static hid_t Float16(void)
{
  hid_t type = H5Tcopy(H5T_IEEE_F32LE);
  H5Tset_fields(type, 15, 10, 5, 0, 10);
  H5Tset_ebias(type, 15);
  H5Tset_precision(type, 16);
  H5Tset_size(type, 2);
  return type;
}

/* To the nearest, ties to even. Not left to HDF5, which halves a number whose rounding carries into the exponent. */
static uint16_t ToFloat16(float x)
{
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude < 0x38800000) return (uint16_t)(sign | (uint32_t)nearbyintf(fabsf(x) * 0x1p24F)); /* subnormal */
  return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
}

static PetscErrorCode WriteArray(SpanModel m, hid_t group, const char name[], hid_t disk, hid_t memory, int n_dims,
                                 const hsize_t dims[], const char columns[], const void *values)
{
  const hsize_t start[span_hdf5_max_dims] = {0};
  PetscFunctionBeginUser;
  hid_t dataset = SpanHdf5CreateArray(group, name, disk, n_dims, dims);
  herr_t status = SpanHdf5WriteSlab(dataset, memory, n_dims, start, dims, (PetscBool)(m->rank == 0), values);
  if (columns && dataset >= 0) status |= SpanHdf5WriteText(dataset, "columns", columns);
  if (dataset >= 0) H5Dclose(dataset);
  CheckWritten(m, status >= 0, "%s: `%s` could not be written (disk full?)", m->path, name);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelWriteParameter(SpanModel m, const char name[], SpanModelStorage storage, int n_dims,
                                       const PetscInt64 shape[], const float values[])
{
  hsize_t dims[span_hdf5_max_dims];
  PetscInt64 n   = 1;
  PetscBool half = (PetscBool)(storage == SPAN_MODEL_FLOAT16);
  PetscFunctionBeginUser;
  PetscCheck(n_dims >= 1 && n_dims <= span_hdf5_max_dims, m->comm, PETSC_ERR_ARG_OUTOFRANGE,
             "parameter %s has %d dimensions", name, n_dims);
  for (int i = 0; i < n_dims; i++) n *= shape[i];
  for (int i = 0; i < n_dims; i++) dims[i] = (hsize_t)shape[i];
  for (PetscInt64 i = 0; i < n && half; i++) half = (PetscBool)(fabsf(values[i]) <= 65504);
  if (half) {
    uint16_t *halves;
    PetscCall(PetscMalloc1(n, &halves));
    for (PetscInt64 i = 0; i < n; i++) halves[i] = ToFloat16(values[i]);
    hid_t type = Float16();
    PetscCall(WriteArray(m, m->parameters, name, type, type, n_dims, dims, NULL, halves));
    H5Tclose(type);
    PetscCall(PetscFree(halves));
  } else {
    PetscCall(WriteArray(m, m->parameters, name, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, n_dims, dims, NULL, values));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelWriteTable(SpanModel m, const char name[], const char columns[], PetscInt rows,
                                   PetscInt n_columns, const double values[])
{
  const hsize_t dims[2] = {(hsize_t)rows, (hsize_t)n_columns};
  PetscFunctionBeginUser;
  PetscCall(WriteArray(m, m->history, name, H5T_IEEE_F64LE, H5T_NATIVE_DOUBLE, 2, dims, columns, values));
  PetscFunctionReturn(0);
}

static void CloseGroups(SpanModel m)
{
  hid_t groups[] = {m->configuration, m->parameters, m->history, m->provenance};
  for (int i = 0; i < 4; i++)
    if (groups[i] > 0) H5Gclose(groups[i]);
}

PetscErrorCode SpanModelCommit(SpanModel *model)
{
  SpanModel m = *model;
  PetscFunctionBeginUser;
  CloseGroups(m);
  PetscCall(SpanHdf5Commit(m->comm, m->file, m->part, m->path));
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(0);
}

static PetscErrorCode OpenLocal(SpanModel m, const char path[], const char kind[])
{
  struct stat status;
  PetscFunctionBeginUser;
  PetscCall(PetscStrncpy(m->path, path, sizeof m->path));
  SpanCheckInput(PETSC_COMM_SELF, !stat(path, &status) && S_ISREG(status.st_mode), "%s: no such file", path);
  PetscCall(SpanHdf5Open(path, &m->file));
  SpanCheckInput(PETSC_COMM_SELF, SpanHdf5Text(m->file, "subspan_model", m->kind, sizeof m->kind),
                 "%s: not a model: it has no attribute `subspan_model`", path);
  SpanCheckInput(PETSC_COMM_SELF, !kind || !strcmp(m->kind, kind), "%s: a model of the kind `%s`, a `%s` is needed",
                 path, m->kind, kind);
  m->configuration = H5Gopen2(m->file, "configuration", H5P_DEFAULT);
  m->parameters    = H5Gopen2(m->file, "parameters", H5P_DEFAULT);
  SpanCheckInput(PETSC_COMM_SELF, m->configuration >= 0 && m->parameters >= 0, "%s: it has no group `%s`", path,
                 m->configuration < 0 ? "configuration" : "parameters");
  m->history = H5Lexists(m->file, "history", H5P_DEFAULT) > 0 ? H5Gopen2(m->file, "history", H5P_DEFAULT) : -1;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelOpen(MPI_Comm comm, const char path[], const char kind[], SpanModel *model)
{
  SpanModel m;
  PetscErrorCode ierr;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&m));
  m->comm = comm;
  H5E_BEGIN_TRY { ierr = OpenLocal(m, path, kind); }
  H5E_END_TRY;
  PetscCall(SpanErrorAgree(comm, ierr));
  *model = m;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelClose(SpanModel *model)
{
  PetscFunctionBeginUser;
  if (!*model) PetscFunctionReturn(0);
  CloseGroups(*model);
  H5Fclose((*model)->file);
  PetscCall(PetscFree(*model));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelReadNumbers(SpanModel m, const char name[], PetscInt most, double values[], PetscInt *n)
{
  hssize_t found = -1;
  double numbers[64];
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, H5Aexists(m->configuration, name) > 0, "%s: the configuration has no `%s`", m->path,
                 name);
  hid_t attribute = H5Aopen(m->configuration, name, H5P_DEFAULT), space = H5Aget_space(attribute),
        type       = H5Aget_type(attribute);
  H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_INTEGER || kind == H5T_FLOAT) found = H5Sget_simple_extent_npoints(space);
  PetscBool fits = (PetscBool)(found >= 1 && found <= PetscMin(most, 64));
  if (fits && H5Aread(attribute, H5T_NATIVE_DOUBLE, numbers) < 0) fits = PETSC_FALSE;
  H5Tclose(type);
  H5Sclose(space);
  H5Aclose(attribute);
  SpanCheckInput(PETSC_COMM_SELF, found >= 0, "%s: `%s` of the configuration is no number", m->path, name);
  SpanCheckInput(PETSC_COMM_SELF, fits, "%s: `%s` of the configuration has %lld numbers, must have %s%" PetscInt_FMT,
                 m->path, name, (long long)found, most > 1 ? "1 to " : "", most);
  for (hssize_t i = 0; i < found; i++) {
    SpanCheckInput(PETSC_COMM_SELF, isfinite(numbers[i]), "%s: `%s` of the configuration is %g, not a finite number",
                   m->path, name, numbers[i]);
    values[i] = numbers[i];
  }
  if (n) *n = (PetscInt)found;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelReadText(SpanModel m, const char name[], char text[], size_t size)
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, SpanHdf5Text(m->configuration, name, text, size),
                 "%s: the configuration has no text `%s` of less than %zu letters", m->path, name, size);
  PetscFunctionReturn(0);
}

PetscBool SpanModelHas(SpanModel m, const char name[]) { return (PetscBool)(H5Aexists(m->configuration, name) > 0); }

const char *SpanModelPath(SpanModel m) { return m->path; }
const char *SpanModelKind(SpanModel m) { return m->kind; }

PetscErrorCode SpanModelCheckCount(SpanModel m, PetscInt n)
{
  H5G_info_t info;
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, H5Gget_info(m->parameters, &info) >= 0 && (PetscInt)info.nlinks == n,
                 "%s: it has %lld parameters, its configuration makes a network of %" PetscInt_FMT, m->path,
                 (long long)info.nlinks, n);
  PetscFunctionReturn(0);
}

static void Describe(int n, const PetscInt64 shape[], char text[], size_t size)
{
  size_t at = 0;
  text[0]   = 0;
  for (int i = 0; i < n && at < size; i++)
    at += (size_t)snprintf(text + at, size - at, "%s%lld", i ? " x " : "", (long long)shape[i]);
}

PetscErrorCode SpanModelCheckParameter(SpanModel m, const char name[], int n_dims, const PetscInt64 shape[])
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscInt64 found[span_hdf5_max_dims];
  PetscBool is_complex;
  char theirs[128], ours[128];
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, SpanHdf5Has(m->parameters, name), "%s: it has no parameter `%s`", m->path, name);
  PetscCall(SpanHdf5Shape(m->parameters, m->path, name, &n, dims, &is_complex));
  PetscBool same = (PetscBool)(n == n_dims);
  for (int i = 0; i < n; i++) {
    found[i] = (PetscInt64)dims[i];
    same     = (PetscBool)(same && found[i] == shape[i]);
  }
  Describe(n, found, theirs, sizeof theirs);
  Describe(n_dims, shape, ours, sizeof ours);
  SpanCheckInput(PETSC_COMM_SELF, same, "%s: the parameter `%s` has the shape %s, the network's has %s", m->path, name,
                 theirs, ours);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelCheckSize(SpanModel m, PetscInt64 numbers)
{
  const double most = 1032; /* bytes that deflate makes of one */
  hsize_t size      = 0;
  PetscFunctionBeginUser;
  H5Fget_filesize(m->file, &size);
  SpanCheckInput(PETSC_COMM_SELF, 2 * (double)numbers <= most * (double)size,
                 "%s: its configuration makes a network of %lld weights, which the file's %llu bytes cannot hold",
                 m->path, (long long)numbers, (unsigned long long)size);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelReadParameter(SpanModel m, const char name[], int n_dims, const PetscInt64 shape[],
                                      float values[])
{
  const hsize_t start[span_hdf5_max_dims] = {0};
  hsize_t dims[span_hdf5_max_dims]        = {0};
  PetscFunctionBeginUser;
  PetscCall(SpanModelCheckParameter(m, name, n_dims, shape));
  for (int i = 0; i < n_dims; i++) dims[i] = (hsize_t)shape[i];
  PetscCall(SpanHdf5ReadFloat(m->parameters, m->path, name, start, dims, values));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckColumns(SpanModel m, const char name[], const char columns[])
{
  char found[256] = "";
  hid_t dataset   = H5Dopen2(m->history, name, H5P_DEFAULT);
  PetscFunctionBeginUser;
  if (!SpanHdf5Text(dataset, "columns", found, sizeof found)) found[0] = 0;
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, !strcmp(found, columns), "%s: the table `%s` has the columns `%s`, must have `%s`",
                 m->path, name, found, columns);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanModelReadTable(SpanModel m, const char name[], const char columns[], PetscInt n_columns,
                                  PetscInt *rows, double **values)
{
  int n;
  hsize_t dims[span_hdf5_max_dims];
  PetscBool is_complex;
  PetscFunctionBeginUser;
  *rows   = 0;
  *values = NULL;
  if (m->history < 0 || !SpanHdf5Has(m->history, name)) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(m->history, m->path, name, &n, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n == 2 && dims[1] == (hsize_t)n_columns,
                 "%s: the table `%s` has %d dimensions and %llu columns, must have 2 and %" PetscInt_FMT, m->path, name,
                 n, (unsigned long long)dims[n - 1], n_columns);
  PetscCall(CheckColumns(m, name, columns));
  PetscCall(SpanModelCheckSize(m, (PetscInt64)(dims[0] * dims[1])));
  PetscCall(PetscMalloc1(dims[0] * dims[1], values));
  hid_t dataset = H5Dopen2(m->history, name, H5P_DEFAULT);
  herr_t status;
  H5E_BEGIN_TRY { status = H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, *values); }
  H5E_END_TRY;
  H5Dclose(dataset);
  SpanCheckInput(PETSC_COMM_SELF, status >= 0, "%s: the table `%s` cannot be read", m->path, name);
  for (hsize_t i = 0; i < dims[0] * dims[1]; i++)
    SpanCheckInput(PETSC_COMM_SELF, isfinite((*values)[i]),
                   "%s: the table `%s`: element %llu is %g, not a finite number", m->path, name, (unsigned long long)i,
                   (*values)[i]);
  *rows = (PetscInt)dims[0];
  PetscFunctionReturn(0);
}
