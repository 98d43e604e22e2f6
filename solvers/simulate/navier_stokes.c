/* Pairs of fields of two-dimensional Navier-Stokes in vorticity form, periodic. Two settings:

     --reynolds R   (forcing f, vorticity at --time) on [0, 2 pi)^2, from rest, viscosity 1 / R, f from N(0, 27^2 (-Lap
   + 9)^(-4)): Kossaifi et al., arXiv 2310.00120, with R 500
     --viscosity V  (first --input_times of the vorticity, the other times) on [0, 1)^2, forcing 0.1 (sin 2 pi (x + y) +
                    cos 2 pi (x + y)), the vorticity at time 0 from N(0, 7^3 (-Lap + 49)^(-2.5)): Li et al., arXiv
   2010.08895, with V 1e-3 to time 50, 1e-4 to 30, 1e-5 to 20

   The papers write the covariances as 27 (-Lap + 9)^(-4) and 7^(3/2) (-Lap + 49)^(-2.5), their generators take those
   numbers as standard deviations, and so does this. */
#include <subspan/base/error.h>
#include <subspan/operators/pde/gaussian_field.h>
#include <subspan/operators/pde/navier_stokes.h>
#include <subspan/solvers/simulate/fields.h>
#include <subspan/solvers/simulate/navier_stokes.h>
#include <math.h>
#include <stdio.h>

typedef struct {
  SpanSimulateOptions common;
  PetscInt resolution, grid, times, input_times;
  PetscReal reynolds, viscosity, time, alpha, tau, sigma, step, courant;
} Options;

typedef struct {
  const Options *o;
  PetscBool forced; /* the forcing is drawn, not the vorticity at time 0 */
  SpanGaussianOptions gaussian;
  SpanGaussianField field;
  SpanNavierStokes solver;
  double *points; /* (grid, grid) */
} Context;

static PetscErrorCode ReadOptions(MPI_Comm comm, Options *o, PetscBool *stop)
{
  const SpanOption table[] = {
      SPAN_SIMULATE_OPTIONS(&o->common),
      {"resolution", SPAN_OPTION_INT, &o->resolution, 16, 16384, NULL, "points along each axis of the set"},
      {"grid", SPAN_OPTION_INT, &o->grid, 0, 16384, NULL,
       "points along each axis that the equation is solved on, a multiple of --resolution; 0: the first one from 256 "
       "on"},
      {"reynolds", SPAN_OPTION_REAL, &o->reynolds, 0, 1e7, NULL,
       "forcing to vorticity from rest on [0, 2 pi)^2; 0: 500, unless there is --viscosity"},
      {"viscosity", SPAN_OPTION_REAL, &o->viscosity, 0, 10, NULL,
       "vorticity to later vorticity on [0, 1)^2, with a fixed forcing"},
      {"time", SPAN_OPTION_REAL, &o->time, 0, 1e4, NULL,
       "the last; 0: 5 with --reynolds; with --viscosity 50 down to 1e-3, 30 down to 1e-4, 20 below"},
      {"times", SPAN_OPTION_INT, &o->times, 0, 10000, NULL,
       "evenly spaced up to the last; 0: 1 with --reynolds, one a unit of time with --viscosity"},
      {"input_times", SPAN_OPTION_INT, &o->input_times, -1, 10000, NULL,
       "with --viscosity: so many of the times are input, the others output; 0: time 0 is; -1: 10, or 0 if there are "
       "not "
       "as many"},
      {"alpha", SPAN_OPTION_REAL, &o->alpha, 0, 20, NULL,
       "what is drawn has the covariance sigma^2 (-Lap + tau^2)^(-alpha); 0: 4 for a forcing, 2.5 for a vorticity"},
      {"tau", SPAN_OPTION_REAL, &o->tau, 0, 1e4, NULL, "its inverse length; 0: 3 for a forcing, 7 for a vorticity"},
      {"sigma", SPAN_OPTION_REAL, &o->sigma, 0, 1e9, NULL, "its size; 0: tau^(alpha - 1)"},
      {"step", SPAN_OPTION_REAL, &o->step, 1e-9, 10, NULL, "the longest step of time"},
      {"courant", SPAN_OPTION_REAL, &o->courant, 1e-3, 10, NULL, "the largest step times velocity times wave number"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "simulate navier-stokes",
      "simulate navier-stokes -o FIELDS.h5 [--option value]...",
      "Makes pairs of fields of two-dimensional Navier-Stokes: forcing and vorticity, or vorticity in time.",
      "  subspan simulate navier-stokes --resolution 128 --samples 100 --reynolds 500 --seed 1 -o ns.h5\n"
      "  subspan simulate navier-stokes --resolution 64 --viscosity 1e-4 --samples 1200 -o ns1e-4.h5\n",
      table,
      NULL};
  PetscFunctionBeginUser;
  *o = (Options){
      .common = {.samples = 1000, .team = 1}, .resolution = 128, .input_times = -1, .step = 0.1, .courant = 2};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  PetscFunctionReturn(0);
}

/* Fills in what 0 stands for. */
static PetscErrorCode Defaults(MPI_Comm comm, Options *o, PetscBool *forced)
{
  PetscFunctionBeginUser;
  SpanCheckInput(comm, o->reynolds == 0 || o->viscosity == 0,
                 "--reynolds %g and --viscosity %g: two settings, give one of them", o->reynolds, o->viscosity);
  *forced = (PetscBool)(o->viscosity == 0);
  if (*forced && o->reynolds == 0) o->reynolds = 500;
  if (o->time == 0) o->time = *forced ? 5 : o->viscosity >= 1e-3 ? 50 : o->viscosity >= 1e-4 ? 30 : 20;
  if (o->times == 0) o->times = *forced ? 1 : PetscMax(1, (PetscInt)o->time);
  if (o->input_times < 0) o->input_times = !*forced && o->times > 10 ? 10 : 0;
  SpanCheckInput(comm, !*forced || !o->input_times,
                 "--input_times %" PetscInt_FMT ": is for --viscosity; with --reynolds the input is the forcing",
                 o->input_times);
  SpanCheckInput(comm, o->input_times < o->times,
                 "--input_times %" PetscInt_FMT ": must be less than --times %" PetscInt_FMT ", which it is part of",
                 o->input_times, o->times);
  if (o->alpha == 0) o->alpha = *forced ? 4 : 2.5;
  if (o->tau == 0) o->tau = *forced ? 3 : 7;
  if (o->sigma == 0) o->sigma = pow(o->tau, o->alpha - 1);
  SpanCheckInput(comm, o->alpha > 1, "--alpha %g: must be above 1, or the field is not a function", o->alpha);
  if (!o->grid) o->grid = (255 + o->resolution) / o->resolution * o->resolution;
  SpanCheckInput(comm, o->grid % o->resolution == 0,
                 "--grid %" PetscInt_FMT ": must be a multiple of --resolution %" PetscInt_FMT, o->grid, o->resolution);
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(MPI_Comm team, void *context)
{
  Context *c          = context;
  const PetscInt n    = c->o->grid;
  const double length = c->gaussian.length[0];
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldCreate(&c->gaussian, &c->field));
  PetscCall(
      SpanNavierStokesCreate(n, length, c->forced ? 1 / c->o->reynolds : c->o->viscosity, c->o->courant, &c->solver));
  PetscCall(PetscMalloc1(n * n, &c->points));
  if (c->forced) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < n * n; i++) {
    const double turn = 2 * M_PI * ((double)(i % n) + (double)(i / n)) / (double)n;
    c->points[i]      = 0.1 * (sin(turn) + cos(turn));
  }
  PetscCall(SpanNavierStokesSetForcing(c->solver, c->points));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(void *context)
{
  Context *c = context;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldDestroy(&c->field));
  PetscCall(SpanNavierStokesDestroy(&c->solver));
  PetscCall(PetscFree(c->points));
  PetscFunctionReturn(0);
}

/* Every (grid / resolution)-th point. */
static void Store(const Context *c, float *stored)
{
  const PetscInt n = c->o->resolution, stride = c->o->grid / n;
  for (PetscInt y = 0; y < n; y++)
    for (PetscInt x = 0; x < n; x++) stored[y * n + x] = (float)c->points[(y * c->o->grid + x) * stride];
}

static PetscErrorCode Sample(void *context, uint64_t seed, uint32_t number, float *input, float *output, double *effort)
{
  Context *c           = context;
  const Options *o     = c->o;
  const PetscInt field = o->resolution * o->resolution;
  PetscInt steps       = 0;
  PetscFunctionBeginUser;
  PetscCall(SpanGaussianFieldSample(c->field, seed, number, c->points));
  if (!o->input_times) Store(c, input);
  if (c->forced) PetscCall(SpanNavierStokesSetForcing(c->solver, c->points));
  PetscCall(SpanNavierStokesSetVorticity(c->solver, c->forced ? NULL : c->points));
  for (PetscInt t = 0; t < o->times; t++) {
    PetscCall(SpanNavierStokesAdvance(c->solver, o->time / (double)o->times, o->step, &steps));
    PetscCall(SpanNavierStokesGetVorticity(c->solver, c->points));
    Store(c, t < o->input_times ? input + t * field : output + (t - o->input_times) * field);
  }
  *effort = (double)steps;
  PetscFunctionReturn(0);
}

static void Describe(const Context *c, SpanSimulateJob *job)
{
  const Options *o    = c->o;
  SpanFieldsInfo *i   = &job->info;
  const double length = c->gaussian.length[0], interval = o->time / (double)o->times;
  const PetscInt later = o->times - o->input_times;
  *i                   = (SpanFieldsInfo){.in_channels  = 1,
                                          .out_channels = 1,
                                          .in_times     = o->input_times,
                                          .in_time      = {interval, interval * (double)o->input_times},
                                          .out_times    = later > 1 || o->input_times ? later : 0,
                                          .out_time     = {interval * (double)(o->input_times + 1), o->time},
                                          .n_dims       = 2,
                                          .n            = {o->resolution, o->resolution},
                                          .length       = {length, length},
                                          .points       = SPAN_FIELDS_LEFT_CLOSED,
                                          .equation     = "w_t + u . grad w = nu lap w + f, u = (psi_y, -psi_x), -lap psi = w",
                                          .boundary     = "periodic"};
  snprintf(i->input, sizeof i->input, "%s",
           c->forced        ? "forcing f"
           : o->input_times ? "vorticity w"
                            : "vorticity w at time 0");
  if (later > 1)
    snprintf(i->output, sizeof i->output, "vorticity w");
  else
    snprintf(i->output, sizeof i->output, "vorticity w at time %.9g", o->time);
  SpanSimulateParameter(i, "viscosity", c->forced ? 1 / o->reynolds : o->viscosity);
  SpanSimulateParameter(i, "time", o->time);
  SpanSimulateParameter(i, "alpha", o->alpha);
  SpanSimulateParameter(i, "tau", o->tau);
  SpanSimulateParameter(i, "sigma", o->sigma);
  snprintf(
      job->settings, sizeof job->settings,
      "%s %.9g to time %.9g at %" PetscInt_FMT " times, %" PetscInt_FMT
      " of them input, %s of covariance %.9g^2 (-Lap + %.9g^2)^-%.9g, steps up to %.9g, courant %.9g, %" PetscInt_FMT
      " points an axis of %" PetscInt_FMT,
      c->forced ? "reynolds" : "viscosity", c->forced ? o->reynolds : o->viscosity, o->time, o->times, o->input_times,
      c->forced ? "forcing" : "vorticity", o->sigma, o->tau, o->alpha, o->step, o->courant, o->resolution, o->grid);
}

PetscErrorCode SpanSimulateNavierStokes(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  Options o;
  Context context     = {.o = &o};
  SpanSimulateJob job = {.name    = "navier-stokes",
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
  PetscCall(Defaults(comm, &o, &context.forced));
  const double points = (double)o.grid * (double)o.grid, length = context.forced ? 2 * M_PI : 1;
  PetscCall(SpanCheckCount(comm, "simulate navier-stokes", "a sample",
                           PetscMax(16 * points, 4 * (double)o.times * pow((double)o.resolution, 2))));
  context.gaussian = (SpanGaussianOptions){.boundary = SPAN_GAUSSIAN_PERIODIC,
                                           .n_dims   = 2,
                                           .n        = {o.grid, o.grid},
                                           .length   = {length, length},
                                           .sigma    = o.sigma,
                                           .tau      = o.tau,
                                           .alpha    = o.alpha};
  Describe(&context, &job);
  job.memory = SpanGaussianFieldMemory(&context.gaussian) + SpanNavierStokesMemory(o.grid) + 8 * points;
  PetscCall(SpanSimulateFields(comm, &job));
  PetscFunctionReturn(0);
}
