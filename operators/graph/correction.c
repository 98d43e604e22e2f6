/* Projected conjugate gradients for a block, each column with its own shift and step lengths. */
#include <math.h>
#include <omp.h>
#include <subspan/operators/graph/correction.h>
#include <subspan/operators/tensor/product.h>

enum { tile = 512, width = span_block_width };
/* Of the square of a residual: what falls by less in an iteration has come to what float32, or vectors that are no
   eigenvectors, leave. */
static const double stalled = 0.5;

/* c (m, k) = X'Z; null (components, k): each component's null vector times Z. */
static PetscErrorCode Overlaps(const SpanHierarchy *h, const SpanLevel *l, const SpanCorrection *o, const float *z,
                               float *c, double *null)
{
  const PetscInt size = o->m * o->k, k = o->k;
  const int threads = omp_get_max_threads();
  float *sums;
  PetscMPIInt count;
  PetscFunctionBeginUser;
  PetscCall(PetscCalloc1(threads * size, &sums));
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < l->n_own; i += tile) {
    const PetscInt rows = PetscMin(tile, l->n_own - i);
    SpanProduct(o->m, k, rows, o->x + (size_t)i * (size_t)o->m, 1, o->m, z + (size_t)i * (size_t)k, k, PETSC_TRUE,
                sums + omp_get_thread_num() * size, k);
  }
  for (PetscInt i = 0; i < size; i++) {
    c[i] = 0;
    for (int t = 0; t < threads; t++) c[i] += sums[t * size + i];
  }
  PetscCall(PetscFree(sums));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, c, (PetscMPIInt)size, MPI_FLOAT, MPI_SUM, h->comm));
  PetscCall(PetscArrayzero(null, h->n_components * k));
  for (PetscInt i = 0; i < l->n_own; i++) {
    double *sum = null + l->component[i] * k;
    for (PetscInt j = 0; j < k; j++) sum[j] += l->null[i] * (double)z[i * k + j];
  }
  PetscCall(PetscMPIIntCast(h->n_components * k, &count));
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, null, count, MPI_DOUBLE, MPI_SUM, h->comm));
  PetscFunctionReturn(0);
}

/* Adds sums of threads, in their order, and of ranks. */
static PetscErrorCode Total(MPI_Comm comm, PetscInt k, double (*sums)[width], double *total)
{
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < k; j++) {
    total[j] = 0;
    for (int t = 0; t < omp_get_max_threads(); t++) total[j] += sums[t][j];
  }
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, total, (PetscMPIInt)k, MPI_DOUBLE, MPI_SUM, comm));
  PetscFunctionReturn(0);
}

/* z -= X c + null vectors; rz: the products of the columns of r and z. */
static PetscErrorCode Project(const SpanHierarchy *h, const SpanLevel *l, const SpanCorrection *o, float *z,
                              double (*sums)[width], double *rz)
{
  const PetscInt k = o->k;
  float *c;
  double *null;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(o->m * k, &c, h->n_components * k, &null));
  PetscCall(Overlaps(h, l, o, z, c, null));
  for (PetscInt i = 0; i < o->m * k; i++) c[i] = -c[i];
#pragma omp parallel
  {
    double *sum = sums[omp_get_thread_num()];
    for (PetscInt j = 0; j < k; j++) sum[j] = 0;
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < l->n_own; i += tile) {
      const PetscInt rows = PetscMin(tile, l->n_own - i);
      SpanProduct(rows, k, o->m, o->x + (size_t)i * (size_t)o->m, o->m, 1, c, k, PETSC_TRUE, z + (size_t)i * (size_t)k,
                  k);
      for (PetscInt t = i; t < i + rows; t++) {
        const double *of = null + l->component[t] * k;
        for (PetscInt j = 0; j < k; j++) {
          z[t * k + j] -= (float)(of[j] * l->null[t]);
          sum[j] += (double)(z[t * k + j] * l->b[t * k + j]);
        }
      }
    }
  }
  PetscCall(PetscFree2(c, null));
  PetscCall(Total(h->comm, k, sums, rz));
  PetscFunctionReturn(0);
}

/* q = (A - shift) p; pq: products of their columns. */
static PetscErrorCode Apply(const SpanHierarchy *h, SpanLevel *l, const SpanCorrection *o, float *q,
                            double (*sums)[width], double *pq)
{
  const PetscInt k = o->k;
  float shift[width];
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < k; j++) shift[j] = (float)o->shift[j];
  PetscCall(SpanBlockMatrixUpdate(&l->a, (size_t)k * sizeof *o->p, o->p));
#pragma omp parallel
  {
    double *sum = sums[omp_get_thread_num()];
    for (PetscInt j = 0; j < k; j++) sum[j] = 0;
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < l->n_own; i++) {
      const float *p = o->p + (size_t)i * (size_t)k;
      float *out     = q + (size_t)i * (size_t)k;
      SpanBlockRowSingle(&l->a, i, k, o->p, out);
      for (PetscInt j = 0; j < k; j++) {
        out[j] -= shift[j] * p[j];
        sum[j] += (double)(p[j] * out[j]);
      }
    }
  }
  PetscCall(Total(h->comm, k, sums, pq));
  PetscFunctionReturn(0);
}

/* d += alpha p, at first d = alpha p; r -= alpha q; rr: the squares of the columns of r. */
static PetscErrorCode Advance(const SpanHierarchy *h, SpanLevel *l, const SpanCorrection *o, PetscBool first,
                              const double *alpha, const float *q, PetscInt stride, float *d, double (*sums)[width],
                              double *rr)
{
  const PetscInt k = o->k;
  float a[width];
  PetscFunctionBeginUser;
  for (PetscInt j = 0; j < k; j++) a[j] = (float)alpha[j];
#pragma omp parallel
  {
    double *sum = sums[omp_get_thread_num()];
    for (PetscInt j = 0; j < k; j++) sum[j] = 0;
#pragma omp for schedule(static)
    for (PetscInt i = 0; i < l->n_own; i++) {
      const size_t at = (size_t)i * (size_t)k;
      float *d_row = d + (size_t)i * (size_t)stride, *r = l->b + at;
      for (PetscInt j = 0; j < k; j++) {
        d_row[j] = (first ? 0 : d_row[j]) + a[j] * o->p[at + j];
        r[j] -= a[j] * q[at + j];
        sum[j] += (double)(r[j] * r[j]);
      }
    }
  }
  PetscCall(Total(h->comm, k, sums, rr));
  PetscFunctionReturn(0);
}

/* p = z + beta p; at first z */
static void Direction(const SpanLevel *l, const SpanCorrection *o, PetscBool first, const double *beta, const float *z)
{
  float b[width];
  for (PetscInt j = 0; j < o->k; j++) b[j] = (float)beta[j];
#pragma omp parallel for schedule(static)
  for (PetscInt i = 0; i < l->n_own; i++)
    for (PetscInt j = 0; j < o->k; j++) o->p[i * o->k + j] = z[i * o->k + j] + (first ? 0 : b[j] * o->p[i * o->k + j]);
}

PetscErrorCode SpanCorrect(SpanHierarchy *h, int number, const SpanCorrection *o, PetscInt stride, float *d,
                           PetscInt *iterations)
{
  const PetscInt k = o->k;
  SpanLevel *l     = &h->level[number];
  double(*sums)[width], rz[width], before[width] = {0}, pq[width], alpha[width], beta[width], rr[width], last[width];
  PetscBool open = PETSC_TRUE;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(omp_get_max_threads(), &sums));
  for (PetscInt j = 0; j < k; j++) rr[j] = INFINITY;
  for (PetscInt step = 0; step < o->most && open; step++) {
    float *z;
    PetscCall(SpanVCycle(h, number, k, o->shift, &z));
    PetscCall(Project(h, l, o, z, sums, rz));
    for (PetscInt j = 0; j < k; j++) {
      beta[j]   = before[j] > 0 ? rz[j] / before[j] : 0;
      before[j] = rz[j];
    }
    Direction(l, o, (PetscBool)!step, beta, z);
    PetscCall(Apply(h, l, o, z, sums, pq)); /* z is free by now */
    for (PetscInt j = 0; j < k; j++) {
      const PetscBool done = (PetscBool)(rr[j] <= o->goal[j] * o->goal[j]);
      alpha[j]             = !done && pq[j] > 0 && rz[j] > 0 ? rz[j] / pq[j] : 0;
    }
    PetscCall(PetscArraycpy(last, rr, k));
    PetscCall(Advance(h, l, o, (PetscBool)!step, alpha, z, stride, d, sums, rr));
    open = PETSC_FALSE;
    for (PetscInt j = 0; j < k; j++)
      open = (PetscBool)(open || (alpha[j] > 0 && rr[j] > o->goal[j] * o->goal[j] && rr[j] < stalled * last[j]));
    ++*iterations;
  }
  PetscCall(PetscFree(sums));
  PetscFunctionReturn(0);
}
