/* Hermitian eigenproblems by LAPACK's divide and conquer. */
#include <subspan/operators/imaging/hermitian.h>
#include <petscblaslapack.h>

extern void cherk_(const char *, const char *, const int *, const int *, const float *, const float complex *,
                   const int *, const float *, float complex *, const int *);
extern void cheevd_(const char *, const char *, const int *, float complex *, const int *, float *, float complex *,
                    const int *, float *, const int *, int *, const int *, int *);

PetscErrorCode SpanHermitianEigen(int n, float complex *a, float *values)
{
  int info, lwork = -1, lrwork = -1, liwork = -1, iwork_size;
  float complex work_size, *work;
  float rwork_size, *rwork;
  int *iwork;
  PetscFunctionBeginUser;
  cheevd_("V", "L", &n, a, &n, values, &work_size, &lwork, &rwork_size, &lrwork, &iwork_size, &liwork, &info);
  lwork  = (int)crealf(work_size);
  lrwork = (int)rwork_size;
  liwork = iwork_size;
  PetscCall(PetscMalloc3(lwork, &work, lrwork, &rwork, liwork, &iwork));
  cheevd_("V", "L", &n, a, &n, values, work, &lwork, rwork, &lrwork, iwork, &liwork, &info);
  PetscCall(PetscFree3(work, rwork, iwork));
  PetscCheck(!info, PETSC_COMM_SELF, PETSC_ERR_LIB, "LAPACK cheevd of a %d x %d matrix: info %d", n, n, info);
  PetscFunctionReturn(0);
}

void SpanHermitianProduct(int n, int m, const float complex *x, float complex *out)
{
  float one = 1, zero = 0;
  cherk_("L", "N", &n, &m, &one, x, &n, &zero, out, &n);
}
