/* HDF5 out. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/report.h>
#include <subspan/io/hash.h>
#include <subspan/io/hdf5_write.h>
#include <subspan/solvers/encode/write.h>

/* This rank's rows of a data set. */
static herr_t WriteRows(hid_t file, const char name[], hid_t type, SpanGraph g, PetscInt columns, const void *data)
{
  const hsize_t dims[2] = {(hsize_t)g->n_nodes, (hsize_t)columns}, start[2] = {(hsize_t)g->first_node, 0},
                count[2] = {(hsize_t)g->n_own, (hsize_t)columns};
  const int n            = columns ? 2 : 1;
  hid_t dataset          = SpanHdf5CreateArray(file, name, type, n, dims);
  herr_t status          = SpanHdf5WriteSlab(dataset, type, n, start, count, (PetscBool)(g->n_own > 0), data);
  if (dataset >= 0) H5Dclose(dataset);
  return status;
}

/* A short data set that every rank knows. */
static herr_t WriteShort(hid_t file, const char name[], PetscBool mine, PetscInt n, const double *data)
{
  const hsize_t count = (hsize_t)n, start = 0;
  hid_t dataset = SpanHdf5CreateArray(file, name, H5T_NATIVE_DOUBLE, 1, &count);
  herr_t status = SpanHdf5WriteSlab(dataset, H5T_NATIVE_DOUBLE, 1, &start, &count, mine, data);
  if (dataset >= 0) H5Dclose(dataset);
  return status;
}

static PetscErrorCode Provenance(const SpanEncodeRun *r, hid_t file)
{
  char text[4096], hash[64];
  int size;
  herr_t status = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanHashFile(r->comm, r->input, hash));
  PetscCallMPI(MPI_Comm_size(r->comm, &size));
  hid_t place = H5Gcreate2(file, "provenance", H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
  SpanReportCommand(text, sizeof text);
  status |= SpanHdf5WriteText(place, "command", text);
  status |= SpanHdf5WriteText(place, "version", SUBSPAN_VERSION);
  PetscCall(PetscGetVersion(text, sizeof text));
  status |= SpanHdf5WriteText(place, "petsc", text);
  status |= SpanHdf5WriteText(place, "input", r->input);
  status |= SpanHdf5WriteText(place, "input_hash", hash);
  status |= SpanHdf5WriteText(place, "input_format", r->graph->format);
  status |= SpanHdf5WriteText(place, "laplacian", r->options.laplacian);
  status |= SpanHdf5WriteText(place, "solver", r->pairs.solver);
  if (r->network) status |= SpanHdf5WriteText(place, "model", r->options.model);
  PetscCall(PetscSNPrintf(text, sizeof text, "%" PetscInt_FMT, r->options.seed));
  status |= SpanHdf5WriteText(place, "seed", text);
  PetscCall(PetscSNPrintf(text, sizeof text, "%d", size));
  status |= SpanHdf5WriteText(place, "ranks", text);
  double seconds = SpanReportSeconds();
  PetscCallMPI(MPI_Bcast(&seconds, 1, MPI_DOUBLE, 0, r->comm));
  PetscCall(PetscSNPrintf(text, sizeof text, "%.3f", seconds));
  status |= SpanHdf5WriteText(place, "seconds", text);
  H5Gclose(place);
  PetscCall(SpanErrorAgree(r->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodeWrite(const SpanEncodeRun *r)
{
  char part[PETSC_MAX_PATH_LEN];
  const SpanEigenpairs *p = &r->pairs;
  int rank, one = 1;
  hid_t file;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWrite, 0, 0, 0, 0));
  PetscCallMPI(MPI_Comm_rank(r->comm, &rank));
  PetscCall(PetscSNPrintf(part, sizeof part, "%s.part", r->options.output));
  PetscCall(SpanHdf5Create(r->comm, part, r->options.output, &file));
  herr_t status = SpanHdf5WriteNumbers(file, "subspan_encoding", H5T_NATIVE_INT, 1, &one);
  status |= WriteRows(file, "node_id", H5T_NATIVE_INT64, r->graph, 0, r->graph->id);
  status |= WriteRows(file, "eigenvectors", H5T_NATIVE_DOUBLE, r->graph, p->n_pairs, p->vectors);
  if (r->encoding) status |= WriteRows(file, "encoding", H5T_NATIVE_FLOAT, r->graph, r->width, r->encoding);
  status |= WriteShort(file, "eigenvalues", (PetscBool)!rank, p->n_pairs, p->values);
  status |= WriteShort(file, "residuals", (PetscBool)!rank, p->n_pairs, p->residuals);
  PetscCall(SpanErrorAgree(r->comm, status < 0 ? PETSC_ERR_FILE_WRITE : 0));
  if (r->options.vtkhdf) PetscCall(SpanEncodeWriteMesh(r, file));
  PetscCall(Provenance(r, file));
  PetscCall(SpanHdf5Commit(r->comm, file, part, r->options.output));
  PetscCall(PetscLogEventEnd(SpanEventWrite, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}
