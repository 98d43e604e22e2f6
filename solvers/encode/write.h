/* The output of `subspan encode`. */
#pragma once
#include <hdf5.h>
#include <subspan/solvers/encode/run.h>

/* Collective: node_id, eigenvalues, residuals, eigenvectors (node, pair) in the order of the input's nodes, and the
   provenance. Errors (input): cannot be written. */
PetscErrorCode SpanEncodeWrite(const SpanEncodeRun *run);
/* Collective: the mesh that the input is, as VTKHDF's UnstructuredGrid in the file, with the arrays over nodes that the
   file's root has as point data. Errors (input): the input is no mesh. */
PetscErrorCode SpanEncodeWriteMesh(const SpanEncodeRun *run, hid_t file);
