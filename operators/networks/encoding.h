/* Positional encodings that a graph network can learn with: SPE and what it is held against.

     none           nothing
     spe            spe.h
     signnet        rho(sum over k of phi(v_k) + phi(-v_k)), phi a GIN on one eigenvector and its eigenvalue, rho an MLP
                    (Lim et al. 2022, arXiv 2202.13013, with the sum over eigenvectors of its masked form)
     eigenvectors   the eigenvectors themselves; whoever trains draws their signs anew each time
     random_walk    the diagonals of (D^-1 A)^k, k = 1..d (Dwivedi et al. 2022, arXiv 2110.07875)
     heat           the diagonals of exp(-t L), d times t
     pearl          the mean of a GIN's rows over random node features (R-PEARL, arXiv 2502.01122) */
#pragma once
#include <subspan/operators/networks/spe.h>

typedef enum {
  SPAN_ENCODING_NONE,
  SPAN_ENCODING_SPE,
  SPAN_ENCODING_SIGNNET,
  SPAN_ENCODING_EIGENVECTORS,
  SPAN_ENCODING_RANDOM_WALK,
  SPAN_ENCODING_HEAT,
  SPAN_ENCODING_PEARL
} SpanEncodingKind;
/* "none", "spe", .., NULL */
extern const char *const span_encoding_names[];

typedef struct {
  SpanEncodingKind kind;
  PetscInt d;        /* eigenpairs, steps of the walk, times, or random features of a node */
  SpanSPEConfig spe; /* of it signnet and pearl take phi and the width */
} SpanEncodingConfig;

typedef struct SpanEncoding_ *SpanEncoding;

/* Which columns a batch needs (graph_batch.h). */
SpanColumns SpanEncodingColumns(const SpanEncodingConfig *config);
/* Whether a batch's vectors are eigenvectors. */
PetscBool SpanEncodingIsSpectral(SpanEncodingKind kind);
/* Numbers a node; 0: none. */
PetscInt SpanEncodingWidth(const SpanEncodingConfig *config);
/* Registers PREFIX.*. Errors (input): see spe.h. */
PetscErrorCode SpanEncodingCreate(const SpanEncodingConfig *config, SpanParameters parameters,
                                  SpanParameters statistics, const char prefix[], SpanEncoding *encoding);
PetscErrorCode SpanEncodingDestroy(SpanEncoding *encoding);
SpanSPE SpanEncodingSPE(SpanEncoding encoding); /* NULL: another kind */
/* y: (n_nodes, width), or NULL where there is none. */
PetscErrorCode SpanEncodingApply(SpanTape tape, SpanEncoding encoding, const SpanGraphBatch *batch, PetscBool training,
                                 SpanTensor *y);
