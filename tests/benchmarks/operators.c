/* The imaging operators against this machine, in one run: what BLAS reaches of its multiply-adds and memory bandwidth
   first, then A'A of 256 x 256 x 8 with its flops and bytes counted, then the radial NUFFT against the exact sum and
   its pair against the Toeplitz form. Threads: OMP_NUM_THREADS, or --threads.

     build/release/tests/benchmark-operators */
#include "machine.h"
#include <complex.h>
#include <math.h>
#include <omp.h>
#include <slepcsys.h>
#include <stdlib.h>
#include <subspan/base/initialize.h>
#include <subspan/base/random.h>
#include <subspan/operators/imaging/sense.h>

enum { n = 256, n_coils = 8, spokes = 402, samples = 512 };

static float complex *Random(PetscInt size, uint32_t step)
{
  float complex *x;
  PetscCallAbort(PETSC_COMM_SELF, PetscMalloc1(size, &x));
  for (PetscInt i = 0; i < size; i++) {
    double v[2];
    SpanRandomNormal(1, SPAN_RANDOM_TEST, step, (uint64_t)i, v);
    x[i] = (float)v[0] + I * (float)v[1];
  }
  return x;
}

/* flops: 5 N log2 N a complex FFT, 6 a product with the map and 8 with its conjugate and sum, 2 for the mask. bytes:
   what must move if nothing but maps, image and result leaves the caches: maps once, image in, result out. */
static PetscErrorCode Normal(const char name[], PetscBool lines, double flops_limit, double bytes_limit)
{
  float *mask;
  float complex *x = Random(n * n, 2), *out;
  SpanCoils coils  = {1, n_coils, n * n, Random(n_coils * n * n, 3)};
  SpanSense sense;
  double seconds;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n * n, &mask, n * n, &out));
  for (PetscInt i = 0; i < n * n; i++)
    mask[i] = lines ? i % n % 4 == 0 : SpanRandomUniform(2, SPAN_RANDOM_TEST, 4, (uint64_t)i) < 0.25;
  PetscCall(SpanSenseCreate(PETSC_COMM_SELF, n, n, &coils, mask, NULL, NULL, &sense));
  FASTEST(seconds, SpanSenseNormal(sense, x, out));
  double points = (double)n * n * n_coils, flops = points * (2 * 5 * (lines ? 8 : 16) + 2 + 6 + 8),
         bytes = 8 * (points + 2. * n * n), least = fmax(flops / flops_limit, bytes / bytes_limit);
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "A'A %-12s %7.3f ms  %7.2f Mflop  %6.1f GFLOP/s (%4.1f %% of sgemm)  %6.2f MB  %5.1f GB/s "
                        "(%4.1f %%)  limit %.3f ms, share %.0f %%\n",
                        name, 1e3 * seconds, flops / 1e6, flops / seconds / 1e9, 100 * flops / seconds / flops_limit,
                        bytes / 1e6, bytes / seconds / 1e9, 100 * bytes / seconds / bytes_limit, 1e3 * least,
                        100 * least / seconds));
  PetscCall(SpanSenseDestroy(&sense));
  PetscCall(PetscFree2(mask, out));
  PetscCall(PetscFree(x));
  PetscCall(PetscFree(coils.maps));
  PetscFunctionReturn(0);
}

/* Relative distance to the exact sum at every 64th sample (forward) and every 64th pixel (adjoint). */
static PetscErrorCode Exact(PetscInt points, const float *k, const float complex *image, const float complex *forward,
                            const float complex *data, const float complex *adjoint, double error[2])
{
  double wrong[2] = {0, 0}, size[2] = {0, 0};
  PetscFunctionBeginUser;
#pragma omp parallel for reduction(+ : wrong, size)
  for (PetscInt j = 0; j < points; j += 64) {
    double complex sum = 0;
    for (PetscInt p = 0; p < n * n; p++)
      sum += image[p] *
             cexp(-2 * M_PI * I / n *
                  ((double)k[2 * j + 1] * (double)(p / n - n / 2) + (double)k[2 * j] * (double)(p % n - n / 2)));
    sum /= n;
    wrong[0] += pow(cabs(sum - (double complex)forward[j]), 2);
    size[0] += pow(cabs(sum), 2);
  }
#pragma omp parallel for reduction(+ : wrong, size)
  for (PetscInt p = 0; p < n * n; p += 64) {
    double complex sum = 0;
    for (PetscInt j = 0; j < points; j++)
      sum +=
          data[j] * cexp(2 * M_PI * I / n *
                         ((double)k[2 * j + 1] * (double)(p / n - n / 2) + (double)k[2 * j] * (double)(p % n - n / 2)));
    sum /= n;
    wrong[1] += pow(cabs(sum - (double complex)adjoint[p]), 2);
    size[1] += pow(cabs(sum), 2);
  }
  for (int i = 0; i < 2; i++) error[i] = sqrt(wrong[i] / size[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Radial(void)
{
  PetscInt points = spokes * samples;
  float *k;
  float complex *image = Random(n * n, 5), *data = Random(points, 6), *forward, *adjoint;
  double error[2], pair, toeplitz_seconds;
  SpanNufft nufft;
  SpanToeplitz toeplitz;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(2 * points, &k, points, &forward, n * n, &adjoint));
  for (PetscInt j = 0; j < points; j++) {
    double angle = M_PI * (double)(j / samples) / spokes, r = (double)n * ((double)(j % samples) / samples - 0.5);
    k[2 * j]     = (float)(r * cos(angle));
    k[2 * j + 1] = (float)(r * sin(angle));
  }
  PetscCall(SpanNufftCreate(n, n, points, k, &nufft));
  PetscCall(SpanToeplitzCreate(n, n, points, k, NULL, &toeplitz));
  PetscCall(SpanNufftForward(nufft, 1, image, forward));
  PetscCall(SpanNufftAdjoint(nufft, 1, data, adjoint));
  PetscCall(Exact(points, k, image, forward, data, adjoint, error));
  FASTEST(pair, SpanNufftForward(nufft, 1, image, forward) || SpanNufftAdjoint(nufft, 1, forward, adjoint));
  FASTEST(toeplitz_seconds, SpanToeplitzApply(toeplitz, 1, image, adjoint));
  PetscCall(PetscPrintf(PETSC_COMM_SELF,
                        "radial %d x %d onto %d x %d: error against the exact sum %.1e, adjoint %.1e; pair %.2f ms, "
                        "Toeplitz %.2f ms, %.1f times faster\n",
                        spokes, samples, n, n, error[0], error[1], 1e3 * pair, 1e3 * toeplitz_seconds,
                        pair / toeplitz_seconds));
  PetscCall(SpanNufftDestroy(&nufft));
  PetscCall(SpanToeplitzDestroy(&toeplitz));
  PetscCall(PetscFree3(k, forward, adjoint));
  PetscCall(PetscFree(image));
  PetscCall(PetscFree(data));
  PetscFunctionReturn(0);
}

int main(int argc, char **argv)
{
  double load = 0, flops = 0, bytes = 0;
  PetscCall(SlepcInitialize(&argc, &argv, NULL, NULL));
  PetscCall(SpanInitialize());
  if (getloadavg(&load, 1) < 1) load = -1;
  PetscCall(PeakFlops(&flops));
  PetscCall(PeakBytes(&bytes));
  PetscCall(PetscPrintf(PETSC_COMM_SELF, "load %.2f; %d threads; sgemm %.0f GFLOP/s, %.1f GB/s\n", load,
                        omp_get_max_threads(), flops / 1e9, bytes / 1e9));
  PetscCall(Normal("uniform 4x", PETSC_TRUE, flops, bytes));
  PetscCall(Normal("random 4x", PETSC_FALSE, flops, bytes));
  PetscCall(Radial());
  PetscCall(SlepcFinalize());
  return 0;
}
