/* dds: the Decomposed Diffusion Sampler of volumes (Chung, Lee, Ye, ICLR 2024, arXiv 2303.05754) by a prior of slices.
   A step from noise level s to the next one, r, on v, the volume in the prior's units:

     v0  = D(v; s)                                         slice by slice: one evaluation of the network
     v0' = the data's say (consistency.h)
     m   = m + a (v0' - m)                                 the mean of what the steps found; m = v0' at first
     v   = m + k r (eta z + sqrt(1 - eta^2) (v - v0) / s)  z: new noise (noise_z.h)

   Each v0' of a noise is a sample of what D could find. Their running mean is nearer to the mean of the posterior,
   which has the least squared error, without more evaluations. k = 0 adds no noise: what D has to remove is then the
   error of m alone, as in plug-and-play methods (Zhang et al., DPIR, arXiv 2008.13751), and few steps suffice. a = k =
   1 is the published sampler, whose result is a sample.

   Samples. Each is a whole run from the same start with other noise; the result is their mean, and how much they
   differ.

   Units. With a prior in HU v = scale (HU - low) but for a constant: v = scale mu, and the prior sees v + shift; a
   prior without units gets the scale at which as much of the start is bright as in its training. */
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/base/report.h>
#include <subspan/solvers/recon/ct/consistency.h>
#include <subspan/solvers/recon/ct/noise_z.h>
#include <subspan/solvers/recon/ct/problem.h>
#include <subspan/solvers/recon/levels.h>
#include <math.h>
#include <string.h>

typedef struct {
  const SpanCTProblem *problem;
  const SpanReconSamplerOptions *options;
  PetscInt n, plane; /* voxels here, of a slice */
  PetscInt samples;
  SpanNoiseZ noise;
  SpanConsistency consistency;
  double *levels;
  double scale, shift; /* v = scale mu; the prior's input less v */
  float *v, *estimate, *slice, *anchors;
  float *start, *mean, *squares; /* with several samples: the first, and of those that are done the mean and the sum of
                                    squares around it */
  float *average;                /* m; NULL with a = 1 */
  SpanTensor tensor;             /* around slice */
} Dds;

static PetscErrorCode Choices(Dds *d)
{
  const SpanReconSamplerOptions *o = d->options;
  PetscInt choice;
  PetscBool found;
  PetscFunctionBeginUser;
  PetscCall(PetscEListFind(3, SpanNoiseZNames, d->problem->options->ct.along_z, &choice, &found));
  d->noise = (SpanNoiseZ)choice;
  PetscCall(PetscEListFind(4, SpanScheduleNames, o->schedule, &choice, &found));
  PetscCall(SpanScheduleLevels((SpanScheduleKind)choice, o->steps, o->sigma_max, o->sigma_min, d->levels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Deviation(SpanCTSolver solver, float *deviation)
{
  const Dds *d      = solver->data;
  const float scale = (float)(1 / d->scale), share = 1 / (float)PetscMax(1, d->samples - 1);
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < d->n; i++) deviation[i] = scale * sqrtf(share * d->squares[i]);
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(SpanCTSolver solver)
{
  const SpanCTProblem *p        = solver->problem;
  const SpanPriorConfig *config = SpanPriorGetConfig(p->prior->prior);
  Dds *d;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&d));
  solver->data  = d;
  d->problem    = p;
  d->options    = &p->options->sampler;
  d->n          = p->local->voxels;
  d->plane      = p->geometry->ny * p->geometry->nx;
  d->samples    = p->options->samples;
  solver->steps = d->samples * d->options->steps;
  PetscCall(PetscMalloc1(d->options->steps + 1, &d->levels));
  PetscCall(Choices(d));
  PetscCall(PetscCalloc4(d->n, &d->v, d->n, &d->estimate, d->plane, &d->slice, 2 * d->plane, &d->anchors));
  const PetscInt several = d->samples > 1 ? d->n : 0;
  PetscCall(PetscCalloc3(several, &d->start, several, &d->mean, several, &d->squares));
  if (p->options->ct.average < 1) PetscCall(PetscCalloc1(d->n, &d->average));
  PetscCall(SpanTensorWrap(SpanTapeArena(p->prior->tape), 4, (PetscInt64[4]){1, p->geometry->ny, p->geometry->nx, 1},
                           d->slice, &d->tensor));
  if (config->units == SPAN_PRIOR_HU) {
    d->scale = 1000 * config->scale / p->water;
    d->shift = config->scale * (-1000 - config->low);
  }
  PetscCall(SpanConsistencyCreate(p, &d->consistency));
  solver->state[0] = (SpanCTState){"v", SPAN_CT_STATE_VOLUME, 1, d->v};
  solver->state[1] = (SpanCTState){"scale", SPAN_CT_STATE_NUMBERS, 1, &d->scale};
  solver->n_state  = 2;
  SpanConsistencyState(d->consistency, solver);
  if (d->average) solver->state[solver->n_state++] = (SpanCTState){"average", SPAN_CT_STATE_VOLUME, 1, d->average};
  if (d->samples > 1) {
    solver->deviation                = Deviation;
    solver->state[solver->n_state++] = (SpanCTState){"start", SPAN_CT_STATE_VOLUME, 1, d->start};
    solver->state[solver->n_state++] = (SpanCTState){"mean", SPAN_CT_STATE_VOLUME, 1, d->mean};
    solver->state[solver->n_state++] = (SpanCTState){"squares", SPAN_CT_STATE_VOLUME, 1, d->squares};
  }
  PetscFunctionReturn(0);
}

/* The start ------------------------------------------------------------------------------------------------------- */

/* The volume of another method with its defaults, in 1/mm. */
static PetscErrorCode Other(const SpanCTProblem *problem, const char name[], float *volume)
{
  SpanCTProblem p = *problem;
  SpanCTSolver solver;
  PetscFunctionBeginUser;
  p.strength   = -1;
  p.iterations = 0;
  p.tolerance  = 0;
  p.prior      = NULL;
  PetscCall(SpanCTSolverCreate(SpanCTMethodFind(name), &p, &solver));
  while (!solver->done) PetscCall(solver->method->step(solver));
  PetscCall(solver->method->volume(solver, volume));
  PetscCall(SpanCTSolverDestroy(&solver));
  PetscFunctionReturn(0);
}

/* How many voxels of all ranks are above `level`. */
static PetscErrorCode Above(const Dds *d, const float *volume, double level, double *count)
{
  PetscFunctionBeginUser;
  *count = 0;
  for (PetscInt i = 0; i < d->n; i++) *count += (double)volume[i] > level;
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, count, 1, MPI_DOUBLE, MPI_SUM, d->problem->local->comm));
  PetscFunctionReturn(0);
}

/* The scale at which `volume` has as much above the data level as the prior's training images: by bisection, on whole
   numbers, which any number of ranks agrees on. What is below a hundredth of the top counts as air. */
static PetscErrorCode FindScale(Dds *d, const float *volume)
{
  const SpanPriorConfig *config = SpanPriorGetConfig(d->problem->prior->prior);
  double low = 0, high = 0, all, above;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < d->n; i++) high = PetscMax(high, (double)volume[i]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &high, 1, MPI_DOUBLE, MPI_MAX, d->problem->local->comm));
  PetscCall(Above(d, volume, 0.01 * high, &all));
  for (int i = 0; i < 30; i++) {
    const double middle = 0.5 * (low + high);
    PetscCall(Above(d, volume, middle, &above));
    if (above > (1 - config->data_share) * all)
      low = middle;
    else
      high = middle;
  }
  d->scale = high > 0 ? config->data_level / high : 1;
  PetscFunctionReturn(0);
}

/* v gets k times `amount` of noise. */
static void AddNoise(Dds *d, PetscInt draw, double amount, float *noise)
{
  const SpanSlabsInfo *l = d->problem->local;
  const float factor     = (float)(d->problem->options->ct.noise * amount);
  if (factor == 0) return;
  SpanNoiseZDraw(d->noise, d->problem->seed, draw, d->problem->geometry->nz, d->plane, l->first_slice, l->n_slices,
                 d->anchors, noise);
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->n; i++) d->v[i] += factor * noise[i];
}

/* v without noise: of another method, or 0. */
static PetscErrorCode StartVolume(Dds *d)
{
  const SpanCTProblem *p   = d->problem;
  const PetscBool empty    = (PetscBool)!strcmp(d->options->start, "noise");
  const PetscBool known    = (PetscBool)(SpanPriorGetConfig(p->prior->prior)->units == SPAN_PRIOR_HU);
  const char *const method = !strcmp(d->options->start, "tv")    ? "tv"
                             : p->geometry->kind == SPAN_CT_CONE ? "fdk"
                                                                 : "fbp";
  PetscFunctionBeginUser;
  PetscCall(PetscArrayzero(d->v, d->n));
  if (!empty || !known) PetscCall(Other(p, method, d->v));
  if (!known) PetscCall(FindScale(d, d->v));
  for (PetscInt i = 0; i < d->n; i++) d->v[i] = empty ? 0 : (float)d->scale * d->v[i];
  PetscFunctionReturn(0);
}

/* The start of a sample; draw: the number of its first noise. */
static PetscErrorCode Start(Dds *d, PetscInt draw)
{
  const double first = d->levels[0];
  /* A variance-preserving chain starts at noise alone, of variance 1: that of the data is in it. */
  const PetscBool alone = (PetscBool)(!strcmp(d->options->start, "noise") && !strncmp(d->options->schedule, "vp", 2));
  PetscFunctionBeginUser;
  if (draw == 0) {
    PetscCall(StartVolume(d));
    if (d->samples > 1) PetscCall(PetscArraycpy(d->start, d->v, d->n));
  } else {
    PetscCall(PetscArraycpy(d->v, d->start, d->n));
  }
  AddNoise(d, draw, alone ? sqrt(1 + first * first) : first, d->estimate);
  PetscFunctionReturn(0);
}

/* A step ---------------------------------------------------------------------------------------------------------- */

/* estimate = D(v; level) */
static PetscErrorCode Denoise(Dds *d, PetscInt step, double level)
{
  const SpanReconPriorProblem *prior = d->problem->prior;
  const SpanPatchGeometry *patches   = &SpanPriorGetConfig(prior->prior)->patches;
  const SpanSlabsInfo *l             = d->problem->local;
  const float shift                  = (float)d->shift;
  PetscFunctionBeginUser;
  SpanReportWorkBegin();
  for (PetscInt k = 0; k < l->n_slices; k++) {
    float *from = d->v + k * d->plane, *to = d->estimate + k * d->plane;
    const uint64_t index     = 2 * (uint64_t)(l->first_slice + k);
    const PetscInt offset[2] = {
        (PetscInt)(SpanRandomUniform(d->problem->seed, SPAN_RANDOM_SHIFT, (uint32_t)step, index) *
                   (double)patches->rows),
        (PetscInt)(SpanRandomUniform(d->problem->seed, SPAN_RANDOM_SHIFT, (uint32_t)step, index + 1) *
                   (double)patches->columns)};
    SpanTensor denoised;
    for (PetscInt i = 0; i < d->plane; i++) d->slice[i] = from[i] + shift;
    PetscCall(SpanPriorDenoise(prior->tape, prior->prior, prior->team, d->tensor, &level, offset, &denoised));
    for (PetscInt i = 0; i < d->plane; i++) to[i] = SpanTensorFloats(denoised)[i] - shift;
    PetscCall(SpanTensorDestroy(&denoised));
  }
  SpanReportWorkEnd();
  PetscFunctionReturn(0);
}

/* One more sample is done, the k-th from 0: by Welford's recurrence. */
static void AddSample(Dds *d, PetscInt k)
{
  const float share = 1 / (float)(k + 1);
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->n; i++) {
    const float step = d->v[i] - d->mean[i];
    d->mean[i] += share * step;
    d->squares[i] += step * (d->v[i] - d->mean[i]);
  }
}

/* v becomes the running mean that it enters with `share`. */
static void Average(Dds *d, double share)
{
  const float a = (float)share;
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->n; i++) d->v[i] = d->average[i] += a * (d->v[i] - d->average[i]);
}

static PetscErrorCode Step(SpanCTSolver solver)
{
  Dds *d           = solver->data;
  const PetscInt t = solver->iteration % d->options->steps, sample = solver->iteration / d->options->steps;
  const PetscInt draw =
      sample * (d->options->steps + 1) + t; /* each sample has a noise of the start and of its steps */
  const double level = d->levels[t], next = d->levels[t + 1], eta = d->options->eta;
  const float kept = (float)(d->problem->options->ct.noise * next / level * sqrt(1 - eta * eta));
  PetscFunctionBeginUser;
  if (t == 0) PetscCall(Start(d, draw));
  PetscCall(Denoise(d, draw, level));
  /* From here on v holds v0', estimate the noise that D found, as much of it as is kept. */
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->n; i++) {
    const float v0 = d->estimate[i];
    d->estimate[i] = kept * (d->v[i] - v0);
    d->v[i]        = v0;
  }
  PetscCall(SpanConsistencyStep(d->consistency, d->scale, level, (PetscBool)(t == 0), solver->iteration, d->v));
  if (d->average) Average(d, t ? d->problem->options->ct.average : 1);
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->n; i++) d->v[i] += d->estimate[i];
  if (next > 0 && eta > 0) AddNoise(d, draw + 1, next * eta, d->estimate);
  if (next == 0 && d->samples > 1) AddSample(d, sample);
  solver->iteration++;
  solver->evaluations++;
  solver->done = (PetscBool)(solver->iteration >= solver->steps);
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(SpanCTSolver solver, float *volume)
{
  const Dds *d      = solver->data;
  const float scale = (float)(1 / d->scale), *result = d->samples > 1 ? d->mean : d->v;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < d->n; i++) volume[i] = scale * result[i];
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanCTSolver solver)
{
  Dds *d = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanConsistencyDestroy(&d->consistency));
  PetscCall(SpanTensorDestroy(&d->tensor));
  PetscCall(PetscFree(d->levels));
  PetscCall(PetscFree3(d->start, d->mean, d->squares));
  PetscCall(PetscFree(d->average));
  PetscCall(PetscFree4(d->v, d->estimate, d->slice, d->anchors));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* v, estimate, average, start, mean, squares; the data's say, and before it the start; a slice and two of noise. */
static double Memory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  const double plane = (double)g->ny * (double)g->nx;
  return (6 * (double)n_slices + 3) * 4 * plane + SpanConsistencyMemory(g, n_slices, n_rows);
}

const SpanCTMethod SpanCTDDS = {"dds", Create, Step, Volume, Destroy, Memory};
