/* Steps and checkpoints.

   A checkpoint holds the solver's pieces as global arrays: slices of the volume, rows of the projections. With
   checkpoints on, all ranks agree after each step on whether one is due or a signal came. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/finite.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/base/signals.h>
#include <subspan/io/checkpoint.h>
#include <subspan/io/hash.h>
#include <subspan/solvers/recon/ct/run.h>

typedef struct {
  SpanCTRun *run;
  SpanCTSolver solver;
  double last_checkpoint;
  char fingerprint[8192];
} Worker;

/* What must be equal for a checkpoint to be taken up: the file and everything that changes the result. */
static PetscErrorCode Fingerprint(const SpanCTRun *run, char *out, size_t size)
{
  const SpanCTProblem *p           = &run->input.problem;
  const SpanReconOptions *o        = p->options;
  const SpanReconSamplerOptions *s = &o->sampler;
  const SpanCTGeometry *g          = p->geometry;
  char hash[64], prior[64] = "none";
  PetscFunctionBeginUser;
  PetscCall(SpanHashFile(p->local->comm, p->path, hash));
  if (o->prior[0]) PetscCall(SpanHashFile(p->local->comm, o->prior, prior));
  PetscCall(PetscSNPrintf(out, size,
                          "projections %s, scan %s, slices %" PetscInt_FMT " to %" PetscInt_FMT
                          ", volume %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT
                          ", voxels %g %g %g, axis %g, method %s, strength %g, iterations %" PetscInt_FMT
                          ", tolerance %g, noise %g, seed %" PetscInt_FMT ", every %" PetscInt_FMT
                          ", filter %s, dimensions %s, penalty %s, bounds %g %g, prior %s in %s, steps %" PetscInt_FMT
                          ", eta %g, sigma %g to %g, schedule %s, start %s, consistency %s, weight %g, along z %s, rho "
                          "%g, lambda %g, ends %s, average %g, noise %g, samples %" PetscInt_FMT,
                          hash, o->ct.scan, run->input.first_slice, run->input.first_slice + run->input.n_slices, g->nz,
                          g->ny, g->nx, g->dz, g->dy, g->dx, g->axis_offset, o->method, o->strength, o->iterations,
                          o->tolerance, o->noise, o->seed, o->ct.every, o->ct.filter, o->ct.dimensions, o->ct.penalty,
                          o->ct.least, o->ct.most, prior, o->type, s->steps, s->eta, s->sigma_max, s->sigma_min,
                          s->schedule, s->start, s->consistency, s->weight, o->ct.along_z, o->ct.rho, o->ct.lambda,
                          o->ct.ends, o->ct.average, o->ct.noise, o->samples));
  PetscFunctionReturn(0);
}

/* Projections lie (n_views, n_rows, n_u) in memory, by rows in a checkpoint. */
static void TurnRows(const SpanCTProblem *p, PetscBool to_rows, float *array, float *rows)
{
  const PetscInt views = p->geometry->n_views, n_rows = p->local->n_rows, n_u = p->geometry->n_u;
  for (PetscInt a = 0; a < views; a++)
    for (PetscInt i = 0; i < n_rows; i++) {
      float *x = array + (a * n_rows + i) * n_u, *y = rows + (i * views + a) * n_u;
      for (PetscInt u = 0; u < n_u; u++)
        if (to_rows)
          y[u] = x[u];
        else
          x[u] = y[u];
    }
}

/* Writes or reads all pieces of the solver's state. */
static PetscErrorCode Exchange(Worker *w, SpanCheckpoint c, PetscBool write)
{
  const SpanCTProblem *p  = &w->run->input.problem;
  const SpanCTGeometry *g = p->geometry;
  const SpanSlabsInfo *l  = p->local;
  float *rows             = NULL;
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(l->comm, &rank));
  for (int i = 0; i < w->solver->n_state; i++) {
    const SpanCTState *s = &w->solver->state[i];
    if (s->kind == SPAN_CT_STATE_NUMBERS) {
      if (write)
        PetscCall(SpanCheckpointWrite(c, s->name, SPAN_CHECKPOINT_DOUBLE, 1, s->count, 0, rank == 0, s->data));
      else
        PetscCall(SpanCheckpointRead(c, s->name, SPAN_CHECKPOINT_DOUBLE, 0, 1, s->data));
      continue;
    }
    const PetscBool volume = (PetscBool)(s->kind == SPAN_CT_STATE_VOLUME);
    const PetscInt total = volume ? g->nz : g->n_v, length = volume ? g->ny * g->nx : g->n_views * g->n_u;
    const PetscInt first = volume ? l->first_slice : l->first_row, count = volume ? l->n_slices : l->n_rows;
    if (!volume) PetscCall(PetscMalloc1(l->samples, &rows));
    for (PetscInt k = 0; k < s->count; k++) {
      char name[64];
      float *array = (float *)s->data + k * (volume ? l->voxels : l->samples), *data = volume ? array : rows;
      PetscCall(PetscSNPrintf(name, sizeof name, "%s_%" PetscInt_FMT, s->name, k));
      if (write) {
        if (!volume) TurnRows(p, PETSC_TRUE, array, rows);
        PetscCall(SpanCheckpointWrite(c, name, SPAN_CHECKPOINT_FLOAT, total, length, first, count, data));
      } else if (count) {
        PetscCall(SpanCheckpointRead(c, name, SPAN_CHECKPOINT_FLOAT, first, count, data));
        if (!volume) TurnRows(p, PETSC_FALSE, array, rows);
      }
    }
    if (!volume) PetscCall(PetscFree(rows));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(Worker *w)
{
  SpanCTRun *run = w->run;
  MPI_Comm comm  = run->input.problem.local->comm;
  SpanCheckpoint c;
  double at[5] = {(double)w->solver->iteration, (double)w->solver->evaluations, (double)w->solver->done,
                  w->solver->strength, run->seconds_before + SpanReportSeconds()};
  int rank;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  PetscCall(SpanCheckpointCreate(comm, run->input.problem.options->checkpoint, "recon ct", w->fingerprint, &c));
  PetscCall(SpanCheckpointWrite(c, "at", SPAN_CHECKPOINT_DOUBLE, 1, 5, 0, rank == 0, at));
  const double steps = (double)w->solver->steps;
  PetscCall(SpanCheckpointWrite(c, "steps", SPAN_CHECKPOINT_DOUBLE, 1, 1, 0, rank == 0, &steps));
  PetscCall(Exchange(w, c, PETSC_TRUE));
  PetscCall(SpanCheckpointCommit(&c));
  w->last_checkpoint = SpanReportSeconds();
  PetscFunctionReturn(0);
}

static PetscErrorCode Restore(Worker *w)
{
  SpanCTRun *run      = w->run;
  MPI_Comm comm       = run->input.problem.local->comm;
  PetscErrorCode ierr = 0;
  SpanCheckpoint c;
  double at[5];
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointOpen(comm, run->input.problem.options->checkpoint, "recon ct", w->fingerprint, &c));
  if (!c) PetscFunctionReturn(0);
  ierr = SpanCheckpointRead(c, "at", SPAN_CHECKPOINT_DOUBLE, 0, 1, at);
  if (!ierr) ierr = Exchange(w, c, PETSC_FALSE);
  PetscCall(SpanErrorAgree(comm, ierr));
  w->solver->iteration   = (PetscInt)at[0];
  w->solver->evaluations = (PetscInt)at[1];
  w->solver->done        = (PetscBool)(at[2] != 0);
  w->solver->strength    = at[3];
  run->seconds_before    = at[4];
  PetscCall(SpanCheckpointClose(&c));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckFinite(const Worker *w, const char name[], PetscInt64 n, const float *values)
{
  const SpanReconOptions *o = w->run->input.problem.options;
  const PetscInt64 bad      = SpanFirstNotFinite(n, values);
  PetscFunctionBeginUser;
  PetscCheck(bad < 0, PETSC_COMM_SELF, PETSC_ERR_FP,
             "%s, step %" PetscInt_FMT " of %s: number %lld of this rank's `%s` is not finite%s%s",
             w->run->input.problem.path, w->solver->iteration, w->solver->method->name, (long long)bad, name,
             o->checkpoint[0] ? "; the last checkpoint is kept in " : "", o->checkpoint);
  PetscFunctionReturn(0);
}

/* What a step left, so that no checkpoint ever holds a number that is none. */
static PetscErrorCode CheckStep(const Worker *w)
{
  const SpanSlabsInfo *l = w->run->input.problem.local;
  PetscFunctionBeginUser;
  for (int i = 0; i < w->solver->n_state; i++) {
    const SpanCTState *s = &w->solver->state[i];
    if (s->kind != SPAN_CT_STATE_NUMBERS)
      PetscCall(CheckFinite(
          w, s->name, (PetscInt64)s->count * (s->kind == SPAN_CT_STATE_VOLUME ? l->voxels : l->samples), s->data));
  }
  PetscFunctionReturn(0);
}

/* All ranks meet: checkpoint, stop or go on. */
static PetscErrorCode Poll(Worker *w)
{
  const SpanReconOptions *o = w->run->input.problem.options;
  MPI_Comm comm             = w->run->input.problem.local->comm;
  const PetscBool due       = (PetscBool)(SpanReportSeconds() - w->last_checkpoint >= o->checkpoint_interval);
  int rank, mine[2], all[2];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  mine[0] = SpanSignalsStopRequested();
  mine[1] = rank == 0 && due;
  PetscCallMPI(MPI_Allreduce(mine, all, 2, MPI_INT, MPI_MAX, comm));
  if (all[0] || (all[1] && !w->solver->done)) PetscCall(Save(w));
  if (all[0]) SETERRQ(PETSC_COMM_SELF, SPAN_STOPPED, "stopped on a signal");
  PetscFunctionReturn(0);
}

static PetscErrorCode Work(Worker *w)
{
  const SpanCTProblem *p = &w->run->input.problem;
  SpanProgress progress;
  char job[64];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(job, sizeof job, "recon %s", p->options->method));
  PetscCall(SpanProgressCreate(p->local->comm, job, "steps", w->solver->steps, &progress));
  w->solver->progress = progress;
  SpanProgressStart(progress, w->solver->iteration);
  PetscCall(PetscLogStagePush(SpanStageSolve));
  while (!w->solver->done) {
    PetscCall(w->solver->method->step(w->solver));
    PetscCall(CheckStep(w));
    if (isfinite(w->solver->change)) SpanProgressNumber(progress, "change", w->solver->change);
    PetscCall(SpanProgressUpdate(progress, w->solver->iteration));
    if (p->options->checkpoint[0]) PetscCall(Poll(w));
  }
  PetscCall(PetscLogStagePop());
  PetscCall(SpanProgressDestroy(&progress));
  PetscFunctionReturn(0);
}

/* What the volume leaves of the data. */
static PetscErrorCode Residual(SpanCTRun *run)
{
  const SpanCTProblem *p = &run->input.problem;
  const PetscInt n       = p->local->samples;
  double left, all, weighted;
  float *rest, *scaled;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc2(n, &rest, n, &scaled));
  PetscCall(SpanSlabsForward(p->slabs, run->volume, rest));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < n; i++) {
    rest[i]   = p->weights[i] > 0 ? rest[i] - p->lines[i] : 0;
    scaled[i] = p->weights[i] * rest[i];
  }
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_PROJECTIONS, rest, rest, &left));
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_PROJECTIONS, rest, scaled, &weighted));
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_PROJECTIONS, p->lines, p->lines, &all));
  run->residual = all > 0 ? PetscSqrtReal(left / all) : 0;
  run->misfit   = weighted / (double)p->n_measured;
  PetscCheck(isfinite(run->residual) && isfinite(run->misfit), PETSC_COMM_SELF, PETSC_ERR_FP,
             "%s, %s: the result's residual is %g, its mean square %g of the noise's", p->path, run->method->name,
             run->residual, run->misfit);
  PetscCall(PetscFree2(rest, scaled));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanCTRunSteps(SpanCTRun *run)
{
  const SpanCTProblem *p    = &run->input.problem;
  const SpanReconOptions *o = p->options;
  Worker w                  = {.run = run};
  PetscFunctionBeginUser;
  PetscCall(PetscLogStagePush(SpanStagePrepare));
  PetscCall(SpanCTSolverCreate(run->method, p, &w.solver));
  PetscCall(PetscLogStagePop());
  if (o->checkpoint[0]) PetscCall(Fingerprint(run, w.fingerprint, sizeof w.fingerprint));
  if (o->resume) PetscCall(Restore(&w));
  if (o->checkpoint[0]) PetscCall(SpanSignalsInstall());
  /* The first checkpoint at once: a place that cannot be written is found out before the work, not after it. */
  if (o->checkpoint[0]) PetscCall(Save(&w));
  PetscCall(Work(&w));
  PetscCall(PetscMalloc1(p->local->voxels, &run->volume));
  PetscCall(run->method->volume(w.solver, run->volume));
  PetscCall(CheckFinite(&w, "volume", p->local->voxels, run->volume));
  if (w.solver->deviation) {
    PetscCall(PetscMalloc1(p->local->voxels, &run->deviation));
    PetscCall(w.solver->deviation(w.solver, run->deviation));
  }
  run->iterations  = w.solver->iteration;
  run->evaluations = w.solver->evaluations;
  run->strength    = w.solver->strength;
  PetscCall(SpanCTSolverDestroy(&w.solver));
  PetscCall(Residual(run));
  PetscFunctionReturn(0);
}
