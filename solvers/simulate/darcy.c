/* Pairs (coefficient a, solution u) of Darcy flow, -div(a grad u) = 1 in the unit square or cube, u = 0 on its
   boundary.

     threshold  a = --high where the field is at least 0, --low elsewhere (12 and 3: Li et al., arXiv 2010.08895)
     lognormal  a = exp(field)

   of a Gaussian field of covariance sigma^2 (-Lap + tau^2)^(-alpha) with Neumann boundary (operators/pde). With
   --forcing random the right side is random too, and the input's second channel: what an operator learns from that can
   precondition a solver (operators/networks/neural.h). */
#include <subspan/base/error.h>
#include <subspan/operators/pde/darcy.h>
#include <subspan/operators/pde/forcing.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <subspan/solvers/simulate/darcy.h>
#include <subspan/solvers/simulate/fields.h>
#include <subspan/solvers/simulate/guess.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  SpanSimulateOptions common;
  SpanSimulateGuess guess;
  char coefficient[PETSC_MAX_PATH_LEN], mean[PETSC_MAX_PATH_LEN], forcing[PETSC_MAX_PATH_LEN];
  PetscInt resolution, dimensions;
  PetscReal low, high, alpha, tau, sigma, forcing_alpha;
} Options;

typedef struct {
  Options *o;
  PetscInt n[3], points;
  SpanGaussianOptions gaussian;
  SpanGaussianField field;
  SpanForcing forcing; /* NULL: 1 */
  SpanDarcy darcy;
  double *a, *f, *u;
  PetscBool first_rank;
} Context;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      SPAN_SIMULATE_OPTIONS(&o->common),
      {"resolution", SPAN_OPTION_INT, &o->resolution, 5, 32769, NULL,
       "points along each axis, both boundaries among them"},
      {"dimensions", SPAN_OPTION_INT, &o->dimensions, 2, 3, NULL, "of space"},
      {"coefficient", SPAN_OPTION_CHOICE, o->coefficient, 0, 0, "threshold|lognormal",
       "two values by the field's sign, or its exponential"},
      {"low", SPAN_OPTION_REAL, &o->low, 1e-9, 1e9, NULL, "threshold: the coefficient where the field is below 0"},
      {"high", SPAN_OPTION_REAL, &o->high, 1e-9, 1e9, NULL, "threshold: the coefficient elsewhere"},
      {"alpha", SPAN_OPTION_REAL, &o->alpha, 0.51, 20, NULL,
       "the field's covariance is sigma^2 (-Lap + tau^2)^(-alpha)"},
      {"tau", SPAN_OPTION_REAL, &o->tau, 0.001, 1e4, NULL, "its inverse length"},
      {"sigma", SPAN_OPTION_REAL, &o->sigma, 0, 1e9, NULL, "its size; 0: tau^(alpha - dimensions / 2)"},
      {"mean", SPAN_OPTION_CHOICE, o->mean, 0, 0, "harmonic|arithmetic",
       "the coefficient between two points: harmonic is second order across jumps, arithmetic is what the scripts of "
       "arXiv 2010.08895 do"},
      {"forcing", SPAN_OPTION_CHOICE, o->forcing, 0, 0, "one|random",
       "the right side; random: a field of mean square 1, the second channel of the input"},
      {"forcing_alpha", SPAN_OPTION_REAL, &o->forcing_alpha, 0, 20, NULL,
       "its covariance is (-Lap + tau^2)^(-forcing_alpha)"},
      {"team", SPAN_OPTION_INT, &o->common.team, 1, 65536, NULL,
       "ranks that share a sample, for grids too large for one; sums then depend on it in their last digits"},
      SPAN_SIMULATE_GUESS_OPTIONS(&o->guess),
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const char *const prefixes[] = {"darcy_", NULL};
  const SpanCommandHelp help   = {
        "simulate darcy",
        "simulate darcy -o FIELDS.h5 [--option value]...",
        "Makes pairs of coefficient and solution of Darcy flow.",
        "  subspan simulate darcy --resolution 64 --samples 200 --seed 1 -o darcy.h5\n"
          "  subspan simulate darcy --resolution 421 --samples 1024 -o darcy421.h5\n"
          "  subspan simulate darcy --dimensions 3 --resolution 33 --coefficient lognormal --samples 100 -o darcy3d.h5\n"
          "  subspan simulate darcy --resolution 64 --darcy_pc_type hypre -o darcy.h5\n",
        table,
        prefixes};
  PetscFunctionBeginUser;
  *o = (Options){.common      = {.samples = 1000, .team = 1},
                 .guess       = {.stride = 1},
                 .coefficient = "threshold",
                 .mean        = "harmonic",
                 .forcing     = "one",
                 .resolution  = 64,
                 .dimensions  = 2,
                 .low         = 3,
                 .high        = 12,
                 .alpha       = 2,
                 .tau         = 3};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(MPI_Comm team, void *context)
{
  Context *c = context;
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(team, &rank));
  c->first_rank = (PetscBool)(rank == 0);
  PetscCall(SpanGaussianFieldCreate(&c->gaussian, &c->field));
  PetscCall(SpanDarcyCreate(team, (int)c->o->dimensions, c->n,
                            strcmp(c->o->mean, "harmonic") ? SPAN_DARCY_ARITHMETIC : SPAN_DARCY_HARMONIC, &c->darcy));
  const PetscBool random = (PetscBool)!strcmp(c->o->forcing, "random");
  if (random)
    PetscCall(SpanForcingCreate((int)c->o->dimensions, c->n, c->o->forcing_alpha, c->o->tau, PETSC_FALSE, &c->forcing));
  PetscCall(PetscMalloc3(c->points, &c->a, random ? c->points : 0, &c->f, c->first_rank ? c->points : 0, &c->u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(void *context)
{
  Context *c = context;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldDestroy(&c->field));
  PetscCall(SpanForcingDestroy(&c->forcing));
  PetscCall(SpanDarcyDestroy(&c->darcy));
  PetscCall(PetscFree3(c->a, c->f, c->u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Sample(void *context, uint64_t seed, uint32_t number, float *input, float *output, double *effort)
{
  Context *c       = context;
  const Options *o = c->o;
  const double *guess;
  PetscInt iterations;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldSample(c->field, seed, number, c->a));
  if (strcmp(o->coefficient, "threshold"))
    for (PetscInt i = 0; i < c->points; i++) c->a[i] = exp(c->a[i]);
  else
    for (PetscInt i = 0; i < c->points; i++) c->a[i] = c->a[i] >= 0 ? o->high : o->low;
  if (c->forcing) PetscCall(SpanForcingSample(c->forcing, seed, number, c->f));
  PetscCall(SpanDarcySetCoefficient(c->darcy, c->a));
  PetscCall(SpanSimulateGuessMake(&c->o->guess, c->n, PETSC_FALSE, c->a, &guess));
  PetscCall(SpanDarcySolve(c->darcy, c->forcing ? c->f : NULL, guess, c->u, &iterations));
  c->o->guess.dropped += SpanDarcyDroppedGuess(c->darcy) && c->first_rank;
  *effort = (double)iterations;
  for (PetscInt i = 0; i < c->points && c->first_rank; i++) {
    input[i] = (float)c->a[i];
    if (c->forcing) input[c->points + i] = (float)c->f[i];
    output[i] = (float)c->u[i];
  }
  PetscFunctionReturn(0);
}

static void Describe(const Options *o, double sigma, SpanSimulateJob *job)
{
  SpanFieldsInfo *i         = &job->info;
  const PetscBool threshold = (PetscBool)!strcmp(o->coefficient, "threshold"),
                  random    = (PetscBool)!strcmp(o->forcing, "random");
  char values[64] = "", forcing[96] = "";
  *i = (SpanFieldsInfo){.in_channels  = 1 + random,
                        .out_channels = 1,
                        .n_dims       = (int)o->dimensions,
                        .points       = SPAN_FIELDS_CLOSED,
                        .output       = "solution u",
                        .boundary     = "u = 0"};
  snprintf(i->equation, sizeof i->equation, "-div(a grad u) = %s", random ? "f" : "1");
  snprintf(i->input, sizeof i->input, "coefficient a%s", random ? ", right side f" : "");
  if (random)
    snprintf(forcing, sizeof forcing, ", right side of covariance (-Lap + %.9g^2)^-%.9g and mean square 1", o->tau,
             o->forcing_alpha);
  for (int k = 0; k < i->n_dims; k++) {
    i->n[k]      = o->resolution;
    i->length[k] = 1;
  }
  if (threshold) {
    SpanSimulateParameter(i, "low", o->low);
    SpanSimulateParameter(i, "high", o->high);
    snprintf(values, sizeof values, " %.9g and %.9g", o->low, o->high);
  }
  SpanSimulateParameter(i, "alpha", o->alpha);
  SpanSimulateParameter(i, "tau", o->tau);
  SpanSimulateParameter(i, "sigma", sigma);
  snprintf(job->settings, sizeof job->settings,
           "coefficient %s%s of a field of covariance %.9g^2 (-Lap + %.9g^2)^-%.9g, %s means, %" PetscInt_FMT
           " points an axis%s",
           o->coefficient, values, sigma, o->tau, o->alpha, o->mean, o->resolution, forcing);
}

PetscErrorCode SpanSimulateDarcy(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  Context context     = {.o = &o};
  SpanSimulateJob job = {.name    = "darcy",
                         .options = &o.common,
                         .effort  = "iterations",
                         .guess   = &o.guess,
                         .create  = Create,
                         .sample  = Sample,
                         .destroy = Destroy,
                         .context = &context};
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanNeuralRegister());
  PetscCall(ReadOptions(comm, &o, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, o.alpha > (double)o.dimensions / 2,
                 "--alpha %g: must be above %g, half the dimensions, or the field is not a function", o.alpha,
                 (double)o.dimensions / 2);
  PetscCall(SpanCheckCount(comm, "simulate darcy", "a field", pow((double)o.resolution, (double)o.dimensions) * 8));
  const double sigma = o.sigma > 0 ? o.sigma : pow(o.tau, o.alpha - (double)o.dimensions / 2);
  Describe(&o, sigma, &job);
  context.gaussian = (SpanGaussianOptions){
      .boundary = SPAN_GAUSSIAN_NEUMANN, .n_dims = (int)o.dimensions, .sigma = sigma, .tau = o.tau, .alpha = o.alpha};
  context.points = 1;
  for (int i = 0; i < o.dimensions; i++) {
    context.n[i] = context.gaussian.n[i] = o.resolution;
    context.gaussian.length[i]           = 1;
    context.points *= o.resolution;
  }
  job.memory = SpanDarcyMemory((int)o.dimensions, context.n) +
               (double)o.common.team * (16 * (double)context.points + SpanGaussianFieldMemory(&context.gaussian));
  PetscCall(SpanSimulateGuessOpen(comm, &o.guess, (int)o.dimensions, context.n));
  job.memory += (double)o.common.team * SpanSimulateGuessMemory(&o.guess, (int)o.dimensions, context.n);
  PetscCall(SpanSimulateFields(comm, &job));
  PetscCall(SpanSimulateGuessClose(&o.guess));
  PetscFunctionReturn(0);
}
