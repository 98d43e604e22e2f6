/* A graph with labelled nodes and sparse features of 0 and 1. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/io/graph_sets.h>
#include <subspan/io/graph_sets_read.h>

static PetscErrorCode ReadFeatures(hid_t group, hid_t file, const char path[], const char name[], SpanNodeSet *s)
{
  PetscInt n, total;
  double features;
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(SpanSetReadIntegers(file, path, name, "feature_indptr", PETSC_FALSE, &n, &s->feature_first));
  if (!s->feature_first) PetscFunctionReturn(0);
  PetscCall(SpanSetReadIntegers(file, path, name, "feature_indices", PETSC_TRUE, &total, &s->feature_at));
  PetscCall(SpanHdf5Attribute(group, "features", 1, &features, &found));
  SpanCheckInput(PETSC_COMM_SELF, found && features > 0 && features < PETSC_MAX_INT,
                 "%s: %s: the attribute `features` must say how many there are", path, name);
  s->n_features = (PetscInt)features;
  SpanCheckInput(PETSC_COMM_SELF, n == s->n_nodes + 1 && s->feature_first[0] == 0 && s->feature_first[n - 1] == total,
                 "%s: %s/feature_indptr has %" PetscInt_FMT " numbers up to %" PetscInt_FMT ", must have %" PetscInt_FMT
                 " from 0 to %" PetscInt_FMT,
                 path, name, n, s->feature_first[n - 1], s->n_nodes + 1, total);
  for (PetscInt i = 0; i < s->n_nodes; i++)
    SpanCheckInput(PETSC_COMM_SELF, s->feature_first[i] <= s->feature_first[i + 1],
                   "%s: %s/feature_indptr falls at node %" PetscInt_FMT, path, name, i);
  for (PetscInt i = 0; i < total; i++)
    SpanCheckInput(PETSC_COMM_SELF, s->feature_at[i] >= 0 && s->feature_at[i] < s->n_features,
                   "%s: %s/feature_indices: number %" PetscInt_FMT " is %" PetscInt_FMT
                   ", must be in [0, %" PetscInt_FMT ")",
                   path, name, i, s->feature_at[i], s->n_features);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMasks(hid_t file, const char path[], const char name[], SpanNodeSet *s)
{
  static const char *const names[span_node_splits] = {"train_mask", "val_mask", "test_mask"};
  PetscFunctionBeginUser;
  for (int k = 0; k < span_node_splits; k++) {
    PetscInt n, *values;
    PetscCall(SpanSetReadIntegers(file, path, name, names[k], PETSC_FALSE, &n, &values));
    if (!values) continue;
    SpanCheckInput(PETSC_COMM_SELF, n == s->n_nodes,
                   "%s: %s/%s has %" PetscInt_FMT " numbers for %" PetscInt_FMT " nodes", path, name, names[k], n,
                   s->n_nodes);
    PetscCall(PetscMalloc1(n, &s->mask[k]));
    for (PetscInt i = 0; i < n; i++) s->mask[k][i] = values[i] != 0;
    PetscCall(PetscFree(values));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadGroup(hid_t group, hid_t file, const char path[], const char name[], SpanNodeSet *s)
{
  PetscInt n;
  double nodes;
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Attribute(group, "nodes", 1, &nodes, &found));
  SpanCheckInput(PETSC_COMM_SELF, found && nodes > 0 && nodes < PETSC_MAX_INT,
                 "%s: %s: the attribute `nodes` must say how many there are", path, name);
  s->n_nodes = (PetscInt)nodes;
  PetscCall(SpanSetReadEdges(file, path, name, &s->n_edges, &s->from, &s->to));
  PetscCall(SpanSetCheckEdges(path, name, s->n_nodes, s->n_edges, s->from, s->to));
  PetscCall(ReadFeatures(group, file, path, name, s));
  PetscCall(SpanSetReadIntegers(file, path, name, "label", PETSC_FALSE, &n, &s->label));
  SpanCheckInput(PETSC_COMM_SELF, !s->label || n == s->n_nodes,
                 "%s: %s/label has %" PetscInt_FMT " numbers for %" PetscInt_FMT " nodes", path, name, n, s->n_nodes);
  PetscCall(SpanSetCountTypes(path, name, "label", n, s->label, -1, &s->n_labels));
  PetscCall(ReadMasks(file, path, name, s));
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(const char path[], const char name[], SpanNodeSet *s)
{
  hid_t file;
  PetscFunctionBeginUser;
  PetscCall(SpanHdf5Open(path, &file));
  PetscErrorCode ierr = SpanSetCheckGroup(file, path, name);
  if (!ierr) {
    hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
    ierr        = ReadGroup(group, file, path, name, s);
    H5Gclose(group);
  }
  H5Fclose(file);
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanNodeSetOpen(MPI_Comm comm, const char path[], const char graph[], SpanNodeSet *set)
{
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventRead, 0, 0, 0, 0));
  *set                = (SpanNodeSet){0};
  PetscErrorCode ierr = SpanErrorAgree(comm, Open(path, graph, set));
  if (ierr) PetscCall(SpanNodeSetClose(set));
  PetscCall(PetscLogEventEnd(SpanEventRead, 0, 0, 0, 0));
  PetscFunctionReturn(ierr);
}

PetscErrorCode SpanNodeSetClose(SpanNodeSet *s)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree(s->from));
  PetscCall(PetscFree(s->to));
  PetscCall(PetscFree(s->feature_first));
  PetscCall(PetscFree(s->feature_at));
  PetscCall(PetscFree(s->label));
  for (int k = 0; k < span_node_splits; k++) PetscCall(PetscFree(s->mask[k]));
  PetscFunctionReturn(0);
}
