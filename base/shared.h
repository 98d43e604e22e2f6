/* Memory that the ranks of a node share, for sets that a node holds once. */
#pragma once
#include <petscsys.h>

typedef struct SpanShared_ *SpanShared;

/* Collective. `what` needs the memory, in words, for the message ("fields.h5: the set"). Errors (input): more than is
   free on a node. */
PetscErrorCode SpanSharedCreate(MPI_Comm comm, size_t bytes, const char what[], SpanShared *shared);
PetscErrorCode SpanSharedDestroy(SpanShared *shared);
void *SpanSharedData(SpanShared shared);
/* The ranks of the node, which share the work of filling it, */
MPI_Comm SpanSharedNode(SpanShared shared);
/* and then, collective on them, see what the others wrote. */
PetscErrorCode SpanSharedFence(SpanShared shared);
