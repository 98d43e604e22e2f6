/* The Decomposed Diffusion Sampler (Chung, Lee and Ye, ICLR 2024, arXiv 2303.05754) in its variance-exploding form, on
   noise levels s_1 > .. > s_T of Karras et al. (arXiv 2206.00364, equation 5):

     x0  = D(x; s_t)                                                  the prior's denoised image
     x0' = a few CG steps on (I + g A'A) x = x0 + g A'y, from x0      so that it stays in a Krylov subspace around x0
     x   = x0' + s_{t+1} (eta z + sqrt(1 - eta^2) (x - x0) / s_t)

   with g = (s_t / noise)^2, the weight of the data where a denoised image is off by s_t, at most `largest_weight`: the
   residual of CG after a few steps cannot use more. Images are scaled to the data that the prior was trained on. The
   patch grid of the prior shifts at random at each step, so that no seam stays in its place. */
#include <math.h>
#include <subspan/base/random.h>
#include <subspan/io/picture.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/method.h>

enum { inner_iterations = 5, first_iterations = 10 };
static const double largest_weight = 1e4, spacing = 7;

typedef struct {
  PetscInt n; /* complex numbers of the image, all map sets */
  KSP ksp;
  Mat normal;
  Vec x, rhs;
  float complex *image, *denoised, *work;
  float *noise;
  SpanTensor noisy; /* (sets, ny, nx, 2), around `image` */
  double scale;     /* image of the prior = scale x image of the scan */
  double weight;    /* g */
} Sampler;

/* s_t for t = 0 .. steps - 1; 0 after the last. */
static double Level(const SpanReconProblem *p, PetscInt t)
{
  const PetscInt steps = p->dds->steps;
  if (t >= steps) return 0;
  const double high = pow(p->dds->sigma_max, 1 / spacing), low = pow(p->dds->sigma_min, 1 / spacing);
  return pow(high + (steps > 1 ? (double)t / (double)(steps - 1) : 0) * (low - high), spacing);
}

/* out = in + g A'A in */
static PetscErrorCode Normal(void *context, const float complex *in, float complex *out)
{
  SpanReconSolver solver = context;
  Sampler *s             = solver->data;
  PetscFunctionBeginUser;
  const float weight = (float)s->weight;
  PetscCall(SpanSenseNormal(solver->problem->sense, in, s->work));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) out[i] = in[i] + weight * s->work[i];
  PetscFunctionReturn(0);
}

/* image = argmin |x - image|^2 + g |A x - scale y|^2, by as many CG steps as KSP is told, from `image`. */
static PetscErrorCode Agree(SpanReconSolver solver, double weight, float complex *image)
{
  const SpanReconProblem *p = solver->problem;
  Sampler *s                = solver->data;
  KSPConvergedReason reason;
  PetscFunctionBeginUser;
  s->weight        = weight;
  const float pull = (float)(weight * s->scale);
  PetscCall(SpanInterleavedFromComplex(s->x, s->n, image));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < s->n; i++) s->work[i] = image[i] + pull * p->adjoint[i];
  PetscCall(SpanInterleavedFromComplex(s->rhs, s->n, s->work));
  PetscCall(KSPSolve(s->ksp, s->rhs, s->x));
  PetscCall(KSPGetConvergedReason(s->ksp, &reason));
  PetscCheck(reason > 0 || reason == KSP_DIVERGED_ITS, PETSC_COMM_SELF, PETSC_ERR_CONV_FAILED,
             "slice %" PetscInt_FMT ", step %" PetscInt_FMT ": CG diverged (%s)", p->slice, solver->iteration,
             KSPConvergedReasons[reason]);
  PetscCall(SpanInterleavedToComplex(s->x, s->n, image));
  PetscFunctionReturn(0);
}

/* The scale at which a first image, by CG alone, has as much above the data level as the prior's training images. */
static PetscErrorCode FindScale(SpanReconSolver solver)
{
  const SpanReconProblem *p     = solver->problem;
  const SpanPriorConfig *config = SpanPriorGetConfig(p->dds->prior);
  Sampler *s                    = solver->data;
  PetscInt n_positive           = 0;
  PetscFunctionBeginUser;
  s->scale = 1;
  PetscCall(PetscArrayzero(s->image, s->n));
  PetscCall(KSPSetTolerances(s->ksp, 1e-6, PETSC_DEFAULT, PETSC_DEFAULT, first_iterations));
  PetscCall(Agree(solver, 1e3 / p->norm, s->image));
  float *magnitudes = s->noise;
  double top        = 0;
  for (PetscInt i = 0; i < p->ny * p->nx; i++) {
    magnitudes[i] = cabsf(s->image[i]);
    top           = PetscMax(top, (double)magnitudes[i]);
  }
  /* What coil maps left out, and what is noise, is not of the head. */
  for (PetscInt i = 0; i < p->ny * p->nx; i++)
    if (magnitudes[i] > 0.01 * top) magnitudes[n_positive++] = magnitudes[i];
  if (n_positive) {
    double level;
    PetscCall(SpanPicturePercentile(n_positive, magnitudes, config->data_share, &level));
    s->scale = config->data_level / level;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode AddNoise(SpanReconSolver solver, double level, double kept, const float complex *direction)
{
  const SpanReconProblem *p = solver->problem;
  Sampler *s                = solver->data;
  const float fresh = (float)level, old = (float)kept;
  PetscFunctionBeginUser;
  SpanRandomNormals(p->seed, SPAN_RANDOM_NOISE, (uint32_t)(solver->iteration + 1),
                    2 * (uint64_t)s->n * (uint64_t)p->slice + ((uint64_t)p->sample << 40), (size_t)(2 * s->n),
                    s->noise);
#pragma omp parallel for
  for (PetscInt i = 0; i < s->n; i++)
    s->image[i] += fresh * (s->noise[2 * i] + s->noise[2 * i + 1] * I) + (direction ? old * direction[i] : 0);
  PetscFunctionReturn(0);
}

static PetscErrorCode CreateKSP(SpanReconSolver solver)
{
  Sampler *s = solver->data;
  PC pc;
  PetscFunctionBeginUser;
  PetscCall(VecCreateSeq(PETSC_COMM_SELF, 2 * s->n, &s->x));
  PetscCall(VecDuplicate(s->x, &s->rhs));
  PetscCall(SpanShellCreate(s->n, s->n, Normal, Normal, solver, NULL, &s->normal));
  PetscCall(KSPCreate(PETSC_COMM_SELF, &s->ksp));
  PetscCall(KSPSetOptionsPrefix(s->ksp, "dds_"));
  PetscCall(KSPSetOperators(s->ksp, s->normal, s->normal));
  PetscCall(KSPSetType(s->ksp, KSPCG));
  PetscCall(KSPGetPC(s->ksp, &pc));
  PetscCall(PCSetType(pc, PCNONE));
  PetscCall(KSPSetInitialGuessNonzero(s->ksp, PETSC_TRUE));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Sampler *s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  solver->data = s;
  s->n         = SpanSenseImageSize(p->sense);
  PetscCall(PetscCalloc4(s->n, &s->image, s->n, &s->denoised, s->n, &s->work, 2 * s->n, &s->noise));
  PetscCall(SpanTensorWrap(SpanTapeArena(p->dds->tape), 4, (PetscInt64[4]){p->n_sets, p->ny, p->nx, 2},
                           (float *)(void *)s->image, &s->noisy));
  PetscCall(CreateKSP(solver));
  PetscCall(FindScale(solver));
  PetscCall(KSPSetTolerances(s->ksp, 1e-8, PETSC_DEFAULT, PETSC_DEFAULT, inner_iterations));
  PetscCall(KSPSetFromOptions(s->ksp));
  solver->strength  = p->noise;
  solver->iteration = -1; /* the noise of the start is that of step 0 */
  PetscCall(PetscArrayzero(s->image, s->n));
  PetscCall(AddNoise(solver, Level(p, 0), 0, NULL));
  solver->iteration = 0;
  solver->state[0]  = (SpanReconState){"x", s->image, (size_t)s->n * sizeof *s->image};
  solver->n_state   = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode Denoise(SpanReconSolver solver, double level)
{
  const SpanReconProblem *p        = solver->problem;
  const SpanPatchGeometry *patches = &SpanPriorGetConfig(p->dds->prior)->patches;
  Sampler *s                       = solver->data;
  const uint64_t index             = 2 * (uint64_t)p->slice + ((uint64_t)p->sample << 40);
  const uint32_t step              = (uint32_t)solver->iteration;
  const PetscInt offset[2]         = {
              (PetscInt)(SpanRandomUniform(p->seed, SPAN_RANDOM_SHIFT, step, index) * (double)patches->rows),
              (PetscInt)(SpanRandomUniform(p->seed, SPAN_RANDOM_SHIFT, step, index + 1) * (double)patches->columns)};
  SpanTensor denoised;
  double *levels;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(p->n_sets, &levels));
  for (PetscInt i = 0; i < p->n_sets; i++) levels[i] = level;
  PetscCall(SpanPriorDenoise(p->dds->tape, p->dds->prior, p->dds->team, s->noisy, levels, offset, &denoised));
  PetscCall(PetscMemcpy(s->denoised, denoised->data, (size_t)s->n * sizeof *s->denoised));
  PetscCall(SpanTensorDestroy(&denoised));
  PetscCall(PetscFree(levels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanReconSolver solver)
{
  const SpanReconProblem *p = solver->problem;
  Sampler *s                = solver->data;
  const double level = Level(p, solver->iteration), next = Level(p, solver->iteration + 1), eta = p->dds->eta;
  const double noise  = PetscMax(s->scale * p->noise, 1e-6);
  const double weight = PetscMin(level * level / (noise * noise), largest_weight / p->norm);
  PetscFunctionBeginUser;
  PetscCall(Denoise(solver, level));
  /* The direction of the noise that D found, before the image moves. */
  for (PetscInt i = 0; i < s->n; i++) {
    const float complex x0 = s->denoised[i];
    s->denoised[i]         = (s->image[i] - x0) / (float)level;
    s->image[i]            = x0;
  }
  PetscCall(Agree(solver, weight, s->image));
  if (next > 0) PetscCall(AddNoise(solver, next * eta, next * sqrt(1 - eta * eta), s->denoised));
  solver->iteration++;
  solver->done = (PetscBool)(solver->iteration >= p->dds->steps);
  PetscFunctionReturn(0);
}

static PetscErrorCode Image(SpanReconSolver solver, float complex *image)
{
  Sampler *s = solver->data;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < s->n; i++) image[i] = s->image[i] / (float)s->scale;
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanReconSolver solver)
{
  Sampler *s = solver->data;
  PetscFunctionBeginUser;
  PetscCall(KSPDestroy(&s->ksp));
  PetscCall(MatDestroy(&s->normal));
  PetscCall(VecDestroy(&s->x));
  PetscCall(VecDestroy(&s->rhs));
  PetscCall(SpanTensorDestroy(&s->noisy));
  PetscCall(PetscFree4(s->image, s->denoised, s->work, s->noise));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

/* image, denoised, work, noise; x, rhs and CG's three Vecs in double; the Mat's two arrays. */
static PetscInt WorkImages(void) { return 4 + 2 * 5 + 2; }

const SpanReconMethod SpanReconDDS = {"dds", Create, Step, Image, Destroy, WorkImages};
