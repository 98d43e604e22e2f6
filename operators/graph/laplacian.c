/* Laplacians as AIJ matrices. */
#include <subspan/operators/graph/halo.h>
#include <subspan/operators/graph/laplacian.h>
#include <math.h>

const char *const span_laplacian_names[] = {"combinatorial", "symmetric", "random_walk", NULL};

void SpanGraphDegrees(SpanGraph g, double *degree)
{
  for (PetscInt i = 0; i < g->n_own; i++) {
    degree[i] = 0;
    for (PetscInt e = g->first[i]; e < g->first[i + 1]; e++) degree[i] += g->weight ? g->weight[e] : 1;
  }
}

/* s of every entry -s_i w s_j of the matrix and of the ghosts; 1 in the combinatorial one. */
static PetscErrorCode Scales(SpanGraph g, const SpanHalo *h, SpanLaplacianKind kind, const double *degree,
                             double *scale)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < g->n_own; i++)
    scale[i] = kind == SPAN_LAPLACIAN_SYMMETRIC && degree[i] > 0 ? 1 / sqrt(degree[i]) : 1;
  PetscCall(PetscSFBcastBegin(h->sf, MPI_DOUBLE, scale, scale + g->n_own, MPI_REPLACE));
  PetscCall(PetscSFBcastEnd(h->sf, MPI_DOUBLE, scale, scale + g->n_own, MPI_REPLACE));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanLaplacianCreate(SpanGraph g, SpanLaplacianKind kind, Mat *laplacian)
{
  SpanHalo halo;
  double *degree, *scale;
  PetscInt *rows, *columns;
  PetscScalar *values;
  PetscFunctionBeginUser;
  PetscCall(SpanHaloCreate(g, &halo));
  PetscCall(PetscMalloc2(g->n_own, &degree, g->n_own + halo.n_ghosts, &scale));
  SpanGraphDegrees(g, degree);
  PetscCall(Scales(g, &halo, kind, degree, scale));
  PetscCall(PetscMalloc3(g->n_own + 1, &rows, g->first[g->n_own] + g->n_own, &columns, g->first[g->n_own] + g->n_own,
                         &values));
  PetscInt at = 0;
  rows[0]     = 0;
  for (PetscInt i = 0; i < g->n_own; i++) {
    const PetscInt node = g->first_node + i;
    const double row    = kind == SPAN_LAPLACIAN_RANDOM_WALK ? 1 / degree[i] : scale[i];
    PetscBool diagonal  = PETSC_FALSE;
    for (PetscInt e = g->first[i]; e <= g->first[i + 1]; e++) {
      if (!diagonal && (e == g->first[i + 1] || g->neighbour[e] > node)) {
        columns[at]  = node;
        values[at++] = kind == SPAN_LAPLACIAN_COMBINATORIAL ? degree[i] : degree[i] > 0;
        diagonal     = PETSC_TRUE;
      }
      if (e == g->first[i + 1]) break;
      columns[at] = g->neighbour[e];
      values[at++] =
          -row * (g->weight ? g->weight[e] : 1) * (kind == SPAN_LAPLACIAN_SYMMETRIC ? scale[halo.local[e]] : 1);
    }
    rows[i + 1] = at;
  }
  PetscCall(
      MatCreateMPIAIJWithArrays(g->comm, g->n_own, g->n_own, g->n_nodes, g->n_nodes, rows, columns, values, laplacian));
  PetscCall(MatSetOption(*laplacian, MAT_SYMMETRIC, (PetscBool)(kind != SPAN_LAPLACIAN_RANDOM_WALK)));
  PetscCall(PetscFree3(rows, columns, values));
  PetscCall(PetscFree2(degree, scale));
  PetscCall(SpanHaloDestroy(&halo));
  PetscFunctionReturn(0);
}
