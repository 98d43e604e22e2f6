/* A sum of 0 x is 0 unless one x is NaN or infinite: that takes a pass over memory, and the search only comes after it.
 */
#include <subspan/base/finite.h>
#include <math.h>

PetscInt64 SpanFirstNotFinite(PetscInt64 n, const float values[])
{
  float sum = 0;
#pragma omp parallel for simd reduction(+ : sum)
  for (PetscInt64 i = 0; i < n; i++) sum += 0 * values[i];
  if (sum == 0) return -1;
  for (PetscInt64 i = 0; i < n; i++)
    if (!isfinite(values[i])) return i;
  return -1;
}
