/* l1-wavelet SENSE (Lustig, Donoho, Pauly, MRM 58:1182, 2007) by FISTA (Beck & Teboulle, SIAM J. Imaging Sci. 2:183,
   2009): min 1/2 |A x - y|^2 + strength |W x|_1, with a random circular shift of the wavelet grid at each step (cycle
   spinning; Figueiredo & Nowak 2003). With a proximal map that changes at each step, momentum carries rounding
   errors on and makes them grow; so it ends after a while, and plain steps, which cannot make anything grow, finish. */
#include <subspan/base/events.h>
#include <subspan/base/random.h>
#include <subspan/operators/imaging/wavelet.h>
#include <subspan/solvers/recon/mri/method.h>
#include <subspan/solvers/recon/mri/strength.h>
#include <string.h>

enum { default_iterations = 140, momentum_iterations = 100, shift_range = 16, chunk = 4096 };

typedef struct {
  SpanWavelet wavelet;
  PetscInt n;
  float complex *x, *z, *work, *coefficients; /* image, extrapolated image, gradient step, one plane's coefficients */
  double t;                                   /* FISTA's momentum */
  double *parts;                              /* (chunks, 2): of |x - last x|^2, |x|^2 */
} Fista;

static PetscErrorCode Create(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Fista *f;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  solver->data = f;
  f->n         = SpanSenseImageSize(p->sense);
  f->t         = 1;
  PetscCall(SpanWaveletCreate(p->ny, p->nx, 4, 0, &f->wavelet));
  PetscCall(PetscMalloc5(f->n, &f->x, f->n, &f->z, f->n, &f->work, p->ny * p->nx, &f->coefficients,
                         2 * (f->n / chunk + 1), &f->parts));
  for (PetscInt i = 0; i < f->n; i++) f->x[i] = f->z[i] = p->adjoint[i] / (float)p->norm;
  solver->strength = p->strength >= 0 ? p->strength : SpanStrengthWavelet(p);
  solver->state[0] = (SpanReconState){"x", f->x, (size_t)f->n * sizeof *f->x};
  solver->state[1] = (SpanReconState){"z", f->z, (size_t)f->n * sizeof *f->z};
  solver->state[2] = (SpanReconState){"momentum", &f->t, sizeof f->t};
  solver->n_state  = 3;
  PetscFunctionReturn(0);
}

/* prox of strength / norm |W . |_1, one image plane a map set, on a grid shifted at random. */
static PetscErrorCode Shrink(SpanReconSolver solver, float complex *image)
{
  const SpanReconProblem *p = solver->problem;
  Fista *f                  = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventWavelet, 0, 0, 0, 0));
  uint64_t index       = (uint64_t)p->slice * 2;
  const uint32_t t     = (uint32_t)solver->iteration;
  const double range_y = (double)PetscMin(shift_range, p->ny), range_x = (double)PetscMin(shift_range, p->nx);
  PetscInt sy = (PetscInt)(range_y * SpanRandomUniform(p->seed, SPAN_RANDOM_SHIFT, t, index));
  PetscInt sx = (PetscInt)(range_x * SpanRandomUniform(p->seed, SPAN_RANDOM_SHIFT, t, index + 1));
  for (PetscInt set = 0; set < p->n_sets; set++) {
    float complex *plane = image + set * p->ny * p->nx;
    PetscCall(SpanWaveletForward(f->wavelet, sy, sx, plane, f->coefficients));
    SpanSoftThreshold(p->ny * p->nx, f->coefficients, (float)(solver->strength / p->norm));
    PetscCall(SpanWaveletAdjoint(f->wavelet, sy, sx, f->coefficients, plane));
  }
  PetscCall(PetscLogEventEnd(SpanEventWavelet, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}

/* x from the step's end in `work`, z with momentum; the squares of the change and of x, in sums whose order does not
   depend on threads. */
static void Move(Fista *f, float momentum, double *change, double *size)
{
#pragma omp parallel for
  for (PetscInt start = 0; start < f->n; start += chunk) {
    double *part = f->parts + 2 * (start / chunk), c = 0, s = 0;
    for (PetscInt i = start; i < PetscMin(start + chunk, f->n); i++) {
      float complex x = f->work[i], d = x - f->x[i];
      c += (double)(crealf(d) * crealf(d) + cimagf(d) * cimagf(d));
      s += (double)(crealf(x) * crealf(x) + cimagf(x) * cimagf(x));
      f->z[i] = x + momentum * d;
      f->x[i] = x;
    }
    part[0] = c;
    part[1] = s;
  }
  *change = *size = 0;
  for (PetscInt k = 0; k * chunk < f->n; k++) {
    *change += f->parts[2 * k];
    *size += f->parts[2 * k + 1];
  }
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Fista *f                  = solver->data;
  double change, size;
  PetscFunctionBeginUser;
  PetscCall(SpanSenseNormal(p->sense, f->z, f->work));
  float inverse = (float)(1 / p->norm);
#pragma omp parallel for
  for (PetscInt i = 0; i < f->n; i++) f->work[i] = f->z[i] + inverse * (p->adjoint[i] - f->work[i]);
  PetscCall(Shrink(solver, f->work));
  double next    = (1 + sqrt(1 + 4 * f->t * f->t)) / 2;
  PetscInt limit = p->iterations > 0 ? p->iterations : default_iterations;
  Move(f, solver->iteration < PetscMin(momentum_iterations, 5 * limit / 7) ? (float)((f->t - 1) / next) : 0, &change,
       &size);
  f->t = next;
  solver->iteration++;
  solver->change   = sqrt(change / size);
  double tolerance = p->tolerance > 0 ? p->tolerance : 5e-4;
  solver->done =
      (PetscBool)(solver->iteration >= limit || (p->iterations <= 0 && change <= tolerance * tolerance * size));
  PetscFunctionReturn(0);
}

static PetscErrorCode Image(SpanReconSolver solver, float complex *image)
{
  Fista *f = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscMemcpy(image, f->x, (size_t)f->n * sizeof *image));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanReconSolver solver)
{
  Fista *f = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanWaveletDestroy(&f->wavelet));
  PetscCall(PetscFree5(f->x, f->z, f->work, f->coefficients, f->parts));
  PetscCall(PetscFree(f));
  PetscFunctionReturn(0);
}

static PetscInt WorkImages(void) { return 5; }

const SpanReconMethod SpanReconWavelet = {"wavelet", Create, Step, Image, Destroy, WorkImages};
