/* `subspan recon` of raw k-space: lays ranks out over slices and coils, takes the method's steps slice by slice with
   checkpoints between them, compares, writes. */
#include <subspan/solvers/recon/mri/recon.h>
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/options.h>
#include <subspan/io/maps.h>
#include <subspan/io/nifti.h>
#include <subspan/operators/imaging/sampling.h>
#include <subspan/solvers/recon/load_prior.h>
#include <subspan/solvers/recon/mri/plan.h>
#include <subspan/solvers/recon/mri/run.h>
#include <subspan/solvers/recon/mri/summary.h>
#include <string.h>

/* The mask of --undersample and --mask, on every rank; NULL without. */
static PetscErrorCode Sampling(MPI_Comm comm, const SpanReconOptions *o, const SpanScanInfo *info, float **mask)
{
  PetscInt n = info->ny * info->nx;
  PetscFunctionBeginUser;
  *mask             = NULL;
  PetscBool pattern = (PetscBool)strcmp(o->undersample, "none");
  if (!pattern && !o->mask[0]) PetscFunctionReturn(0);
  SpanCheckInput(comm, !info->noncartesian,
                 "%s: --undersample and --mask are for Cartesian data, this scan has a trajectory", info->path);
  SpanCheckInput(comm, !pattern || !o->mask[0], "--undersample %s and --mask %s: give one of them", o->undersample,
                 o->mask);
  PetscCall(PetscMalloc1(n, mask));
  if (o->mask[0]) {
    PetscCall(SpanErrorAgree(comm, SpanMaskRead(o->mask, info, *mask)));
    PetscFunctionReturn(0);
  }
  SpanSamplingOptions s = {.acceleration    = o->acceleration,
                           .center_fraction = o->center_fraction,
                           .offset          = o->offset,
                           .seed            = (uint64_t)o->seed};
  PetscCall(SpanSamplingTypeFind(o->undersample, &s.type));
  PetscCall(SpanSamplingMask(&s, info->ny, info->nx, *mask));
  PetscFunctionReturn(0);
}

/* Whether every sample of the scan was measured, by its first slice. */
static PetscErrorCode FullySampled(MPI_Comm comm, SpanScan scan, PetscInt slice, PetscBool *full)
{
  const SpanScanInfo *info = SpanScanGetInfo(scan);
  float *mask;
  int rank;
  PetscErrorCode ierr = 0;
  PetscFunctionBeginUser;
  *full = PETSC_FALSE;
  if (info->noncartesian) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(comm, &rank));
  if (rank == 0) {
    PetscCall(PetscMalloc1(info->ny * info->nx, &mask));
    ierr  = SpanScanReadMask(scan, slice, mask);
    *full = (PetscBool)(!ierr && SpanSamplingAcceleration(info->ny * info->nx, mask) == 1);
    PetscCall(PetscFree(mask));
  }
  PetscCall(SpanErrorAgree(comm, ierr));
  PetscCallMPI(MPI_Bcast(full, 1, MPIU_BOOL, 0, comm));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMRIReconstruct(MPI_Comm comm, const char path[], const SpanReconOptions *options)
{
  SpanReconPriorProblem prior = {.tape = NULL};
  SpanReconInput input        = {.options = options};
  SpanReconRun run            = {.input = &input};
  SpanLayout layout;
  PetscBool stop;
  float *sampling;
  PetscFunctionBeginUser;
  PetscCall(SpanScanOpen(comm, path, &input.scan));
  input.info = SpanScanGetInfo(input.scan);
  SpanCheckInput(comm, options->map_sets == 1 || input.info->n_coils > 1,
                 "--map_sets %" PetscInt_FMT ": the scan %s has one coil", options->map_sets, path);
  PetscCall(SpanOptionsSlices(comm, options->slices, path, input.info->n_slices, &run.first_slice, &run.n_slices));
  PetscCall(SpanNiftiCheckSize(comm, options->nifti, run.n_slices, input.info->grid.ny, input.info->grid.nx));
  PetscCall(SpanCheckCount(comm, path, "samples of all slices", (double)run.n_slices * (double)options->samples));
  PetscCall(SpanLayoutCreate(comm, run.n_slices * options->samples, options->team, &layout));
  SpanCheckInput(comm, layout.team_size <= input.info->n_coils,
                 "--team %d: more ranks than the %" PetscInt_FMT " coils of %s", layout.team_size, input.info->n_coils,
                 path);
  input.layout = &layout;
  PetscCall(Sampling(comm, options, input.info, &sampling));
  input.sampling = sampling;
  if (sampling) PetscCall(FullySampled(comm, input.scan, run.first_slice, &input.reference));
  if (options->prior[0]) {
    PetscCall(
        SpanReconLoadPrior(comm, layout.team, options, 2, options->map_sets, input.info->ny, input.info->nx, &prior));
    input.prior = &prior;
  }
  run.method = SpanReconMethodFind(options->method);
  PetscCall(SpanReconPlan(&run, &stop));
  if (!stop) {
    PetscCall(SpanReconRunSlices(&run));
    PetscCall(PetscLogStagePush(SpanStageWrite));
    PetscCall(SpanReconSummary(&run));
    PetscCall(PetscLogStagePop());
    PetscCall(SpanReconRunDestroy(&run));
  }
  PetscCall(PetscFree(sampling));
  PetscCall(SpanReconDestroyPrior(&prior));
  PetscCall(SpanLayoutDestroy(&layout));
  PetscCall(SpanScanClose(&input.scan));
  PetscFunctionReturn(0);
}
