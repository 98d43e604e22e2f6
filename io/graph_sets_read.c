/* Arrays of sets of graphs, checked. */
#include <subspan/base/error.h>
#include <subspan/io/graph_sets_read.h>
#include <stdio.h>
#include <stdlib.h>

PetscErrorCode SpanSetCheckGroup(hid_t file, const char path[], const char group[])
{
  H5O_info_t info;
  herr_t status = -1;
  PetscFunctionBeginUser;
  H5E_BEGIN_TRY
  {
    if (H5Lexists(file, group, H5P_DEFAULT) > 0) status = H5Oget_info_by_name1(file, group, &info, H5P_DEFAULT);
  }
  H5E_END_TRY;
  SpanCheckInput(PETSC_COMM_SELF, status >= 0 && info.type == H5O_TYPE_GROUP, "%s: it has no group `%s`", path, group);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadAs(hid_t file, const char path[], const char name[], const hsize_t start[],
                             const hsize_t count[], size_t n, PetscInt *values)
{
  int64_t *wide;
  size_t bad = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(n, &wide));
  PetscErrorCode ierr = SpanHdf5ReadIntegers(file, path, name, start, count, wide);
  if (!ierr) {
    for (bad = 0; bad < n && wide[bad] <= PETSC_MAX_INT && wide[bad] >= PETSC_MIN_INT; bad++)
      values[bad] = (PetscInt)wide[bad];
    if (bad < n)
      ierr = SpanInputError("%s: `%s`: number %zu is %lld, beyond the range of an index", path, name, bad,
                            (long long)wide[bad]);
  }
  PetscCall(PetscFree(wide));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanSetReadIntegers(hid_t file, const char path[], const char group[], const char name[],
                                   PetscBool needed, PetscInt *n, PetscInt **values)
{
  char full[256];
  int n_dims;
  hsize_t dims[span_hdf5_max_dims];
  const hsize_t start = 0;
  PetscBool is_complex;
  PetscFunctionBeginUser;
  *n      = 0;
  *values = NULL;
  snprintf(full, sizeof full, "%s/%s", group, name);
  if (!needed && !SpanHdf5Has(file, full)) PetscFunctionReturn(0);
  PetscCall(SpanHdf5Shape(file, path, full, &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 1, "%s: `%s` has %d dimensions, must have 1", path, full, n_dims);
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, path, full, (double)dims[0]));
  *n = (PetscInt)dims[0];
  PetscCall(PetscMalloc1(*n, values));
  PetscCall(ReadAs(file, path, full, &start, dims, (size_t)*n, *values));
  PetscFunctionReturn(0);
}

static PetscBool IsEmpty(hid_t file, const char name[])
{
  if (!SpanHdf5Has(file, name)) return PETSC_FALSE;
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT), space = H5Dget_space(dataset);
  const PetscBool empty = (PetscBool)(H5Sget_simple_extent_npoints(space) == 0);
  H5Sclose(space);
  H5Dclose(dataset);
  return empty;
}

PetscErrorCode SpanSetReadEdges(hid_t file, const char path[], const char group[], PetscInt *n_edges, PetscInt **from,
                                PetscInt **to)
{
  char full[256];
  int n_dims;
  hsize_t dims[span_hdf5_max_dims], count[2], start[2] = {0, 0};
  PetscBool is_complex;
  PetscFunctionBeginUser;
  *n_edges = 0;
  snprintf(full, sizeof full, "%s/edge_index", group);
  if (IsEmpty(file, full)) {
    PetscCall(PetscMalloc1(1, from));
    PetscCall(PetscMalloc1(1, to));
    PetscFunctionReturn(0);
  }
  PetscCall(SpanHdf5Shape(file, path, full, &n_dims, dims, &is_complex));
  SpanCheckInput(PETSC_COMM_SELF, n_dims == 2 && dims[0] == 2,
                 "%s: `%s` has %d dimensions and %llu rows, must have 2 and 2", path, full, n_dims,
                 (unsigned long long)dims[0]);
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, path, full, (double)dims[1]));
  *n_edges = (PetscInt)dims[1];
  count[0] = 1;
  count[1] = dims[1];
  PetscCall(PetscMalloc1(*n_edges, from));
  PetscCall(PetscMalloc1(*n_edges, to));
  PetscCall(ReadAs(file, path, full, start, count, (size_t)*n_edges, *from));
  start[0] = 1;
  PetscCall(ReadAs(file, path, full, start, count, (size_t)*n_edges, *to));
  PetscFunctionReturn(0);
}

static int CompareKeys(const void *a, const void *b)
{
  const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
  return (x > y) - (x < y);
}

PetscErrorCode SpanSetCheckEdges(const char path[], const char where[], PetscInt n_nodes, PetscInt n_edges,
                                 const PetscInt *from, const PetscInt *to)
{
  int64_t *there, *back, lonely = -1;
  PetscFunctionBeginUser;
  for (PetscInt e = 0; e < n_edges; e++)
    SpanCheckInput(PETSC_COMM_SELF, from[e] >= 0 && from[e] < n_nodes && to[e] >= 0 && to[e] < n_nodes,
                   "%s: %s: edge %" PetscInt_FMT " goes from %" PetscInt_FMT " to %" PetscInt_FMT
                   ", nodes must be in [0, %" PetscInt_FMT ")",
                   path, where, e, from[e], to[e], n_nodes);
  PetscCall(PetscMalloc2(n_edges, &there, n_edges, &back));
  for (PetscInt e = 0; e < n_edges; e++) {
    there[e] = (int64_t)from[e] * n_nodes + to[e];
    back[e]  = (int64_t)to[e] * n_nodes + from[e];
  }
  qsort(there, (size_t)n_edges, sizeof *there, CompareKeys);
  qsort(back, (size_t)n_edges, sizeof *back, CompareKeys);
  for (PetscInt e = 0; e < n_edges && lonely < 0; e++)
    if (there[e] != back[e]) lonely = PetscMin(there[e], back[e]);
  PetscCall(PetscFree2(there, back));
  SpanCheckInput(PETSC_COMM_SELF, lonely < 0,
                 "%s: %s: the edge between nodes %lld and %lld is not there in both directions", path, where,
                 (long long)(lonely / n_nodes), (long long)(lonely % n_nodes));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSetCountTypes(const char path[], const char group[], const char name[], PetscInt n,
                                 const PetscInt *types, PetscInt least, PetscInt *count)
{
  PetscFunctionBeginUser;
  *count = 0;
  if (!types) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < n; i++) {
    SpanCheckInput(PETSC_COMM_SELF, types[i] >= least,
                   "%s: %s/%s: number %" PetscInt_FMT " is %" PetscInt_FMT ", must be 0 at least", path, group, name, i,
                   types[i]);
    *count = PetscMax(*count, types[i] + 1);
  }
  PetscFunctionReturn(0);
}
