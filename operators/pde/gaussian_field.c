/* Gaussian random fields: normals by mode, scaled by the square roots of the covariance's eigenvalues, one transform.

   Neumann: a cosine transform of the first kind along each axis (FFTW's REDFT00, which doubles all but the first and
   last coefficient). Periodic: FFTW's complex-to-real transform of the half of the modes whose last index is not
   negative; where it is 0, modes k and -k are both there and get conjugates. Source: the Karhunen-Loeve expansion, as
   in Li et al., arXiv 2010.08895, section A.3. */
#include <subspan/base/random.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <complex.h>
#include <fftw3.h>
#include <math.h>
#include <string.h>

struct SpanGaussianField_ {
  SpanGaussianOptions o;
  PetscInt n_last;       /* modes along the last axis */
  double complex *modes; /* periodic: (n[0], .., n_last) */
  double *work;          /* Neumann: (n), on 16 bytes as FFTW's vector code needs */
  float *normals;        /* of a row of modes */
  fftw_plan plan;
};

static PetscInt Points(const SpanGaussianOptions *o)
{
  PetscInt n = 1;
  for (int i = 0; i < o->n_dims; i++) n *= o->n[i];
  return n;
}

static PetscInt Rows(const SpanGaussianOptions *o) { return Points(o) / o->n[o->n_dims - 1]; }

double SpanGaussianFieldMemory(const SpanGaussianOptions *o)
{
  return 8 * (double)Points(o) * (o->boundary == SPAN_GAUSSIAN_PERIODIC ? 2 + 2 / (double)o->n[o->n_dims - 1] : 1);
}

PetscErrorCode SpanGaussianFieldCreate(const SpanGaussianOptions *options, SpanGaussianField *field)
{
  SpanGaussianField f;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&f));
  f->o                         = *options;
  const SpanGaussianOptions *o = &f->o;
  const PetscInt last          = o->n[o->n_dims - 1];
  f->n_last                    = o->boundary == SPAN_GAUSSIAN_PERIODIC ? last / 2 + 1 : last;
  PetscCall(PetscMalloc1(2 * f->n_last, &f->normals));
  int n[3];
  fftw_r2r_kind kinds[3] = {FFTW_REDFT00, FFTW_REDFT00, FFTW_REDFT00};
  for (int i = 0; i < o->n_dims; i++) n[i] = (int)o->n[i];
  /* ESTIMATE: plans that are timed change the bits from run to run. */
  if (o->boundary == SPAN_GAUSSIAN_PERIODIC) {
    f->modes = fftw_alloc_complex((size_t)(Rows(o) * f->n_last));
    f->work  = fftw_alloc_real((size_t)Points(o));
    PetscCheck(f->modes && f->work, PETSC_COMM_SELF, PETSC_ERR_MEM, "a field's memory");
    f->plan = fftw_plan_dft_c2r(o->n_dims, n, f->modes, f->work, FFTW_ESTIMATE);
  } else {
    f->work = fftw_alloc_real((size_t)Points(o));
    PetscCheck(f->work, PETSC_COMM_SELF, PETSC_ERR_MEM, "a field's memory");
    f->plan = fftw_plan_r2r(o->n_dims, n, f->work, f->work, kinds, FFTW_ESTIMATE);
  }
  PetscCheck(f->plan, PETSC_COMM_SELF, PETSC_ERR_LIB, "FFTW has no plan for this grid");
  *field = f;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGaussianFieldDestroy(SpanGaussianField *field)
{
  PetscFunctionBeginUser;
  if (!*field) PetscFunctionReturn(0);
  fftw_destroy_plan((*field)->plan);
  fftw_free((*field)->modes);
  fftw_free((*field)->work);
  PetscCall(PetscFree((*field)->normals));
  PetscCall(PetscFree(*field));
  PetscFunctionReturn(0);
}

/* 0, 1, 2, .. for 0, -1, 1, -2, ..: the same number on every grid. */
static uint64_t Fold(PetscInt k) { return k >= 0 ? 2 * (uint64_t)k : 2 * (uint64_t)(-k) - 1; }

/* The index of the first random number of a row of modes k: 2^21 numbers a row, 2^21 rows a plane. */
static uint64_t RowIndex(int n_outer, const PetscInt k[])
{
  uint64_t index = 0;
  for (int i = 0; i < n_outer; i++) index = (index << 21) | Fold(k[i]);
  return index << 21;
}

/* The outer frequencies of a row, and the part of |k/L|^2 that is theirs. */
static double OuterFrequencies(const SpanGaussianOptions *o, PetscInt row, PetscInt k[])
{
  double square = 0;
  for (int i = o->n_dims - 2; i >= 0; i--) {
    k[i] = row % o->n[i];
    row /= o->n[i];
    if (o->boundary == SPAN_GAUSSIAN_PERIODIC && k[i] > (o->n[i] - 1) / 2) k[i] -= o->n[i];
    square += pow((double)k[i] / o->length[i], 2);
  }
  return square;
}

static PetscBool IsNyquist(PetscInt k, PetscInt n) { return (PetscBool)(n % 2 == 0 && 2 * PetscAbsInt(k) == n); }

static void NeumannRow(SpanGaussianField f, uint64_t seed, uint32_t sample, PetscInt row)
{
  const SpanGaussianOptions *o = &f->o;
  const int outer              = o->n_dims - 1;
  PetscInt k[3]                = {0};
  const double square = OuterFrequencies(o, row, k), length = o->length[outer];
  double *modes = f->work + row * f->n_last, scale = o->sigma;
  PetscBool top = PETSC_FALSE;
  /* sqrt(2) by mode and 1/2 by the transform, for each axis on which k is not 0. */
  for (int i = 0; i < outer; i++) {
    if (k[i]) scale *= M_SQRT1_2;
    if (k[i] == o->n[i] - 1) top = PETSC_TRUE;
  }
  SpanRandomNormals(seed, SPAN_RANDOM_FIELD, sample, RowIndex(outer, k), (size_t)f->n_last, f->normals);
  for (PetscInt j = 0; j < f->n_last; j++) {
    const double lambda = M_PI * M_PI * (square + pow((double)j / length, 2)) + o->tau * o->tau;
    modes[j]            = scale * (j ? M_SQRT1_2 : 1) * pow(lambda, -o->alpha / 2) * (double)f->normals[j];
  }
  modes[f->n_last - 1] = 0;
  if (row == 0) modes[0] = 0;
  if (top) memset(modes, 0, (size_t)f->n_last * sizeof *modes);
}

/* Of modes k and -k with last index 0 the one whose first frequency that is not 0 is positive has the numbers. */
static PetscBool IsMirror(int n, const PetscInt k[])
{
  for (int i = 0; i < n; i++)
    if (k[i]) return (PetscBool)(k[i] < 0);
  return PETSC_FALSE;
}

static void PeriodicRow(SpanGaussianField f, uint64_t seed, uint32_t sample, PetscInt row)
{
  const SpanGaussianOptions *o = &f->o;
  const int outer              = o->n_dims - 1;
  PetscInt k[3]                = {0}, opposite[3];
  const double square = OuterFrequencies(o, row, k), length = o->length[outer];
  double complex *modes = f->modes + row * f->n_last;
  PetscBool top         = PETSC_FALSE;
  for (int i = 0; i < outer; i++) {
    if (IsNyquist(k[i], o->n[i])) top = PETSC_TRUE;
    opposite[i] = -k[i];
  }
  SpanRandomNormals(seed, SPAN_RANDOM_FIELD, sample, RowIndex(outer, k), 2 * (size_t)f->n_last, f->normals);
  const PetscBool mirror = IsMirror(outer, k);
  if (mirror) SpanRandomNormals(seed, SPAN_RANDOM_FIELD, sample, RowIndex(outer, opposite), 2, f->normals);
  for (PetscInt j = 0; j < f->n_last; j++) {
    const double lambda = 4 * M_PI * M_PI * (square + pow((double)j / length, 2)) + o->tau * o->tau;
    const double size   = o->sigma * M_SQRT1_2 * pow(lambda, -o->alpha / 2);
    modes[j]            = size * ((double)f->normals[2 * j] + I * (double)f->normals[2 * j + 1]);
  }
  if (mirror) modes[0] = conj(modes[0]);
  if (row == 0) modes[0] = 0;
  if (IsNyquist(f->n_last - 1, o->n[outer])) modes[f->n_last - 1] = 0;
  if (top) memset(modes, 0, (size_t)f->n_last * sizeof *modes);
}

PetscErrorCode SpanGaussianFieldSample(SpanGaussianField f, uint64_t seed, uint32_t sample, double *u)
{
  const PetscInt rows = Rows(&f->o);
  PetscFunctionBeginUser;
  for (PetscInt row = 0; row < rows; row++) {
    if (f->o.boundary == SPAN_GAUSSIAN_PERIODIC)
      PeriodicRow(f, seed, sample, row);
    else
      NeumannRow(f, seed, sample, row);
  }
  fftw_execute(f->plan);
  memcpy(u, f->work, (size_t)Points(&f->o) * sizeof *u);
  PetscFunctionReturn(0);
}
