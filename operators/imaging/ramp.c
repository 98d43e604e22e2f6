/* The ramp filter by FFTW, a row at a time: two rows as one complex one would take half the time, but round each other.
 */
#include <subspan/operators/imaging/plans.h>
#include <subspan/operators/imaging/ramp.h>
#include <complex.h>
#include <fftw3.h>
#include <math.h>

struct SpanRamp_ {
  PetscInt n, length;
  fftwf_plan forward, backward;
  float *response; /* (length), with the transforms' 1 / length and the step of the sum */
};

/* The smallest 2^a or 3 2^a that holds the row and its reach. */
static PetscInt Padded(PetscInt n)
{
  PetscInt two = 4;
  while (two < 2 * n) two *= 2;
  return 3 * two / 4 >= 2 * n ? 3 * two / 4 : two;
}

static double Window(SpanRampWindow window, double w)
{
  if (window == SPAN_RAMP_HANN) return (1 + cos(M_PI * w)) / 2;
  if (window == SPAN_RAMP_SHEPP_LOGAN && w > 0) return sin(M_PI * w / 2) / (M_PI * w / 2);
  return 1;
}

/* The kernel times the step of the sum, at n pixels' distance. */
static double Kernel(PetscInt n, double pitch, PetscBool curved)
{
  if (n == 0) return 1 / (4 * pitch);
  if (n % 2 == 0) return 0;
  const double at = (double)n * pitch, reach = curved ? sin(at) : at;
  return -pitch / (M_PI * M_PI * reach * reach);
}

PetscErrorCode SpanRampCreate(PetscInt n, double pitch, PetscBool curved, SpanRampWindow window, SpanRamp *out)
{
  SpanRamp r;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&r));
  r->n      = n;
  r->length = Padded(n);
  PetscCall(SpanPlanLine(r->length, -1, &r->forward));
  PetscCall(SpanPlanLine(r->length, 1, &r->backward));
  PetscCall(PetscMalloc1(r->length, &r->response));
  float complex *kernel = (float complex *)fftwf_alloc_complex((size_t)r->length),
                *found  = (float complex *)fftwf_alloc_complex((size_t)r->length);
  PetscCheck(kernel && found, PETSC_COMM_SELF, PETSC_ERR_MEM, "ramp filter: no memory");
  for (PetscInt i = 0; i < r->length; i++) {
    const PetscInt distance = PetscMin(i, r->length - i);
    kernel[i]               = distance < n ? (float)Kernel(distance, pitch, curved) : 0;
  }
  fftwf_execute_dft(r->forward, (fftwf_complex *)kernel, (fftwf_complex *)found);
  for (PetscInt i = 0; i < r->length; i++) {
    const double w = 2 * (double)PetscMin(i, r->length - i) / (double)r->length;
    r->response[i] = (float)((double)crealf(found[i]) * Window(window, w) / (double)r->length);
  }
  fftwf_free(kernel);
  fftwf_free(found);
  *out = r;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanRampDestroy(SpanRamp *ramp)
{
  PetscFunctionBeginUser;
  if (!*ramp) PetscFunctionReturn(0);
  PetscCall(PetscFree((*ramp)->response));
  PetscCall(PetscFree(*ramp));
  PetscFunctionReturn(0);
}

static void ApplyRow(SpanRamp r, float *row, float complex *line, float complex *spectrum)
{
  for (PetscInt i = 0; i < r->n; i++) line[i] = row[i];
  for (PetscInt i = r->n; i < r->length; i++) line[i] = 0;
  fftwf_execute_dft(r->forward, (fftwf_complex *)line, (fftwf_complex *)spectrum);
  for (PetscInt i = 0; i < r->length; i++) spectrum[i] *= r->response[i];
  fftwf_execute_dft(r->backward, (fftwf_complex *)spectrum, (fftwf_complex *)line);
  for (PetscInt i = 0; i < r->n; i++) row[i] = crealf(line[i]);
}

PetscErrorCode SpanRampApply(SpanRamp r, PetscInt n_rows, PetscInt stride, float *rows)
{
  int failed = 0;
  PetscFunctionBeginUser;
#pragma omp parallel reduction(| : failed)
  {
    float complex *line     = (float complex *)fftwf_alloc_complex((size_t)r->length),
                  *spectrum = (float complex *)fftwf_alloc_complex((size_t)r->length);
    failed                  = !line || !spectrum;
#pragma omp for
    for (PetscInt i = 0; i < n_rows; i++)
      if (!failed) ApplyRow(r, rows + i * stride, line, spectrum);
    fftwf_free(line);
    fftwf_free(spectrum);
  }
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "ramp filter: no memory");
  PetscFunctionReturn(0);
}
