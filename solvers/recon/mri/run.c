/* Steps, samples of slices, checkpoints.

   Groups are independent between polls. With checkpoints on, all ranks meet about once a second to agree on whether one
   is due or a signal came; how many steps lie between two polls is agreed at the last one, so that all ranks come to
   the same poll. A checkpoint holds every finished image and the state of the unit (share.h) that each group is at. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/finite.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/base/signals.h>
#include <subspan/io/checkpoint.h>
#include <subspan/io/hash.h>
#include <subspan/solvers/recon/mri/run.h>
#include <subspan/solvers/recon/mri/share.h>
#include <string.h>

typedef struct {
  SpanReconRun *run;
  SpanReconSlice slice;
  PetscBool loaded;       /* there is a slice; its next sample takes it as it is */
  SpanReconSolver solver; /* NULL between units */
  float complex *image;   /* after the last step, checked */
  PetscInt at;            /* the unit at work, counted in this group's share */
  PetscInt n_done;
  double slice_start, slice_before; /* clock when it was taken up, seconds spent on it before a resume */
  double last_checkpoint, longest_step;
  PetscInt steps_to_poll;
  SpanProgress progress;
  double others; /* units that other groups had done at the last poll */
  char fingerprint[16384];
} Worker;

static PetscInt Pixels(const SpanReconRun *run) { return run->input->info->grid.ny * run->input->info->grid.nx; }

static PetscInt UnitSlice(const SpanReconRun *run, PetscInt unit) { return unit / run->input->options->samples; }

static PetscInt UnitSample(const SpanReconRun *run, PetscInt unit) { return unit % run->input->options->samples; }

static PetscBool Writes(const SpanReconRun *run) { return (PetscBool)(run->input->layout->team_rank == 0); }

/* What must be equal for a checkpoint to be taken up: the scan and everything that changes the result. */
static PetscErrorCode Fingerprint(const SpanReconRun *run, char *out, size_t size)
{
  const SpanReconOptions *o        = run->input->options;
  const SpanReconSamplerOptions *s = &o->sampler;
  char hash[64], prior[64] = "none";
  PetscFunctionBeginUser;
  PetscCall(SpanHashFile(run->input->layout->world, run->input->info->path, hash));
  if (o->prior[0]) PetscCall(SpanHashFile(run->input->layout->world, o->prior, prior));
  PetscCall(PetscSNPrintf(
      out, size,
      "scan %s, slices %" PetscInt_FMT " to %" PetscInt_FMT ", method %s, strength %g, iterations %" PetscInt_FMT
      ", tolerance %g, undersample %s, acceleration %g, "
      "center_fraction %g, offset %" PetscInt_FMT ", mask %s, seed %" PetscInt_FMT ", maps %s, map_sets %" PetscInt_FMT
      ", calibration %" PetscInt_FMT ", kernel %" PetscInt_FMT
      ", crop %g, noise %g, prior %s in %s, steps %" PetscInt_FMT
      ", eta %g, sigma %g to %g, schedule %s, start %s, consistency %s, weight %g, samples %" PetscInt_FMT
      ", diffpir %g %g, pnp %g, annealed %g %g, dps %g",
      hash, run->first_slice, run->first_slice + run->n_slices, o->method, o->strength, o->iterations, o->tolerance,
      o->undersample, o->acceleration, o->center_fraction, o->offset, o->mask, o->seed, o->maps, o->map_sets,
      o->calibration, o->kernel, o->crop, o->noise, prior, o->type, s->steps, s->eta, s->sigma_max, s->sigma_min,
      s->schedule, s->start, s->consistency, s->weight, o->samples, s->diffpir_lambda, s->diffpir_zeta, s->pnp_lambda,
      s->annealed_snr, s->annealed_lambda, s->dps_step));
  PetscFunctionReturn(0);
}

static PetscErrorCode Unload(Worker *w)
{
  PetscFunctionBeginUser;
  if (w->loaded) PetscCall(SpanReconSliceDestroy(&w->slice));
  w->loaded = PETSC_FALSE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Load(Worker *w, PetscInt slice)
{
  PetscFunctionBeginUser;
  if (w->loaded && w->slice.problem.slice == slice) PetscFunctionReturn(0);
  PetscCall(Unload(w));
  PetscCall(SpanReconSliceLoad(w->run->input, slice, &w->slice));
  w->loaded = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode TakeUp(Worker *w)
{
  SpanReconRun *run   = w->run;
  const PetscInt unit = run->first_unit + w->at;
  PetscFunctionBeginUser;
  w->slice_start = SpanReportSeconds();
  PetscCall(Load(w, run->first_slice + UnitSlice(run, unit)));
  w->slice.problem.sample = UnitSample(run, unit);
  PetscCall(SpanReconSolverCreate(run->method, &w->slice.problem, &w->solver));
  PetscFunctionReturn(0);
}

/* The image after a step, so that no checkpoint or result ever holds a number that is none. */
static PetscErrorCode CheckStep(Worker *w)
{
  const SpanReconOptions *o = w->run->input->options;
  const SpanReconProblem *p = &w->slice.problem;
  const PetscInt n          = SpanSenseImageSize(w->slice.sense);
  PetscFunctionBeginUser;
  if (isfinite(w->solver->change) && !w->solver->done) PetscFunctionReturn(0); /* it has seen every pixel */
  if (!w->image) PetscCall(PetscMalloc1(n, &w->image));
  PetscCall(w->solver->method->image(w->solver, w->image));
  const PetscInt64 bad = SpanFirstNotFinite(2 * n, (const float *)w->image);
  PetscCheck(bad < 0, PETSC_COMM_SELF, PETSC_ERR_FP,
             "slice %" PetscInt_FMT ", sample %" PetscInt_FMT ", step %" PetscInt_FMT " of %s: pixel (%" PetscInt_FMT
             ", %" PetscInt_FMT ") is not a finite number%s%s",
             p->slice, p->sample, w->solver->iteration, w->solver->method->name, (PetscInt)(bad / 2 / p->nx % p->ny),
             (PetscInt)(bad / 2 % p->nx), o->checkpoint[0] ? "; the last checkpoint is kept in " : "", o->checkpoint);
  PetscFunctionReturn(0);
}

static PetscErrorCode Finish(Worker *w)
{
  SpanReconRun *run = w->run;
  PetscInt pixels = Pixels(run), sets = w->slice.coils.n_sets, unit = run->first_unit + w->at;
  PetscFunctionBeginUser;
  if (Writes(run)) {
    SpanReconMagnitudePhase(run->input->info, sets, w->image, run->magnitude + w->at * pixels,
                            run->phase + w->at * pixels);
    if (run->reference && UnitSample(run, unit) == 0)
      SpanReconMagnitudePhase(run->input->info, sets, w->slice.reference,
                              run->reference + (UnitSlice(run, unit) - run->mine) * pixels, NULL);
  }
  run->records[w->at] = (SpanReconRecord){.done        = 1,
                                          .iterations  = (double)w->solver->iteration,
                                          .evaluations = (double)w->solver->evaluations,
                                          .strength    = w->solver->strength,
                                          .noise       = w->slice.problem.noise};
  PetscCall(SpanReconSliceResidual(run->input, &w->slice, w->image, &run->records[w->at].residual));
  run->records[w->at].acceleration = w->slice.acceleration;
  run->records[w->at].seconds      = w->slice_before + SpanReportSeconds() - w->slice_start;
  w->slice_before                  = 0;
  PetscCall(SpanReconSolverDestroy(&w->solver));
  if (UnitSlice(run, unit + 1) != UnitSlice(run, unit)) PetscCall(Unload(w));
  w->n_done++;
  PetscFunctionReturn(0);
}

/* Tells rank 0's step; the other groups are as they were at the last poll, or without polls as far as this one. */
static PetscErrorCode Tell(const Worker *w)
{
  const SpanReconOptions *o = w->run->input->options;
  const SpanReconSolver s   = w->solver;
  double done               = (double)w->n_done;
  PetscFunctionBeginUser;
  if (s) {
    const struct {
      const char *name;
      double value;
    } numbers[] = {{"slice", (double)s->problem->slice},
                   {"sample", (double)s->problem->sample},
                   {"iteration", (double)s->iteration},
                   {"change", s->change},
                   {"level", s->level},
                   {"residual", s->residual}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
      if (isfinite(numbers[i].value)) SpanProgressNumber(w->progress, numbers[i].name, numbers[i].value);
    if (s->done)
      done++;
    else if (w->run->input->prior)
      done += (double)s->iteration / (double)o->sampler.steps;
  }
  PetscCall(
      SpanProgressUpdate(w->progress, o->checkpoint[0] ? w->others + done : done * w->run->input->layout->n_groups));
  PetscFunctionReturn(0);
}

/* One step of this group's work; false when there is none left. */
static PetscErrorCode Advance(Worker *w, PetscBool *worked)
{
  SpanReconRun *run = w->run;
  PetscFunctionBeginUser;
  while (!w->solver && w->at < run->n_units && run->records[w->at].done != 0) w->at++;
  *worked = (PetscBool)(w->at < run->n_units);
  if (!*worked) PetscFunctionReturn(0);
  double start = SpanReportSeconds();
  SpanReportWorkBegin();
  PetscCall(PetscLogStagePush(SpanStagePrepare));
  if (!w->solver) PetscCall(TakeUp(w));
  PetscCall(PetscLogStagePop());
  PetscCall(PetscLogStagePush(SpanStageSolve));
  if (!w->solver->done) PetscCall(w->solver->method->step(w->solver));
  PetscCall(CheckStep(w));
  PetscCall(PetscLogStagePop());
  SpanReportWorkEnd();
  PetscCall(Tell(w));
  if (w->solver->done) PetscCall(Finish(w));
  w->longest_step = PetscMax(w->longest_step, SpanReportSeconds() - start);
  PetscFunctionReturn(0);
}

/* The state of the units at work: a row a group, gathered under the name of each piece. */
static PetscErrorCode SaveActive(Worker *w, SpanCheckpoint c)
{
  SpanReconRun *run = w->run;
  PetscInt count = Writes(run), groups = run->input->layout->n_groups, group = run->input->layout->group;
  int64_t active[2] = {w->solver ? run->first_unit + w->at : -1, w->solver ? w->solver->iteration : 0};
  double seconds    = w->solver ? w->slice_before + SpanReportSeconds() - w->slice_start : 0;
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointWrite(c, "active", SPAN_CHECKPOINT_INT64, groups, 2, group, count, active));
  PetscCall(SpanCheckpointWrite(c, "active_seconds", SPAN_CHECKPOINT_DOUBLE, groups, 1, group, count, &seconds));
  /* Every method's pieces have the same sizes on all groups, but a group between units has none to ask. */
  for (int i = 0; i < span_recon_max_state; i++) {
    long long bytes = w->solver && i < w->solver->n_state ? (long long)w->solver->state[i].bytes : 0, most;
    char name[32];
    PetscCallMPI(MPI_Allreduce(&bytes, &most, 1, MPI_LONG_LONG, MPI_MAX, run->input->layout->world));
    if (!most) break;
    PetscCall(PetscSNPrintf(name, sizeof name, "state_%d", i));
    PetscCall(SpanCheckpointWrite(c, name, SPAN_CHECKPOINT_BYTE, groups, (PetscInt)most, group, count && bytes ? 1 : 0,
                                  w->solver ? w->solver->state[i].data : NULL));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(Worker *w)
{
  SpanReconRun *run     = w->run;
  MPI_Comm world        = run->input->layout->world;
  const PetscInt pixels = Pixels(run), samples = run->input->options->samples, n = run->n_slices * samples,
                 first = run->first_unit, count = Writes(run) ? run->n_units : 0;
  const int64_t each = samples;
  SpanCheckpoint c;
  double seconds       = run->seconds_before + SpanReportSeconds();
  PetscBool first_rank = (PetscBool)(run->input->layout->world_rank == 0);
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointCreate(world, run->input->options->checkpoint, "recon", w->fingerprint, &c));
  PetscCall(SpanCheckpointWrite(c, "magnitude", SPAN_CHECKPOINT_FLOAT, n, pixels, first, count, run->magnitude));
  PetscCall(SpanCheckpointWrite(c, "phase", SPAN_CHECKPOINT_FLOAT, n, pixels, first, count, run->phase));
  if (run->input->reference)
    PetscCall(SpanCheckpointWrite(c, "reference", SPAN_CHECKPOINT_FLOAT, run->n_slices, pixels, run->mine,
                                  Writes(run) ? run->n_mine : 0, run->reference));
  PetscCall(SpanCheckpointWrite(c, "records", SPAN_CHECKPOINT_DOUBLE, n, sizeof(SpanReconRecord) / sizeof(double),
                                first, count, run->records));
  PetscCall(SpanCheckpointWrite(c, "samples", SPAN_CHECKPOINT_INT64, 1, 1, 0, first_rank, &each));
  PetscCall(SpanCheckpointWrite(c, "seconds", SPAN_CHECKPOINT_DOUBLE, 1, 1, 0, first_rank, &seconds));
  PetscCall(SaveActive(w, c));
  PetscCall(SpanCheckpointCommit(&c));
  w->last_checkpoint = SpanReportSeconds();
  PetscFunctionReturn(0);
}

/* Takes up the unit at work of an earlier run, if it is in this group's share. Later ones start anew. */
static PetscErrorCode RestoreActive(Worker *w, SpanCheckpoint c)
{
  SpanReconRun *run = w->run;
  PetscInt groups, length;
  int64_t(*all)[2];
  PetscFunctionBeginUser;
  PetscCall(SpanCheckpointSize(c, "active", &groups, &length));
  PetscCall(PetscMalloc1(groups, &all));
  PetscCall(SpanCheckpointRead(c, "active", SPAN_CHECKPOINT_INT64, 0, groups, all)); /* at once: groups may be many */
  while (w->at < run->n_units && run->records[w->at].done != 0) w->at++;
  for (PetscInt g = 0; g < groups; g++) {
    const int64_t *active = all[g];
    if (w->at >= run->n_units || active[0] != run->first_unit + w->at) continue;
    PetscCall(TakeUp(w));
    w->solver->iteration = (PetscInt)active[1];
    PetscCall(SpanCheckpointRead(c, "active_seconds", SPAN_CHECKPOINT_DOUBLE, g, 1, &w->slice_before));
    for (int i = 0; i < w->solver->n_state; i++) {
      char name[32];
      PetscInt rows, bytes;
      PetscCall(PetscSNPrintf(name, sizeof name, "state_%d", i));
      PetscCall(SpanCheckpointSize(c, name, &rows, &bytes));
      PetscCheck((size_t)bytes == w->solver->state[i].bytes, PETSC_COMM_SELF, PETSC_ERR_FILE_UNEXPECTED,
                 "%s: the state `%s` has %" PetscInt_FMT " bytes, the method needs %zu",
                 run->input->options->checkpoint, w->solver->state[i].name, bytes, w->solver->state[i].bytes);
      PetscCall(SpanCheckpointRead(c, name, SPAN_CHECKPOINT_BYTE, g, 1, w->solver->state[i].data));
    }
    break;
  }
  PetscCall(PetscFree(all));
  PetscFunctionReturn(0);
}

static PetscErrorCode Restore(Worker *w)
{
  SpanReconRun *run = w->run;
  SpanCheckpoint c;
  PetscFunctionBeginUser;
  PetscCall(
      SpanCheckpointOpen(run->input->layout->world, run->input->options->checkpoint, "recon", w->fingerprint, &c));
  if (!c) PetscFunctionReturn(0);
  if (run->n_units) {
    const PetscInt first = run->first_unit, n = run->n_units;
    PetscCall(SpanCheckpointRead(c, "records", SPAN_CHECKPOINT_DOUBLE, first, n, run->records));
    if (Writes(run)) {
      PetscCall(SpanCheckpointRead(c, "magnitude", SPAN_CHECKPOINT_FLOAT, first, n, run->magnitude));
      PetscCall(SpanCheckpointRead(c, "phase", SPAN_CHECKPOINT_FLOAT, first, n, run->phase));
      if (run->reference && run->n_mine)
        PetscCall(SpanCheckpointRead(c, "reference", SPAN_CHECKPOINT_FLOAT, run->mine, run->n_mine, run->reference));
    }
    PetscCall(RestoreActive(w, c));
  }
  PetscCall(SpanCheckpointRead(c, "seconds", SPAN_CHECKPOINT_DOUBLE, 0, 1, &run->seconds_before));
  PetscCall(SpanCheckpointClose(&c));
  for (PetscInt i = 0; i < run->n_units; i++) w->n_done += run->records[i].done != 0;
  PetscFunctionReturn(0);
}

static PetscErrorCode AskOthers(Worker *w)
{
  double done = (double)(Writes(w->run) ? w->n_done : 0), total;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(&done, &total, 1, MPI_DOUBLE, MPI_SUM, w->run->input->layout->world));
  w->others = total - (double)w->n_done;
  PetscFunctionReturn(0);
}

/* All ranks meet: checkpoint, stop or go on; *more: whether any rank has work left. */
static PetscErrorCode Poll(Worker *w, PetscBool idle, PetscBool *more)
{
  const SpanReconRun *run = w->run;
  double due              = SpanReportSeconds() - w->last_checkpoint >= run->input->options->checkpoint_interval;
  double mine[4] = {SpanSignalsStopRequested(), run->input->layout->world_rank == 0 ? due : 0, !idle, w->longest_step},
         all[4];
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Allreduce(mine, all, 4, MPI_DOUBLE, MPI_MAX, run->input->layout->world));
  PetscCall(AskOthers(w));
  *more            = (PetscBool)(all[2] != 0);
  w->steps_to_poll = (PetscInt)PetscMax(1, PetscMin(1000, 1 / PetscMax(all[3], 1e-3)));
  w->longest_step  = 0;
  if (all[0] != 0 || (all[1] != 0 && *more)) PetscCall(Save(w));
  if (all[0] != 0) SETERRQ(PETSC_COMM_SELF, SPAN_STOPPED, "stopped on a signal");
  PetscFunctionReturn(0);
}

static PetscErrorCode Work(Worker *w)
{
  const SpanReconRun *run = w->run;
  PetscBool worked = PETSC_TRUE, more = PETSC_TRUE, polls = (PetscBool)(run->input->options->checkpoint[0] != 0);
  PetscFunctionBeginUser;
  w->steps_to_poll = 1;
  while (polls ? more : worked) {
    for (PetscInt i = 0; i < w->steps_to_poll && worked; i++) PetscCall(Advance(w, &worked));
    if (polls) PetscCall(Poll(w, (PetscBool)!worked, &more));
  }
  PetscFunctionReturn(0);
}

/* This group's share, and memory for its images and its part of the scan. */
static PetscErrorCode Prepare(SpanReconRun *run)
{
  const SpanLayout *l        = run->input->layout;
  const SpanReconRange units = SpanReconUnits(run, l->group), slices = SpanReconSlices(run, l->group),
                       touched = SpanReconSlicesTouched(run, l->group);
  const PetscInt pixels        = Writes(run) ? Pixels(run) : 0;
  PetscInt first_coil, n_coils;
  PetscFunctionBeginUser;
  run->first_unit = units.first;
  run->n_units    = units.count;
  run->mine       = slices.first;
  run->n_mine     = slices.count;
  PetscInt size   = PetscMax(1, run->n_units * pixels);
  PetscCall(PetscCalloc3(size, &run->magnitude, size, &run->phase, PetscMax(1, run->n_units), &run->records));
  if (run->input->reference) PetscCall(PetscCalloc1(PetscMax(1, run->n_mine * pixels), &run->reference));
  SpanShare(run->input->info->n_coils, l->team_size, l->team_rank, &first_coil, &n_coils);
  PetscCall(SpanScanPrepare(run->input->scan, run->first_slice + touched.first, touched.count, first_coil, n_coils));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconRunSlices(SpanReconRun *run)
{
  const SpanReconOptions *o = run->input->options;
  const SpanLayout *l       = run->input->layout;
  Worker w                  = {.run = run};
  char job[64];
  PetscFunctionBeginUser;
  PetscCall(Prepare(run));
  if (o->checkpoint[0]) PetscCall(Fingerprint(run, w.fingerprint, sizeof w.fingerprint));
  if (o->resume) PetscCall(Restore(&w));
  if (o->checkpoint[0]) PetscCall(SpanSignalsInstall());
  /* The first checkpoint at once: a place that cannot be written is found out before the work, not after it. */
  if (o->checkpoint[0]) PetscCall(Save(&w));
  PetscCall(PetscSNPrintf(job, sizeof job, "recon %s", o->method));
  PetscCall(SpanProgressCreate(l->world, job, o->samples > 1 ? "samples" : "slices", run->n_slices * o->samples,
                               &w.progress));
  PetscCall(AskOthers(&w));
  SpanProgressStart(w.progress, w.others + (double)w.n_done);
  PetscCall(Work(&w));
  PetscCall(Unload(&w));
  PetscCall(PetscFree(w.image));
  PetscCall(SpanProgressDestroy(&w.progress));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconRunDestroy(SpanReconRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree3(run->magnitude, run->phase, run->records));
  PetscCall(PetscFree(run->reference));
  PetscFunctionReturn(0);
}
