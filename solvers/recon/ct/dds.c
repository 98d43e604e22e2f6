/* dds: the Decomposed Diffusion Sampler of volumes (Chung, Lee, Ye, ICLR 2024, arXiv 2303.05754) by a prior of slices.
   A step from noise level s to the next one r, on v, the volume in the prior's units:

     v0  = D(v; s)                                         slice by slice: one evaluation of the network
     v0' = the data's say, and that of total variation along z (agreement.h), cut off at the bounds of a voxel
     m   = m + a (v0' - m)                                 the mean of what the steps found; m = v0' at first
     v   = m + r (eta z + sqrt(1 - eta^2) (v - v0) / s)    z: new noise (noise_z.h)

   Each v0' answers another noise: it is a sample of what D could find. Their running mean is nearer to the mean of the
   posterior, which has the least squared error, without more evaluations; a = 1 is the published sampler, a sample.

   Consistency `noisy`: tau = 1, g = s^2, W = 1 / variance of v's lines, and rho, lambda times s^2: one step towards the
   most probable volume where v0 is off by s, lines by their noise and differences along z have the density exp(-lambda
   |.|). `published`: tau = 0, W = 1, g = pi / (2 n dx^2), n views, and constant rho and lambda: the published code,
   which counts lengths in voxels and takes pi / (2 n) times the transpose for A'. `noiseless`: tau = 0, W = 1, no
   coupling.

   Samples. Each is a whole run from the same start with other noise; the result is their mean, and how much they
   differ.

   Units. With a prior in HU v = scale (HU - low) but for a constant: v = a mu, and the prior sees v + shift; a prior
   without units gets the scale at which as much of the start is bright as in its training. */
#include <subspan/base/error.h>
#include <subspan/base/random.h>
#include <subspan/base/report.h>
#include <subspan/operators/imaging/differences_z.h>
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>
#include <subspan/solvers/recon/ct/agreement.h>
#include <subspan/solvers/recon/ct/noise_z.h>
#include <subspan/solvers/recon/ct/problem.h>
#include <subspan/solvers/recon/levels.h>
#include <math.h>
#include <string.h>

enum { inner_iterations = 10 };
static const double largest_weight = 1e4; /* of the data, over the largest eigenvalue of A'WA: what CG can use */

typedef struct {
  const SpanCTProblem *problem;
  const SpanReconSamplerOptions *options;
  PetscInt n, plane; /* voxels here, of a slice */
  PetscInt samples;
  SpanNoiseZ noise;
  PetscBool noisy, published, coupled;
  double *levels;
  double least, most;        /* bounds of a voxel, 1/mm */
  double scale, shift, norm; /* v = scale mu; the prior's input less v; a bound of A'WA's eigenvalues */
  PetscBool scaled;          /* adjoint is A'W y times scale */
  float *v, *estimate, *d, *u, *slice, *anchors;
  float *start, *mean, *squares; /* with several samples: the first, and of those that are done the mean and the sum of
                                    squares around it */
  float *average;                /* m; NULL with a = 1 */
  float *weights, *lines;        /* W and work, projections */
  SpanTensor tensor;             /* around slice */
  Mat normal, difference;
  SpanAgreement agreement;
  Vec adjoint, x, vec_d, vec_u;
} Dds;

/* N = A'WA */
static PetscErrorCode Normal(void *context, const float *in, float *out)
{
  Dds *d = context;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsForward(d->problem->slabs, in, d->lines));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->problem->local->samples; i++) d->lines[i] *= d->weights[i];
  PetscCall(SpanSlabsTranspose(d->problem->slabs, d->lines, out));
  PetscFunctionReturn(0);
}

/* W, A'W y, and the bound of N: it has no negative entries, so that no eigenvalue is above the largest sum of a row. */
static PetscErrorCode Data(Dds *d)
{
  const SpanCTProblem *p = d->problem;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < p->local->samples; i++)
    d->weights[i] = d->noisy ? p->weights[i] : (float)(p->weights[i] > 0);
  for (PetscInt i = 0; i < d->n; i++) d->v[i] = 1;
  PetscCall(Normal(d, d->v, d->estimate));
  d->norm = 0;
  for (PetscInt i = 0; i < d->n; i++) d->norm = PetscMax(d->norm, (double)d->estimate[i]);
  PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, &d->norm, 1, MPI_DOUBLE, MPI_MAX, p->local->comm));
  for (PetscInt i = 0; i < p->local->samples; i++) d->lines[i] = d->weights[i] > 0 ? d->weights[i] * p->lines[i] : 0;
  PetscCall(SpanSlabsTranspose(p->slabs, d->lines, d->estimate));
  PetscCall(SpanVecFromFloats(d->adjoint, d->n, d->estimate));
  PetscCall(PetscArrayzero(d->v, d->n));
  PetscFunctionReturn(0);
}

static PetscErrorCode Vectors(Dds *d)
{
  const SpanCTProblem *p = d->problem;
  const SpanCTOptions *o = &p->options->ct;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsCreateVec(p->slabs, SPAN_SLAB_VOLUME, &d->adjoint));
  PetscCall(VecDuplicate(d->adjoint, &d->x));
  PetscCall(SpanShellCreateReal(p->local->comm, d->n, d->n, Normal, Normal, d, NULL, &d->normal));
  if (d->coupled) {
    PetscCall(VecDuplicate(d->adjoint, &d->vec_d));
    PetscCall(VecDuplicate(d->adjoint, &d->vec_u));
    PetscCall(SpanDifferencesZCreateMat(p->local->comm, p->local->n_slices, d->plane,
                                        (PetscBool)!strcmp(o->ends, "periodic"), &d->difference));
  }
  PetscCall(SpanAgreementCreate(d->normal, d->difference, d->adjoint, "dds_", inner_iterations, &d->agreement));
  PetscFunctionReturn(0);
}

static PetscErrorCode Choices(Dds *d)
{
  const SpanReconSamplerOptions *o = d->options;
  PetscInt choice;
  PetscBool found;
  PetscFunctionBeginUser;
  d->noisy     = (PetscBool)!strcmp(o->consistency, "noisy");
  d->published = (PetscBool)!strcmp(o->consistency, "published");
  d->coupled   = (PetscBool)(d->problem->options->ct.rho > 0 && strcmp(o->consistency, "noiseless"));
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
  SpanCTBounds(p, &d->least, &d->most);
  PetscCall(PetscMalloc1(d->options->steps + 1, &d->levels));
  PetscCall(Choices(d));
  const PetscInt coupled = d->coupled ? d->n : 0;
  PetscCall(PetscCalloc6(d->n, &d->v, d->n, &d->estimate, coupled, &d->d, coupled, &d->u, d->plane, &d->slice,
                         2 * d->plane, &d->anchors));
  const PetscInt several = d->samples > 1 ? d->n : 0;
  PetscCall(PetscCalloc3(several, &d->start, several, &d->mean, several, &d->squares));
  if (p->options->ct.average < 1) PetscCall(PetscCalloc1(d->n, &d->average));
  PetscCall(PetscMalloc2(p->local->samples, &d->weights, p->local->samples, &d->lines));
  PetscCall(SpanTensorWrap(SpanTapeArena(p->prior->tape), 4, (PetscInt64[4]){1, p->geometry->ny, p->geometry->nx, 1},
                           d->slice, &d->tensor));
  if (config->units == SPAN_PRIOR_HU) {
    d->scale = 1000 * config->scale / p->water;
    d->shift = config->scale * (-1000 - config->low);
  }
  PetscCall(Vectors(d));
  PetscCall(Data(d));
  solver->state[0] = (SpanCTState){"v", SPAN_CT_STATE_VOLUME, 1, d->v};
  solver->state[1] = (SpanCTState){"scale", SPAN_CT_STATE_NUMBERS, 1, &d->scale};
  solver->n_state  = 2;
  if (d->coupled) {
    solver->state[solver->n_state++] = (SpanCTState){"d", SPAN_CT_STATE_VOLUME, 1, d->d};
    solver->state[solver->n_state++] = (SpanCTState){"u", SPAN_CT_STATE_VOLUME, 1, d->u};
  }
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

static void AddNoise(Dds *d, PetscInt draw, double amount, float *noise)
{
  const SpanSlabsInfo *l = d->problem->local;
  const float factor     = (float)amount;
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
    if (d->coupled) PetscCall(PetscArrayzero(d->d, d->n));
    if (d->coupled) PetscCall(PetscArrayzero(d->u, d->n));
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

static SpanAgreementWeights Weights(const Dds *d, double level)
{
  const SpanCTGeometry *g = d->problem->geometry;
  const SpanCTOptions *o  = &d->problem->options->ct;
  const double square = level * level, rho = d->coupled ? o->rho : 0;
  const double given     = d->options->weight;
  SpanAgreementWeights w = {0, 1, 0, 0};
  if (d->noisy)
    w = (SpanAgreementWeights){1,
                               given > 0 ? given : PetscMin(square / (d->scale * d->scale), largest_weight / d->norm),
                               square * rho, square * o->lambda};
  if (d->published)
    w = (SpanAgreementWeights){0, given > 0 ? given : M_PI / (2 * (double)g->n_views * g->dx * g->dx), rho, o->lambda};
  return w;
}

/* The data's say on x, by d->estimate's slot: v in, v out. */
static PetscErrorCode Agree(Dds *d, double level)
{
  const SpanAgreementWeights w = Weights(d, level);
  const float least = (float)PetscMax(d->scale * d->least, -1e30), most = (float)PetscMin(d->scale * d->most, 1e30);
  PetscFunctionBeginUser;
  if (!d->scaled) PetscCall(VecScale(d->adjoint, d->scale));
  d->scaled = PETSC_TRUE;
  PetscCall(SpanVecFromFloats(d->x, d->n, d->v));
  if (d->coupled) {
    PetscCall(SpanVecFromFloats(d->vec_d, d->n, d->d));
    PetscCall(SpanVecFromFloats(d->vec_u, d->n, d->u));
  }
  PetscCall(SpanAgreementRound(d->agreement, &w, d->adjoint, d->x, d->vec_d, d->vec_u));
  PetscCall(SpanVecToFloats(d->x, d->n, d->v));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < d->n; i++) d->v[i] = fminf(fmaxf(d->v[i], least), most);
  if (d->coupled) {
    PetscCall(SpanVecToFloats(d->vec_d, d->n, d->d));
    PetscCall(SpanVecToFloats(d->vec_u, d->n, d->u));
  }
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
  const float kept = (float)(next / level * sqrt(1 - eta * eta));
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
  PetscCall(Agree(d, level));
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
  PetscCall(SpanAgreementDestroy(&d->agreement));
  PetscCall(MatDestroy(&d->normal));
  PetscCall(MatDestroy(&d->difference));
  PetscCall(VecDestroy(&d->adjoint));
  PetscCall(VecDestroy(&d->x));
  PetscCall(VecDestroy(&d->vec_d));
  PetscCall(VecDestroy(&d->vec_u));
  PetscCall(SpanTensorDestroy(&d->tensor));
  PetscCall(PetscFree(d->levels));
  PetscCall(PetscFree2(d->weights, d->lines));
  PetscCall(PetscFree3(d->start, d->mean, d->squares));
  PetscCall(PetscFree(d->average));
  PetscCall(PetscFree6(d->v, d->estimate, d->d, d->u, d->slice, d->anchors));
  PetscCall(PetscFree(d));
  PetscFunctionReturn(0);
}

/* v, estimate, d, u, average, start, mean, squares; A'W y, x, d, u and the agreement's Vecs; N's two arrays. W and A x.
 * A slice and two of noise. */
static double Memory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  const double plane = (double)g->ny * (double)g->nx, vecs = 4 + (double)SpanAgreementVecs(PETSC_TRUE);
  return (double)n_slices * plane * (8 * 4 + 8 * vecs + 2 * 4) +
         2 * 4. * (double)n_rows * (double)g->n_views * (double)g->n_u + 3 * 4 * plane;
}

const SpanCTMethod SpanCTDDS = {"dds", Create, Step, Volume, Destroy, Memory};
