/* The median of third differences. */
#include <subspan/operators/imaging/line_noise.h>
#include <math.h>

PetscErrorCode SpanLineNoise(PetscInt n_views, PetscInt n_u, PetscInt stride, const float *lines, double *variance)
{
  const PetscInt each = n_u - 3;
  PetscInt n          = 0;
  PetscReal *sizes;
  PetscFunctionBeginUser;
  *variance = 0;
  if (each <= 0) PetscFunctionReturn(0);
  PetscCall(PetscMalloc1(n_views * each, &sizes));
  for (PetscInt a = 0; a < n_views; a++)
    for (PetscInt u = 0; u < each; u++) {
      const float *p    = lines + a * stride + u;
      const double size = fabs((double)p[3] - 3 * (double)p[2] + 3 * (double)p[1] - (double)p[0]);
      if (size > 0) sizes[n++] = size; /* rays beside the object may be exactly 0 */
    }
  if (n) {
    PetscCall(PetscSortReal(n, sizes));
    const double deviation = sizes[n / 2] / 0.6745;
    *variance              = deviation * deviation / 20;
  }
  PetscCall(PetscFree(sizes));
  PetscFunctionReturn(0);
}
