/* What this machine reaches: multiply-adds in registers and BLAS's, bandwidth of memory and of the first cache; and a
 * stopwatch. */
#pragma once
#include <math.h>
#include <omp.h>
#include <petscsys.h>
#include <subspan/operators/imaging/lanes.h>
#include <time.h>

enum { repeats = 30 };

/* Seconds: of one thread its processor time, which others' load changes little; of more, by the clock. */
static inline double Seconds(void)
{
  struct timespec t;
  if (omp_get_max_threads() > 1) return omp_get_wtime();
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

extern void openblas_set_num_threads(int n);
extern void sgemm_(const char *, const char *, const int *, const int *, const int *, const float *, const float *,
                   const int *, const float *, const int *, const float *, float *, const int *);

/* BLAS's product of two 1536 x 1536 matrices: what this machine reaches of its multiply-adds. */
static inline PetscErrorCode PeakFlops(double *flops)
{
  int m     = 1536;
  float one = 1, zero = 0, *a, *b, *c;
  double best = 1e9;
  PetscFunctionBeginUser;
  openblas_set_num_threads(omp_get_max_threads());
  PetscCall(PetscCalloc3(m * m, &a, m * m, &b, m * m, &c));
  for (int r = 0; r < 10; r++) {
    double start = Seconds();
    sgemm_("N", "N", &m, &m, &m, &one, a, &m, b, &m, &zero, c, &m);
    best = fmin(best, Seconds() - start);
  }
  PetscCall(PetscFree3(a, b, c));
  openblas_set_num_threads(1);
  *flops = 2. * m * m * m / best;
  PetscFunctionReturn(0);
}

/* Multiply-adds of 24 registers a thread, each waiting for itself alone: what the processor does at most. */
static inline PetscErrorCode PeakRegisterFlops(double *flops)
{
  enum { registers = 24, rounds = 2000000 };
  double best = 1e9;
  PetscFunctionBeginUser;
  for (int r = 0; r < 5; r++) {
    double start = Seconds();
#pragma omp parallel
    {
      SpanVector sum[registers], factor = {0}, term = {0};
      for (int i = 0; i < registers; i++) sum[i] = term;
      for (int k = 0; k < rounds; k++) {
        __asm__ volatile("" : "+x"(factor), "+x"(term)); /* not known beforehand */
#pragma GCC unroll 24
        for (int i = 0; i < registers; i++) sum[i] = sum[i] * factor + term;
      }
      for (int i = 0; i < registers; i++) __asm__ volatile("" : : "x"(sum[i]));
    }
    best = fmin(best, Seconds() - start);
  }
  *flops = 2. * span_lanes * registers * rounds * omp_get_max_threads() / best;
  PetscFunctionReturn(0);
}

/* a = b + s c over 3 x 64 MiB. */
static inline PetscErrorCode PeakBytes(double *bandwidth)
{
  PetscInt size = 1 << 24;
  float *a, *b, *c;
  double best = 1e9;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(size, &a, size, &b, size, &c));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < size; i++) a[i] = b[i] = c[i] = 1;
  for (int r = 0; r < repeats; r++) {
    double start = Seconds();
#pragma omp parallel for simd
    for (PetscInt i = 0; i < size; i++) a[i] = b[i] + 1.5f * c[i];
    best = fmin(best, Seconds() - start);
  }
  PetscCall(PetscFree3(a, b, c));
  *bandwidth = 3. * 4 * (double)size / best;
  PetscFunctionReturn(0);
}

/* a = b + s c over 3 x 8 KiB a thread: what the processor loads and stores at most. */
static inline PetscErrorCode PeakCacheBytes(double *bandwidth)
{
  enum { size = 2048, rounds = 20000 };
  double best = 1e9;
  PetscFunctionBeginUser;
  for (int r = 0; r < repeats; r++) {
    double start = Seconds();
#pragma omp parallel
    {
      float a[size] __attribute__((aligned(64))), b[size] __attribute__((aligned(64))),
          c[size] __attribute__((aligned(64)));
      for (int i = 0; i < size; i++) a[i] = b[i] = c[i] = 1;
      for (int k = 0; k < rounds; k++) {
        for (int i = 0; i < size; i += span_lanes) SpanStore(a + i, SpanLoad(b + i) + 1.5f * SpanLoad(c + i));
        __asm__ volatile("" : : "r"(a) : "memory"); /* each round is needed */
      }
    }
    best = fmin(best, Seconds() - start);
  }
  *bandwidth = 3. * 4 * size * rounds * omp_get_max_threads() / best;
  PetscFunctionReturn(0);
}

/* Seconds of the fastest of `repeats`. */
#define FASTEST(seconds, call)                                                                                         \
  do {                                                                                                                 \
    seconds = 1e9;                                                                                                     \
    for (int r_ = 0; r_ < repeats; r_++) {                                                                             \
      double start_ = Seconds();                                                                                       \
      PetscCall(call);                                                                                                 \
      seconds = fmin(seconds, Seconds() - start_);                                                                     \
    }                                                                                                                  \
  } while (0)
