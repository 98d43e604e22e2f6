/* Pairs (wave speed c, wave u) of Helmholtz in the unit square: -Lap u - (omega / c)^2 u = 0, du/dn = 1 for 0.35 <= x
   <= 0.65 on the side y = 1 and 0 elsewhere, c = --speed + tanh(field), the setting of de Hoop, Huang, Qian and Stuart,
   arXiv 2203.13181: omega 1000, speed 20, the field from N(0, (-Lap + 9)^(-2)) with Neumann boundary, 101 points. With
   --forcing random the right side is random instead, as in darcy.c, and du/dn = 0. */
#include <subspan/base/error.h>
#include <subspan/operators/pde/forcing.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <subspan/operators/pde/helmholtz.h>
#include <subspan/solvers/simulate/fields.h>
#include <subspan/solvers/simulate/guess.h>
#include <subspan/solvers/simulate/helmholtz.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
  SpanSimulateOptions common;
  SpanSimulateGuess guess;
  char forcing[PETSC_MAX_PATH_LEN];
  PetscInt resolution, grid;
  PetscReal omega, speed, alpha, tau, sigma, forcing_alpha;
} Options;

typedef struct {
  Options *o;
  SpanGaussianOptions gaussian;
  SpanGaussianField field;
  SpanHelmholtz helmholtz;
  SpanForcing forcing; /* NULL: 0, and the flux */
  double *speed, *number, *u, *f, *flux;
} Context;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      SPAN_SIMULATE_OPTIONS(&o->common),
      {"resolution", SPAN_OPTION_INT, &o->resolution, 5, 8193, NULL,
       "points along each axis of the set, both sides among them"},
      {"grid", SPAN_OPTION_INT, &o->grid, 0, 8193, NULL,
       "points along each axis that the equation is solved on, whose intervals are a multiple of the set's; 0: the "
       "first "
       "from 201 on"},
      {"omega", SPAN_OPTION_REAL, &o->omega, 1e-3, 1e6, NULL, "the frequency; the wave number is omega / c"},
      {"speed", SPAN_OPTION_REAL, &o->speed, 1.001, 1e6, NULL, "c is this plus the field's hyperbolic tangent"},
      {"alpha", SPAN_OPTION_REAL, &o->alpha, 1.01, 20, NULL,
       "the field's covariance is sigma^2 (-Lap + tau^2)^(-alpha)"},
      {"tau", SPAN_OPTION_REAL, &o->tau, 0.001, 1e4, NULL, "its inverse length"},
      {"sigma", SPAN_OPTION_REAL, &o->sigma, 1e-6, 1e9, NULL, "its size"},
      {"forcing", SPAN_OPTION_CHOICE, o->forcing, 0, 0, "flux|random",
       "what makes waves: a flux through the side y = 1, or a field of mean square 1, the second channel of the input"},
      {"forcing_alpha", SPAN_OPTION_REAL, &o->forcing_alpha, 0, 20, NULL,
       "its covariance is (-Lap + tau^2)^(-forcing_alpha)"},
      SPAN_SIMULATE_GUESS_OPTIONS(&o->guess),
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const char *const prefixes[] = {"helmholtz_", NULL};
  const SpanCommandHelp help   = {"simulate helmholtz",
                                  "simulate helmholtz -o FIELDS.h5 [--option value]...",
                                  "Makes pairs of wave speed and wave of the Helmholtz equation.",
                                  "  subspan simulate helmholtz --samples 1000 -o helmholtz.h5\n"
                                    "  subspan simulate helmholtz --omega 500 --sigma 10 --samples 1000 -o helmholtz.h5\n",
                                  table,
                                  prefixes};
  PetscFunctionBeginUser;
  *o = (Options){.common     = {.samples = 1000, .team = 1},
                 .guess      = {.stride = 1},
                 .forcing    = "flux",
                 .resolution = 101,
                 .omega      = 1000,
                 .speed      = 20,
                 .alpha      = 2,
                 .tau        = 3,
                 .sigma      = 1};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  if (*stop) PetscFunctionReturn(0);
  const PetscInt intervals = o->resolution - 1;
  if (!o->grid) o->grid = (199 + intervals) / intervals * intervals + 1;
  SpanCheckInput(comm, (o->grid - 1) % intervals == 0 && o->grid > 1,
                 "--grid %" PetscInt_FMT ": its intervals must be a multiple of the %" PetscInt_FMT
                 " of --resolution %" PetscInt_FMT,
                 o->grid, intervals, o->resolution);
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(MPI_Comm team, void *context)
{
  Context *c       = context;
  const PetscInt n = c->o->grid;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldCreate(&c->gaussian, &c->field));
  PetscCall(SpanHelmholtzCreate(n, &c->helmholtz));
  const PetscBool random = (PetscBool)!strcmp(c->o->forcing, "random");
  if (random)
    PetscCall(SpanForcingCreate(2, (const PetscInt[]){n, n}, c->o->forcing_alpha, c->o->tau, PETSC_TRUE, &c->forcing));
  PetscCall(PetscMalloc5(n * n, &c->speed, n * n, &c->number, n * n, &c->u, random ? n * n : 0, &c->f, n, &c->flux));
  for (PetscInt x = 0; x < n; x++) { /* the share of the point's surroundings that lies between 0.35 and 0.65 */
    const double at = (double)x / (double)(n - 1), half = 0.5 / (double)(n - 1);
    c->flux[x] = random ? 0 : PetscMax(0., PetscMin(at + half, 0.65) - PetscMax(at - half, 0.35)) / (2 * half);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(void *context)
{
  Context *c = context;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldDestroy(&c->field));
  PetscCall(SpanForcingDestroy(&c->forcing));
  PetscCall(SpanHelmholtzDestroy(&c->helmholtz));
  PetscCall(PetscFree5(c->speed, c->number, c->u, c->f, c->flux));
  PetscFunctionReturn(0);
}

static PetscErrorCode Sample(void *context, uint64_t seed, uint32_t number, float *input, float *output, double *effort)
{
  Context *c       = context;
  const Options *o = c->o;
  const PetscInt n = o->resolution, stride = (o->grid - 1) / (n - 1);
  const double *guess;
  PetscInt iterations;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldSample(c->field, seed, number, c->speed));
  for (PetscInt i = 0; i < o->grid * o->grid; i++) {
    c->speed[i]  = o->speed + tanh(c->speed[i]);
    c->number[i] = o->omega / c->speed[i];
  }
  PetscCall(SpanHelmholtzSetWaveNumber(c->helmholtz, c->number));
  if (c->forcing) PetscCall(SpanForcingSample(c->forcing, seed, number, c->f));
  PetscCall(SpanHelmholtzSetCoefficient(c->helmholtz, c->speed));
  PetscCall(SpanSimulateGuessMake(&c->o->guess, (const PetscInt[]){o->grid, o->grid}, PETSC_TRUE, c->speed, &guess));
  PetscCall(SpanHelmholtzSolve(c->helmholtz, c->forcing ? c->f : NULL, c->flux, guess, c->u, &iterations));
  c->o->guess.dropped += SpanHelmholtzDroppedGuess(c->helmholtz);
  *effort = (double)iterations;
  for (PetscInt i = 0; i < n * n; i++) {
    const PetscInt at = (i / n * o->grid + i % n) * stride;
    input[i]          = (float)c->speed[at];
    if (c->forcing) input[n * n + i] = (float)c->f[at];
    output[i] = (float)c->u[at];
  }
  PetscFunctionReturn(0);
}

static void Describe(const Options *o, SpanSimulateJob *job)
{
  SpanFieldsInfo *i      = &job->info;
  const PetscBool random = (PetscBool)!strcmp(o->forcing, "random");
  char forcing[96]       = "";
  *i                     = (SpanFieldsInfo){.in_channels  = 1 + random,
                                            .out_channels = 1,
                                            .n_dims       = 2,
                                            .n            = {o->resolution, o->resolution},
                                            .length       = {1, 1},
                                            .points       = SPAN_FIELDS_CLOSED,
                                            .output       = "wave u"};
  snprintf(i->equation, sizeof i->equation, "-lap u - (omega / c)^2 u = %s", random ? "f" : "0");
  snprintf(i->input, sizeof i->input, "wave speed c%s", random ? ", right side f" : "");
  snprintf(i->boundary, sizeof i->boundary, "du/dn = %s", random ? "0" : "1 on y = 1, 0.35 <= x <= 0.65; 0 elsewhere");
  if (random)
    snprintf(forcing, sizeof forcing, ", right side of covariance (-Lap + %.9g^2)^-%.9g and mean square 1", o->tau,
             o->forcing_alpha);
  SpanSimulateParameter(i, "omega", o->omega);
  SpanSimulateParameter(i, "speed", o->speed);
  SpanSimulateParameter(i, "alpha", o->alpha);
  SpanSimulateParameter(i, "tau", o->tau);
  SpanSimulateParameter(i, "sigma", o->sigma);
  snprintf(job->settings, sizeof job->settings,
           "omega %.9g, speed %.9g + tanh of a field of covariance %.9g^2 (-Lap + %.9g^2)^-%.9g, %" PetscInt_FMT
           " points an axis of %" PetscInt_FMT "%s",
           o->omega, o->speed, o->sigma, o->tau, o->alpha, o->resolution, o->grid, forcing);
}

PetscErrorCode SpanSimulateHelmholtz(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  Context context     = {.o = &o};
  SpanSimulateJob job = {.name    = "helmholtz",
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
  const double points = (double)o.grid * (double)o.grid;
  PetscCall(SpanCheckCount(comm, "simulate helmholtz", "the matrix", 8 * points));
  context.gaussian = (SpanGaussianOptions){.boundary = SPAN_GAUSSIAN_NEUMANN,
                                           .n_dims   = 2,
                                           .n        = {o.grid, o.grid},
                                           .length   = {1, 1},
                                           .sigma    = o.sigma,
                                           .tau      = o.tau,
                                           .alpha    = o.alpha};
  Describe(&o, &job);
  job.memory = SpanGaussianFieldMemory(&context.gaussian) + SpanHelmholtzMemory(o.grid) + 24 * points;
  PetscCall(SpanSimulateGuessOpen(comm, &o.guess, 2, context.gaussian.n));
  job.memory += SpanSimulateGuessMemory(&o.guess, 2, context.gaussian.n);
  PetscCall(SpanSimulateFields(comm, &job));
  PetscCall(SpanSimulateGuessClose(&o.guess));
  PetscFunctionReturn(0);
}
