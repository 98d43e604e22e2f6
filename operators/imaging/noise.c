/* Noise level from the coils' covariance far from the centre of k-space. */
#include <subspan/operators/imaging/hermitian.h>
#include <subspan/operators/imaging/noise.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static int Ascending(const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

static float Power(PetscInt n_coils, const float complex *sample)
{
  float sum = 0;
  for (PetscInt c = 0; c < n_coils; c++)
    sum += crealf(sample[c]) * crealf(sample[c]) + cimagf(sample[c]) * cimagf(sample[c]);
  return sum;
}

/* The samples with power in (0, most], moved to the front, and their powers. */
static PetscInt Keep(PetscInt n_coils, PetscInt n, float most, float complex *samples, float *power)
{
  PetscInt kept = 0;
  for (PetscInt i = 0; i < n; i++) {
    float p = Power(n_coils, samples + i * n_coils);
    if (p == 0 || p > most) continue;
    memmove(samples + kept * n_coils, samples + i * n_coils, (size_t)n_coils * sizeof *samples);
    power[kept++] = p;
  }
  return kept;
}

PetscErrorCode SpanNoise(PetscInt n_coils, PetscInt n, float complex *samples, double *noise)
{
  float *power, *values;
  float complex *covariance;
  PetscFunctionBeginUser;
  *noise = 0;
  PetscCall(PetscMalloc3(n + 1, &power, n_coils, &values, n_coils * n_coils, &covariance));
  n = Keep(n_coils, n, INFINITY, samples, power);
  if (n > 0) {
    qsort(power, (size_t)n, sizeof *power, Ascending);
    float median = power[n / 2];
    if (n_coils == 1)
      *noise = sqrt((double)median / (2 * M_LN2));
    else {
      n = Keep(n_coils, n, 4 * median, samples, power);
      SpanHermitianProduct((int)n_coils, (int)n, samples, covariance);
      PetscCall(SpanHermitianEigen((int)n_coils, covariance, values));
      const int half = (n_coils + 1) / 2;
      double low = 0, sum = 0;
      int count = 0;
      for (int c = 0; c < half; c++) low += (double)values[c] / half;
      while (count < n_coils && values[count] <= 3 * low) sum += values[count++];
      *noise = count > 0 ? sqrt(fmax(0, sum) / (2.0 * count * (double)n)) : 0;
    }
  }
  PetscCall(PetscFree3(power, values, covariance));
  PetscFunctionReturn(0);
}
