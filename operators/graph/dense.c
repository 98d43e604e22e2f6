#include <math.h>
#include <slepcsys.h>
#include <slepcblaslapack.h>
#include <subspan/operators/graph/dense.h>

static void Degrees(PetscInt n, PetscInt n_edges, const PetscInt from[], double degree[])
{
  for (PetscInt i = 0; i < n; i++) degree[i] = 0;
  for (PetscInt e = 0; e < n_edges; e++) degree[from[e]]++;
}

/* a: (n, n) */
static void Laplacian(PetscInt n, PetscInt n_edges, const PetscInt from[], const PetscInt to[], const double degree[],
                      double a[])
{
  for (PetscInt i = 0; i < n * n; i++) a[i] = 0;
  for (PetscInt i = 0; i < n; i++) a[i * n + i] = degree[i] > 0;
  for (PetscInt e = 0; e < n_edges; e++) a[from[e] * n + to[e]] -= 1 / sqrt(degree[from[e]] * degree[to[e]]);
}

/* All of them; a: (n, n), the matrix, then the eigenvectors, one a row. */
static PetscErrorCode Solve(PetscInt n, double a[], double w[])
{
  const size_t size   = (size_t)n;
  PetscBLASInt blas_n = (PetscBLASInt)n, info, n_work = (PetscBLASInt)(1 + 6 * n + 2 * n * n),
               n_integers = (PetscBLASInt)(3 + 5 * n);
  double *work            = malloc((1 + 6 * size + 2 * size * size) * sizeof *work);
  PetscBLASInt *integers  = malloc((3 + 5 * size) * sizeof *integers);
  PetscFunctionBeginUser;
  PetscCheck(work && integers, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a graph of %" PetscInt_FMT " nodes", n);
  LAPACKsyevd_("V", "L", &blas_n, a, &blas_n, w, work, &n_work, integers, &n_integers, &info);
  free(work);
  free(integers);
  PetscCheck(info == 0, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd of a graph of %" PetscInt_FMT " nodes: info %d", n,
             (int)info);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanDenseEigenpairs(PetscInt n, PetscInt n_edges, const PetscInt from[], const PetscInt to[], PetscInt d,
                                   float values[], float vectors[])
{
  const PetscInt count = PetscMin(n, d);
  const size_t square  = (size_t)n * (size_t)n;
  double *a = malloc(square * sizeof *a), *w = malloc((size_t)n * sizeof *w), *degree = malloc((size_t)n * sizeof *w);
  PetscFunctionBeginUser;
  PetscCheck(a && w && degree, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a graph of %" PetscInt_FMT " nodes", n);
  Degrees(n, n_edges, from, degree);
  Laplacian(n, n_edges, from, to, degree, a);
  PetscCall(Solve(n, a, w));
  for (PetscInt k = 0; k < d; k++) {
    values[k] = k < count && fabs(w[k]) > 1e-9 ? (float)w[k] : 0;
    for (PetscInt i = 0; i < n; i++) vectors[i * d + k] = k < count ? (float)a[k * n + i] : 0;
  }
  free(a);
  free(w);
  free(degree);
  PetscFunctionReturn(0);
}

/* One start after another: x_j(k) is the chance to be at j after k steps from i. */
PetscErrorCode SpanWalkDiagonals(PetscInt n, PetscInt n_edges, const PetscInt from[], const PetscInt to[], PetscInt d,
                                 float rows[])
{
  double *degree = malloc((size_t)n * sizeof *degree), *x = malloc(2 * (size_t)n * sizeof *x), *y = x ? x + n : NULL;
  PetscFunctionBeginUser;
  PetscCheck(degree && x, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a graph of %" PetscInt_FMT " nodes", n);
  Degrees(n, n_edges, from, degree);
  for (PetscInt i = 0; i < n; i++) {
    for (PetscInt j = 0; j < n; j++) x[j] = j == i;
    for (PetscInt k = 0; k < d; k++) {
      for (PetscInt j = 0; j < n; j++) y[j] = 0;
      for (PetscInt e = 0; e < n_edges; e++) y[to[e]] += x[from[e]] / degree[from[e]];
      for (PetscInt j = 0; j < n; j++) x[j] = y[j];
      rows[i * d + k] = (float)x[i];
    }
  }
  free(degree);
  free(x);
  PetscFunctionReturn(0);
}

void SpanHeatDiagonals(PetscInt n, PetscInt count, const float values[], const float vectors[], PetscInt d,
                       float rows[])
{
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt k = 0; k < d; k++) {
      const double t = exp2(0.5 * (double)k - 2);
      double sum     = 0;
      for (PetscInt l = 0; l < count; l++)
        sum += exp(-t * (double)values[l]) * (double)vectors[i * count + l] * (double)vectors[i * count + l];
      rows[i * d + k] = (float)sum;
    }
}
