/* Encodings by a trained model: what it needs of the graph, and its encoding. */
#pragma once
#include <subspan/operators/networks/encode_graph.h>
#include <subspan/solvers/encode/run.h>

/* Collective: the model of --model, whose number of eigenpairs becomes that of the run. Errors (input): see
   SpanGraphNetworkLoad; a model without an encoding; --laplacian other than symmetric. */
PetscErrorCode SpanEncodeModelOpen(SpanEncodeRun *run);
PetscErrorCode SpanEncodeModelClose(SpanEncodeRun *run);
/* Collective: run->encoding of this rank's nodes, by the eigenpairs that were computed. Errors (input): pairs of nodes
   too many for the machine, with the options that make them fewer. */
PetscErrorCode SpanEncodeByModel(SpanEncodeRun *run);
