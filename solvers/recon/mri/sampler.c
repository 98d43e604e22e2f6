/* What the methods with a learned prior share. */
#include <math.h>
#include <string.h>
#include <subspan/base/random.h>
#include <subspan/io/picture.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/levels.h>
#include <subspan/solvers/recon/mri/sampler.h>

enum { first_iterations = 10 };
static const double largest_weight = 1e4;

/* out = identity in + weight A'A in */
static PetscErrorCode Normal(void *context, const float complex *in, float complex *out)
{
  SpanSampler *s = context;
  PetscFunctionBeginUser;
  const float identity = (float)s->identity, weight = (float)s->weight;
  PetscCall(SpanSenseNormal(s->problem->sense, in, s->work));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) out[i] = identity * in[i] + weight * s->work[i];
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSamplerAgree(SpanSampler *s, PetscInt step, double identity, double weight, float complex *image)
{
  const SpanReconProblem *p = s->problem;
  KSPConvergedReason reason;
  PetscFunctionBeginUser;
  s->identity     = identity;
  s->weight       = weight;
  const float one = (float)identity, pull = (float)(weight * s->scale);
  PetscCall(SpanInterleavedFromComplex(s->solution, s->n, image));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->work[i] = one * image[i] + pull * p->adjoint[i];
  PetscCall(SpanInterleavedFromComplex(s->rhs, s->n, s->work));
  PetscCall(KSPSolve(s->ksp, s->rhs, s->solution));
  PetscCall(KSPGetConvergedReason(s->ksp, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
             "slice %" PetscInt_FMT ", step %" PetscInt_FMT ": CG diverged (%s)", p->slice, step,
             KSPConvergedReasons[reason]);
  PetscReal left, right;
  PetscCall(KSPGetResidualNorm(s->ksp, &left));
  PetscCall(VecNorm(s->rhs, NORM_2, &right));
  s->residual = left / right;
  PetscCall(SpanInterleavedToComplex(s->solution, s->n, image));
  PetscFunctionReturn(0);
}

/* The scale at which `image` has as much above the data level as the prior's training images. */
static PetscErrorCode FindScale(SpanSampler *s, const float complex *image)
{
  const SpanReconProblem *p     = s->problem;
  const SpanPriorConfig *config = SpanPriorGetConfig(p->prior->prior);
  float *magnitudes             = (float *)(void *)s->noise_work;
  PetscInt n_positive           = 0;
  double top                    = 0, level;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < p->ny * p->nx; i++) {
    magnitudes[i] = cabsf(image[i]);
    top           = PetscMax(top, (double)magnitudes[i]);
  }
  /* What coil maps left out, and what is noise, is not of the head. */
  for (PetscInt i = 0; i < p->ny * p->nx; i++)
    if (magnitudes[i] > 0.01 * top) magnitudes[n_positive++] = magnitudes[i];
  if (n_positive) {
    PetscCall(SpanPicturePercentile(n_positive, magnitudes, config->data_share, &level));
    s->scale = config->data_level / level;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Levels(SpanSampler *s)
{
  const SpanReconSamplerOptions *o = s->problem->prior->options;
  const double low                 = o->sigma_min > 0 ? o->sigma_min : PetscMin(s->noise, o->sigma_max);
  PetscInt schedule;
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(PetscEListFind(4, SpanScheduleNames, o->schedule, &schedule, &found));
  PetscCall(SpanScheduleLevels((SpanScheduleKind)schedule, o->steps, o->sigma_max, low, s->levels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Start(SpanSampler *s, PetscBool noisy)
{
  const SpanReconProblem *p = s->problem;
  const PetscBool empty     = (PetscBool)!strcmp(p->prior->options->start, "noise");
  /* A variance-preserving chain starts at noise alone, of variance 1: that of the data is in it. */
  const PetscBool vp = (PetscBool)!strncmp(p->prior->options->schedule, "vp", 2);
  PetscFunctionBeginUser;
  s->scale = 1;
  PetscCall(PetscArrayzero(s->x, s->n));
  if (empty)
    PetscCall(SpanSamplerAgree(s, -1, 1, 1e3 / p->norm, s->x));
  else
    PetscCall(PetscArraycpy(s->x, p->start, s->n));
  PetscCall(FindScale(s, s->x));
  s->noise = PetscMax(s->scale * p->noise, 1e-6);
  PetscCall(Levels(s));
  for (PetscInt i = 0; i < s->n; i++) s->x[i] = empty ? 0 : (float)s->scale * s->x[i];
  if (noisy) SpanSamplerAddNoise(s, 0, empty && vp ? sqrt(1 + s->levels[0] * s->levels[0]) : s->levels[0], s->x);
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateKSP(SpanSampler *s, const char method[])
{
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 2 * s->n, &s->solution));
  PetscCall(VecDuplicate(s->solution, &s->rhs));
  PetscCall(SpanShellCreate(s->n, s->n, Normal, Normal, s, NULL, &s->normal));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &s->ksp));
  PetscCall(KSPSetOptionsPrefix(s->ksp, method));
  PetscCall(KSPAppendOptionsPrefix(s->ksp, "_"));
  PetscCall(KSPSetOperators(s->ksp, s->normal, s->normal));
  PetscCall(KSPSetType(s->ksp, KSPCG));
  PetscCall(KSPGetPC(s->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetInitialGuessNonzero(s->ksp, PETSC_TRUE));
  PetscFunctionReturn(0);
}

/* Where the random numbers of this slice and sample begin, of which each slice takes `count`. */
static uint64_t Key(const SpanSampler *s, uint64_t count)
{
  return count * (uint64_t)s->problem->slice + ((uint64_t)s->problem->sample << 40);
}

static void Draw(const SpanSampler *s, PetscInt number, float normals[])
{
  const SpanReconProblem *p = s->problem;
  SpanRandomNormals(p->seed, SPAN_RANDOM_NOISE, (uint32_t)number, Key(s, 2 * (uint64_t)s->n), (size_t)(2 * s->n),
                    normals);
}

PetscErrorCode SpanSamplerCreate(SpanReconSolver solver, PetscInt iterations, double tolerance, PetscBool noisy)
{
  const SpanReconProblem *p        = solver->problem;
  const SpanReconSamplerOptions *o = p->prior->options;
  SpanSampler *s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  solver->data   = s;
  s->problem     = p;
  s->evaluations = &solver->evaluations;
  s->n           = SpanSenseImageSize(p->sense);
  s->draw        = Draw;
  PetscCall(
      PetscCalloc5(s->n, &s->x, s->n, &s->estimate, s->n, &s->work, s->n, &s->noise_work, o->steps + 1, &s->levels));
  PetscCall(SpanTensorWrap(SpanTapeArena(p->prior->tape), 4, (PetscInt64[4]){p->n_sets, p->ny, p->nx, 2},
                           (float *)(void *)s->x, &s->tensor));
  PetscCall(CreateKSP(s, solver->method->name));
  PetscCall(KSPSetTolerances(s->ksp, 1e-6, PETSC_DEFAULT, PETSC_DEFAULT, first_iterations));
  PetscCall(Start(s, noisy));
  PetscCall(KSPSetTolerances(s->ksp, tolerance, PETSC_DEFAULT, PETSC_DEFAULT, iterations));
  PetscCall(KSPSetFromOptions(s->ksp));
  solver->strength = p->noise;
  solver->state[0] = (SpanReconState){"x", s->x, (size_t)s->n * sizeof *s->x};
  solver->state[1] = (SpanReconState){"evaluations", &solver->evaluations, sizeof solver->evaluations};
  solver->n_state  = 2;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSamplerDestroy(SpanReconSolver solver)
{
  SpanSampler *s = solver->data;
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->normal));
  PetscCall(VecDestroy(&s->solution));
  PetscCall(VecDestroy(&s->rhs));
  PetscCall(SpanTensorDestroy(&s->tensor));
  PetscCall(PetscFree5(s->x, s->estimate, s->work, s->noise_work, s->levels));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSamplerImage(SpanReconSolver solver, float complex *image)
{
  SpanSampler *s = solver->data;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < s->n; i++) image[i] = s->x[i] / (float)s->scale;
  PetscFunctionReturn(0);
}

void SpanSamplerStepped(SpanReconSolver solver)
{
  const SpanSampler *s = solver->data;
  solver->level        = s->levels[solver->iteration];
  solver->residual     = s->residual;
  solver->iteration++;
  solver->done = (PetscBool)(solver->iteration >= solver->problem->prior->options->steps);
}

/* x, estimate, work, noise; solution, rhs and CG's three Vecs in double; the Mat's two arrays. */
PetscInt SpanSamplerWorkImages(void) { return 4 + 2 * 5 + 2; }

void SpanSamplerShift(const SpanSampler *s, PetscInt step, PetscInt offset[2])
{
  const SpanReconProblem *p        = s->problem;
  const SpanPatchGeometry *patches = &SpanPriorGetConfig(p->prior->prior)->patches;
  const uint64_t index             = Key(s, 2);
  for (int axis = 0; axis < 2; axis++)
    offset[axis] = (PetscInt)(SpanRandomUniform(p->seed, SPAN_RANDOM_SHIFT, (uint32_t)step, index + (uint64_t)axis) *
                              (double)(axis ? patches->columns : patches->rows));
}

/* out = D(x; level), or J' out if `transpose`, in the patches of this step. */
static PetscErrorCode Evaluate(SpanSampler *s, PetscInt step, double level, PetscBool transpose, float complex *out)
{
  const SpanReconPriorProblem *p = s->problem->prior;
  const PetscInt sets            = s->problem->n_sets;
  PetscInt offset[2];
  SpanTensor cotangent, result;
  double *levels;
  PetscFunctionBeginUser;
  SpanSamplerShift(s, step, offset);
  PetscCall(PetscMalloc1(sets, &levels));
  for (PetscInt i = 0; i < sets; i++) levels[i] = level;
  if (transpose) {
    PetscCall(SpanTensorWrap(SpanTapeArena(p->tape), 4, s->tensor->shape, (float *)(void *)out, &cotangent));
    PetscCall(SpanPriorDenoiseGradient(p->tape, p->prior, p->team, s->tensor, levels, offset, cotangent, &result));
    PetscCall(SpanTensorDestroy(&cotangent));
  } else {
    PetscCall(SpanPriorDenoise(p->tape, p->prior, p->team, s->tensor, levels, offset, &result));
  }
  PetscCall(PetscMemcpy(out, result->data, (size_t)s->n * sizeof *out));
  PetscCall(SpanTensorDestroy(&result));
  PetscCall(PetscFree(levels));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSamplerDenoise(SpanSampler *s, PetscInt step, double level)
{
  PetscFunctionBeginUser;
  PetscCall(Evaluate(s, step, level, PETSC_FALSE, s->estimate));
  ++*s->evaluations;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSamplerPullBack(SpanSampler *s, PetscInt step, double level, float complex *image)
{
  PetscFunctionBeginUser;
  PetscCall(Evaluate(s, step, level, PETSC_TRUE, image));
  PetscFunctionReturn(0);
}

void SpanSamplerAddNoise(SpanSampler *s, PetscInt draw, double level, float complex *image)
{
  const float amount = (float)level;
  s->draw(s, draw, (float *)(void *)s->noise_work);
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) image[i] += amount * s->noise_work[i];
}

double SpanSamplerWeight(const SpanSampler *s, double level)
{
  return PetscMin(level * level / (s->noise * s->noise), largest_weight / s->problem->norm);
}
