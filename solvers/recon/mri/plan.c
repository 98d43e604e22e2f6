/* Memory a rank by array, from the shapes alone; disk; messages. */
#include <subspan/base/error.h>
#include <subspan/base/report.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/solvers/recon/memory.h>
#include <subspan/solvers/recon/mri/plan.h>
#include <subspan/solvers/recon/mri/posterior.h>
#include <subspan/solvers/recon/mri/share.h>
#include <string.h>

enum { most_items = 16 };

static int Items(const SpanReconRun *run, SpanPlanItem items[most_items])
{
  const SpanScanInfo *i     = run->input->info;
  const SpanReconOptions *o = run->input->options;
  const int group           = run->input->layout->group;
  const double slices = (double)SpanReconSlices(run, group).count, units = (double)SpanReconUnits(run, group).count,
               pixels    = (double)i->grid.ny * (double)i->grid.nx;
  const PetscInt touched = SpanReconSlicesTouched(run, group).count;
  PetscInt first, coils;
  int n = 0;
  SpanShare(i->n_coils, run->input->layout->team_size, run->input->layout->team_rank, &first, &coils);
  double image = 8. * (double)i->ny * (double)i->nx, samples = 8. * (double)i->n_rows * (double)i->n_samples,
         sets = (double)o->map_sets;
  double kernels =
      64. * (double)i->n_coils * (double)i->n_coils * (double)(o->kernel * o->kernel * o->kernel * o->kernel) / 8;
  /* A prior has been tried by now: it is in the baseline. */
  items[n++] =
      (SpanPlanItem){run->input->prior ? "program, libraries, prior" : "program and libraries", SpanPlanBaseline()};
  items[n++] = (SpanPlanItem){"k-space", (double)coils * samples};
  items[n++] = (SpanPlanItem){"k-space of a 3D scan", SpanScanPrepareMemory(run->input->scan, touched, coils)};
  items[n++] = (SpanPlanItem){"coil maps", sets * (double)coils * image};
  items[n++] = (SpanPlanItem){"masks", 1.5 * image};
  items[n++] = (SpanPlanItem){"ESPIRiT kernels", o->maps[0] || i->n_coils == 1 ? 0 : 3 * kernels};
  items[n++] =
      (SpanPlanItem){"adjoint, reference", (1 + (run->input->reference || i->has_density ? 1 : 0)) * sets * image};
  items[n++] = (SpanPlanItem){"work of A and A'A", (3 + sets) * image};
  if (i->noncartesian)
    items[n++] = (SpanPlanItem){"NUFFT and Toeplitz plans", SpanNufftMemory(i->ny, i->nx, i->n_rows * i->n_samples) +
                                                                SpanToeplitzMemory(i->ny, i->nx)};
  if (run->input->prior && strcmp(o->sampler.start, "noise"))
    items[n++] = (SpanPlanItem){"start, work of its method",
                                (1 + (double)SpanReconMethodFind(o->sampler.start)->work_images()) * sets * image};
  items[n++] = (SpanPlanItem){"work of the method", (double)run->method->work_images() * sets * image};
  items[n++] = (SpanPlanItem){"finished images", (2 * units + (run->input->reference ? slices : 0)) * pixels * 4};
  /* Magnitude, phase and deviation, and the magnitudes of a sample on their way to the file. */
  if (o->samples > 1)
    items[n++] = (SpanPlanItem){"mean of the samples", (3 * slices + (double)touched) * pixels * 4 +
                                                           SpanReconPosteriorMemory(i->grid.ny * i->grid.nx)};
  return n;
}

static PetscErrorCode Print(const SpanReconRun *run)
{
  const SpanLayout *l   = run->input->layout;
  const SpanScanInfo *i = run->input->info;
  SpanPlanItem items[most_items];
  int n                  = Items(run, items);
  double pixel           = (double)i->grid.nz * (double)i->grid.ny * (double)i->grid.nx;
  const PetscInt samples = run->input->options->samples;
  const double arrays    = 2 + (run->input->reference ? 1 : 0) + (samples > 1 ? 1 + (double)samples : 0);
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(l->world,
                        "plan: %s, %" PetscInt_FMT " slices, %" PetscInt_FMT " coils, %" PetscInt_FMT
                        " x %" PetscInt_FMT ", method %s\n",
                        i->format, run->n_slices, i->n_coils, i->ny, i->nx, run->method->name));
  PetscCall(PetscPrintf(l->world, "  ranks: %d in %d groups over slices, %d to a team over coils\n", l->world_size,
                        l->n_groups, l->team_size));
  PetscCall(SpanPlanPrint(l->world, items, n));
  PetscCall(PetscPrintf(l->world, "  output: %.1f MiB\n", pixel * 4 * arrays / 0x1p20));
  PetscCall(PetscPrintf(l->world, "  messages: %s%s\n",
                        l->team_size == 1 ? "none within a slice; one gather of figures at the end"
                                          : "a reduction and a broadcast of the image for each A'A within a team",
                        samples > 1 && l->n_groups > 1 ? "; the samples of a slice that groups share, to one" : ""));
  PetscFunctionReturn(0);
}

/* That no array's size passes the range of PetscInt. */
static PetscErrorCode CheckCounts(const SpanReconRun *run)
{
  const SpanScanInfo *i = run->input->info;
  const SpanLayout *l   = run->input->layout;
  PetscInt first, coils, sets = run->input->options->map_sets;
  double pixels = (double)i->ny * (double)i->nx;
  PetscFunctionBeginUser;
  SpanShare(i->n_coils, l->team_size, l->team_rank, &first, &coils);
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, i->path, "k-space of a slice",
                           2 * (double)coils * (double)i->n_rows * (double)i->n_samples));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, i->path, "coil maps", 2 * (double)sets * (double)coils * pixels));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, i->path, "images", 2 * (double)sets * pixels));
  PetscCall(SpanCheckCount(PETSC_COMM_SELF, i->path, "reconstruction",
                           (double)SpanReconUnits(run, l->group).count * (double)i->grid.ny * (double)i->grid.nx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanReconPlan(SpanReconRun *run, PetscBool *stop)
{
  SpanPlanItem items[most_items];
  PetscFunctionBeginUser;
  PetscCall(SpanErrorAgree(run->input->layout->world, CheckCounts(run)));
  run->planned = SpanPlanSum(items, Items(run, items));
  *stop        = run->input->options->plan;
  if (*stop) PetscCall(Print(run));
  PetscCall(SpanPlanCheck(run->input->layout->world, run->input->info->path,
                          "use more nodes, or --team to share a slice", run->planned));
  PetscFunctionReturn(0);
}
