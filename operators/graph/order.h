/* An order of a matrix's rows in which ranks share few entries (PTScotch) and neighbours lie near each other (reverse
   Cuthill-McKee), for a graph whose own order has neither. */
#pragma once
#include <petscmat.h>
#include <petscsf.h>

typedef struct {
  PetscSF sf;             /* from rows as they were (roots) to where they are now (leaves); NULL: they stay */
  PetscInt n_own;         /* rows of this rank now */
  PetscInt64 crossing[2]; /* edges between ranks: before and now */
} SpanOrder;

/* Collective. laplacian: a symmetric MATMPIAIJ; *moved: the same in the new order, or NULL where the old one will do.
 */
PetscErrorCode SpanOrderCreate(Mat laplacian, SpanOrder *order, Mat *moved);
PetscErrorCode SpanOrderDestroy(SpanOrder *order);
/* Collective: one value of `type` a row to its new place; rows of k doubles back. */
PetscErrorCode SpanOrderMove(const SpanOrder *order, MPI_Datatype type, const void *rows, void *moved);
PetscErrorCode SpanOrderReturn(const SpanOrder *order, PetscInt k, const double moved[], double rows[]);
