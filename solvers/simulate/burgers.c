/* Pairs (u at time 0, u later) of viscous Burgers on [0, 1), periodic: by default the setting of Li et al., arXiv
   2010.08895: u(0) from N(0, 625 (-Lap + 25)^(-2)) without its mean, viscosity 0.1, 8192 points, u(1). */
#include <subspan/base/error.h>
#include <subspan/operators/pde/burgers.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <subspan/solvers/simulate/burgers.h>
#include <subspan/solvers/simulate/fields.h>
#include <stdio.h>

typedef struct {
  SpanSimulateOptions common;
  PetscInt resolution, times;
  PetscReal viscosity, time, alpha, tau, sigma, step, courant;
} Options;

typedef struct {
  const Options *o;
  SpanGaussianOptions gaussian;
  SpanGaussianField field;
  SpanBurgers burgers;
  double *u;
} Context;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      SPAN_SIMULATE_OPTIONS(&o->common),
      {"resolution", SPAN_OPTION_INT, &o->resolution, 64, 1 << 20, NULL, "points of the period"},
      {"viscosity", SPAN_OPTION_REAL, &o->viscosity, 1e-6, 1e3, NULL, "nu in u_t + u u_x = nu u_xx"},
      {"time", SPAN_OPTION_REAL, &o->time, 1e-6, 1e4, NULL, "of the output, or of the last of it"},
      {"times", SPAN_OPTION_INT, &o->times, 1, 10000, NULL,
       "of the output: 1, the last; more: evenly spaced from 0 on, as an axis of time"},
      {"alpha", SPAN_OPTION_REAL, &o->alpha, 0.51, 20, NULL,
       "u at time 0 has the covariance sigma^2 (-Lap + tau^2)^(-alpha)"},
      {"tau", SPAN_OPTION_REAL, &o->tau, 0.001, 1e4, NULL, "its inverse length"},
      {"sigma", SPAN_OPTION_REAL, &o->sigma, 1e-6, 1e9, NULL, "its size"},
      {"step", SPAN_OPTION_REAL, &o->step, 1e-9, 1, NULL, "the longest step of time"},
      {"courant", SPAN_OPTION_REAL, &o->courant, 1e-3, 10, NULL, "the largest step times velocity times wave number"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {"simulate burgers",
                                "simulate burgers -o FIELDS.h5 [--option value]...",
                                "Makes pairs of initial and later velocity of the viscous Burgers equation.",
                                "  subspan simulate burgers --samples 2048 -o burgers.h5\n"
                                "  subspan simulate burgers --viscosity 0.01 --resolution 1024 --times 17 --time 0.96 "
                                "--samples 800 -o burgers.h5\n",
                                table,
                                NULL};
  PetscFunctionBeginUser;
  *o = (Options){.common     = {.samples = 2048, .team = 1},
                 .resolution = 8192,
                 .times      = 1,
                 .viscosity  = 0.1,
                 .time       = 1,
                 .alpha      = 2,
                 .tau        = 5,
                 .sigma      = 25,
                 .step       = 1e-3,
                 .courant    = 0.5};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  PetscFunctionReturn(0);
}

/* Intervals to compute: one to the last time, or those between the times. */
static PetscInt Intervals(const Options *o) { return o->times == 1 ? 1 : o->times - 1; }

static PetscErrorCode Create(MPI_Comm team, void *context)
{
  Context *c = context;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldCreate(&c->gaussian, &c->field));
  PetscCall(SpanBurgersCreate(c->o->resolution, c->o->viscosity, c->o->courant, &c->burgers));
  PetscCall(PetscMalloc1((Intervals(c->o) + 1) * c->o->resolution, &c->u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(void *context)
{
  Context *c = context;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldDestroy(&c->field));
  PetscCall(SpanBurgersDestroy(&c->burgers));
  PetscCall(PetscFree(c->u));
  PetscFunctionReturn(0);
}

static PetscErrorCode Sample(void *context, uint64_t seed, uint32_t number, float *input, float *output, double *effort)
{
  Context *c           = context;
  const Options *o     = c->o;
  const PetscInt n     = o->resolution;
  const double *stored = c->u + (o->times == 1 ? n : 0);
  PetscInt steps;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldSample(c->field, seed, number, c->u));
  for (PetscInt i = 0; i < n; i++) input[i] = (float)c->u[i];
  PetscCall(SpanBurgersSolve(c->burgers, Intervals(o), o->time / (double)Intervals(o), o->step, c->u, &steps));
  for (PetscInt i = 0; i < o->times * n; i++) output[i] = (float)stored[i];
  *effort = (double)steps;
  PetscFunctionReturn(0);
}

static void Describe(const Options *o, SpanSimulateJob *job)
{
  SpanFieldsInfo *i = &job->info;
  *i                = (SpanFieldsInfo){.in_channels  = 1,
                                       .out_channels = 1,
                                       .n_dims       = 1,
                                       .n            = {o->resolution},
                                       .length       = {1},
                                       .points       = SPAN_FIELDS_LEFT_CLOSED,
                                       .equation     = "u_t + u u_x = nu u_xx",
                                       .input        = "u at time 0",
                                       .boundary     = "periodic"};
  snprintf(i->output, sizeof i->output, o->times == 1 ? "u at time %.9g" : "u at times up to %.9g", o->time);
  if (o->times > 1) {
    i->out_times   = o->times;
    i->out_time[1] = o->time;
  }
  SpanSimulateParameter(i, "viscosity", o->viscosity);
  SpanSimulateParameter(i, "time", o->time);
  SpanSimulateParameter(i, "alpha", o->alpha);
  SpanSimulateParameter(i, "tau", o->tau);
  SpanSimulateParameter(i, "sigma", o->sigma);
  snprintf(
      job->settings, sizeof job->settings,
      "viscosity %.9g to time %.9g at %" PetscInt_FMT
      " times, u at time 0 of covariance %.9g^2 (-Lap + %.9g^2)^-%.9g, steps up to %.9g, courant %.9g, %" PetscInt_FMT
      " points",
      o->viscosity, o->time, o->times, o->sigma, o->tau, o->alpha, o->step, o->courant, o->resolution);
}

PetscErrorCode SpanSimulateBurgers(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  Context context     = {.o = &o};
  SpanSimulateJob job = {.name    = "burgers",
                         .options = &o.common,
                         .effort  = "steps",
                         .create  = Create,
                         .sample  = Sample,
                         .destroy = Destroy,
                         .context = &context};
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(ReadOptions(comm, &o, &stop));
  if (stop) PetscFunctionReturn(0);
  PetscCall(SpanCheckCount(comm, "simulate burgers", "a sample", (double)(o.times + 1) * (double)o.resolution * 8));
  Describe(&o, &job);
  context.gaussian = (SpanGaussianOptions){.boundary = SPAN_GAUSSIAN_PERIODIC,
                                           .n_dims   = 1,
                                           .n        = {o.resolution},
                                           .length   = {1},
                                           .sigma    = o.sigma,
                                           .tau      = o.tau,
                                           .alpha    = o.alpha};
  job.memory       = SpanGaussianFieldMemory(&context.gaussian) + SpanBurgersMemory(o.resolution) +
               8 * (double)(Intervals(&o) + 1) * (double)o.resolution;
  PetscCall(SpanSimulateFields(comm, &job));
  PetscFunctionReturn(0);
}
