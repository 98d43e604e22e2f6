/* Noise level from the median power of outer samples. */
#include <subspan/operators/imaging/noise.h>
#include <math.h>
#include <stdlib.h>

static int Ascending(const void *a, const void *b)
{
  float x = *(const float *)a, y = *(const float *)b;
  return (x > y) - (x < y);
}

double SpanNoiseFromPower(PetscInt n, float *power)
{
  if (n <= 0) return 0;
  qsort(power, (size_t)n, sizeof *power, Ascending);
  return sqrt((double)power[n / 2] / (2 * M_LN2));
}
