/* Gram matrices and new vectors a few hundred rows at a time, so that A times a block is never held. */
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <slepcsys.h>
#include <slepcblaslapack.h>
#include <subspan/operators/graph/block_product.h>
#include <subspan/operators/graph/rayleigh_ritz.h>

enum { tile = 256 };
static const double same_direction = 1e-12; /* smallest eigenvalue of a Gram matrix with 1 on the diagonal */

/* The basis S = (X, D), whose last `fresh` columns have Gram matrices that are not known. */
typedef struct {
  SpanBlockMatrix *a;
  PetscInt m, k, s, fresh;
  double *x;
  float *d;
  double *g, *h; /* S'S and S'AS: (s, s), columns one after another */
} Basis;

/* s (rows, m + k): some rows of the basis. */
static void Rows(const Basis *b, PetscInt first, PetscInt rows, double *s)
{
  for (PetscInt i = 0; i < rows; i++) {
    for (PetscInt j = 0; j < b->m; j++) s[i * b->s + j] = b->x[(size_t)(first + i) * (size_t)b->m + (size_t)j];
    for (PetscInt j = 0; j < b->k; j++)
      s[i * b->s + b->m + j] = (double)b->d[(size_t)(first + i) * (size_t)b->k + (size_t)j];
  }
}

/* g += S'W, h += S'AW of a tile, rows one after another; W the fresh columns. */
static void GramTile(const Basis *b, PetscInt first, PetscInt rows, double *s, double *aw, double *g, double *h)
{
  const PetscInt n = b->fresh;
  Rows(b, first, rows, s);
  for (PetscInt i = 0; i < rows; i++)
    if (b->k)
      SpanBlockRowMixed(b->a, first + i, b->k, b->d, aw + i * b->k);
    else
      SpanBlockRowDouble(b->a, first + i, b->m, b->x, aw + i * b->m);
  SpanBlockProduct(b->s, n, rows, s, 1, b->s, s + b->s - n, b->s, PETSC_TRUE, g, n);
  SpanBlockProduct(b->s, n, rows, s, 1, b->s, aw, n, PETSC_TRUE, h, n);
}

static PetscErrorCode Gram(MPI_Comm comm, Basis *b, const double *theta)
{
  const PetscInt s = b->s, fresh = b->fresh, known = s - fresh, size = 2 * s * fresh, n = b->a->n_rows;
  const int threads = omp_get_max_threads();
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(b->k ? SpanBlockMatrixUpdate(b->a, (size_t)b->k * sizeof *b->d, b->d)
                 : SpanBlockMatrixUpdate(b->a, (size_t)b->m * sizeof *b->x, b->x));
  PetscCall(PetscCalloc1(threads * size, &sums));
#pragma omp parallel
  {
    double *mine = sums + omp_get_thread_num() * size, *rows = malloc((size_t)(tile * (s + fresh)) * sizeof *rows);
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < n; i += tile)
      GramTile(b, i, PetscMin(tile, n - i), rows, rows + tile * s, mine, mine + s * fresh);
    free(rows);
  }
  for (int t = 1; t < threads; t++)
    for (PetscInt i = 0; i < size; i++) sums[i] += sums[t * size + i];
  PetscMPIInt count;
  PetscCall(PetscMPIIntCast(size, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, sums, count, MPI_DOUBLE, MPI_SUM, comm));
  PetscCall(PetscCalloc2(s * s, &b->g, s * s, &b->h));
  for (PetscInt j = 0; j < known; j++) {
    b->g[j * s + j] = 1;
    b->h[j * s + j] = theta[j];
  }
  for (PetscInt j = 0; j < fresh; j++)
    for (PetscInt i = 0; i < s; i++) {
      b->g[(known + j) * s + i] = b->g[i * s + known + j] = sums[i * fresh + j];
      b->h[(known + j) * s + i] = b->h[i * s + known + j] = sums[s * fresh + i * fresh + j];
    }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

/* a (n, n): eigenvectors one after another; values ascending. */
static PetscErrorCode Symmetric(PetscInt n, double *a, double *values)
{
  PetscBLASInt blas_n = (PetscBLASInt)n, info, n_work = 1 + 6 * blas_n + 2 * blas_n * blas_n,
               n_integers = 3 + 5 * blas_n, *integers;
  double *work;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n_work, &work, n_integers, &integers));
  LAPACKsyevd_("V", "L", &blas_n, a, &blas_n, values, work, &n_work, integers, &n_integers, &info);
  PetscCall(PetscFree2(work, integers));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "dsyevd of %" PetscInt_FMT " Ritz vectors: info %d", n, (int)info);
  PetscFunctionReturn(0);
}

/* c (s, m), rows one after another: S C are the new vectors. First S becomes orthonormal by T = U g^-1/2, g and U
   the eigenpairs of its Gram matrix. */
static PetscErrorCode Coefficients(Basis *b, double *c, double *theta)
{
  const PetscInt s      = b->s;
  const PetscBLASInt bs = (PetscBLASInt)s;
  const double one = 1, zero = 0;
  double *scale, *values, *work;
  PetscInt kept = 0;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(s, &scale, s, &values, s * s, &work));
  for (PetscInt j = 0; j < s; j++) scale[j] = b->g[j * s + j] > 0 ? 1 / sqrt(b->g[j * s + j]) : 0;
  for (PetscInt j = 0; j < s; j++)
    for (PetscInt i = 0; i < s; i++) {
      b->g[j * s + i] *= scale[i] * scale[j];
      b->h[j * s + i] *= scale[i] * scale[j];
    }
  PetscCall(Symmetric(s, b->g, values));
  for (PetscInt j = 0; j < s; j++) {
    if (values[j] < same_direction) continue;
    for (PetscInt i = 0; i < s; i++) b->g[kept * s + i] = b->g[j * s + i] / sqrt(values[j]);
    kept++;
  }
  const PetscBLASInt bk = (PetscBLASInt)kept, bm = (PetscBLASInt)PetscMin(b->m, kept);
  PetscCheck(kept >= b->m, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED, "%" PetscInt_FMT " Ritz vectors of %" PetscInt_FMT,
             kept, b->m);
  BLASgemm_("N", "N", &bs, &bk, &bs, &one, b->h, &bs, b->g, &bs, &zero, work, &bs);
  BLASgemm_("T", "N", &bk, &bk, &bs, &one, b->g, &bs, work, &bs, &zero, b->h, &bk);
  PetscCall(Symmetric(kept, b->h, values));
  BLASgemm_("T", "T", &bm, &bs, &bk, &one, b->h, &bk, b->g, &bs, &zero, c, &bm);
  for (PetscInt j = 0; j < b->m; j++) {
    theta[j] = values[j];
    for (PetscInt i = 0; i < s; i++) c[i * b->m + j] *= scale[i];
  }
  PetscCall(PetscFree3(scale, values, work));
  PetscFunctionReturn(0);
}

/* c: (s, m), rows one after another */
static void Combine(const Basis *b, const double *c)
{
  const PetscInt n = b->a->n_rows, m = b->m;
#pragma omp parallel
  {
    double *s = malloc((size_t)(tile * b->s) * sizeof *s);
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < n; i += tile) {
      const PetscInt rows = PetscMin(tile, n - i);
      Rows(b, i, rows, s);
      SpanBlockProduct(rows, m, b->s, s, b->s, 1, c, m, PETSC_FALSE, b->x + (size_t)i * (size_t)m, m);
    }
    free(s);
  }
}

PetscErrorCode SpanRayleighRitz(MPI_Comm comm, SpanBlockMatrix *a, PetscInt m, double *x, PetscInt k, float *d,
                                double *theta)
{
  Basis b = {.a = a, .m = m, .k = k, .s = m + k, .fresh = k ? k : m, .x = x, .d = d};
  double *c;
  int rank;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  PetscCall(Gram(comm, &b, theta));
  PetscCall(PetscMalloc1(b.s * m + m, &c));
  /* One rank's LAPACK for all, lest others choose another basis of a multiple eigenvalue. */
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (!rank) ierr = Coefficients(&b, c, c + b.s * m);
  PetscCallMPI(MPI_Bcast(&ierr, 1, MPI_INT, 0, comm));
  PetscCall(ierr);
  PetscCallMPI(MPI_Bcast(c, (PetscMPIInt)(b.s * m + m), MPI_DOUBLE, 0, comm));
  PetscCall(PetscArraycpy(theta, c + b.s * m, m));
  Combine(&b, c);
  PetscCall(PetscFree(c));
  PetscCall(PetscFree2(b.g, b.h));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanResidualNorms(MPI_Comm comm, SpanBlockMatrix *a, PetscInt m, double *x, const double *theta,
                                 double *norm)
{
  const int threads = omp_get_max_threads();
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanBlockMatrixUpdate(a, (size_t)m * sizeof *x, x));
  PetscCall(PetscCalloc1(threads * m, &sums));
#pragma omp parallel
  {
    double *mine = sums + omp_get_thread_num() * m, *y = malloc((size_t)m * sizeof *y);
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < a->n_rows; i++) {
      const double *at = x + (size_t)i * (size_t)m;
      SpanBlockRowDouble(a, i, m, x, y);
      for (PetscInt j = 0; j < m; j++) mine[j] += (y[j] - theta[j] * at[j]) * (y[j] - theta[j] * at[j]);
    }
    free(y);
  }
  for (int t = 1; t < threads; t++)
    for (PetscInt j = 0; j < m; j++) sums[j] += sums[t * m + j];
  PetscCallMPI(MPI_Allreduce(sums, norm, (PetscMPIInt)m, MPI_DOUBLE, MPI_SUM, comm));
  for (PetscInt j = 0; j < m; j++) norm[j] = sqrt(norm[j]);
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}

void SpanResiduals(const SpanBlockMatrix *a, PetscInt m, const double *x, const double *theta, PetscInt k,
                   const PetscInt *which, const double *scale, float *r)
{
#pragma omp parallel
  {
    double *y = malloc((size_t)m * sizeof *y);
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < a->n_rows; i++) {
      const double *at = x + (size_t)i * (size_t)m;
      float *out       = r + (size_t)i * (size_t)k;
      SpanBlockRowDouble(a, i, m, x, y);
      for (PetscInt j = 0; j < k; j++)
        out[j] = which[j] < 0 ? 0 : (float)((y[which[j]] - theta[which[j]] * at[which[j]]) * scale[j]);
    }
    free(y);
  }
}
