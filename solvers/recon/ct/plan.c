/* Memory a rank by array, from the shapes alone; of rank 0, which has the most slices. */
#include <subspan/base/layout.h>
#include <subspan/solvers/recon/ct/plan.h>
#include <subspan/solvers/recon/memory.h>
#include <omp.h>

enum { most_items = 8 };

static int Items(int ranks, const SpanCTRun *run, SpanPlanItem items[most_items])
{
  const SpanCTProblem *p  = &run->input.problem;
  const SpanCTGeometry *g = p->geometry;
  const PetscInt every    = p->options->ct.every; /* all views are read */
  PetscInt first, slices, rows;
  int n = 0;
  SpanShare(g->nz, ranks, 0, &first, &slices);
  SpanShare(g->n_v, ranks, 0, &first, &rows);
  const double voxels  = 4. * (double)slices * (double)g->ny * (double)g->nx;
  const double samples = 4. * (double)g->n_views * (double)rows * (double)g->n_u;
  const double method  = run->method->memory(g, slices, rows);
  /* After the method: the result and the reference, or what the result leaves of the data. */
  const double after = PetscMax(2 * samples, p->options->reference[0] ? voxels : 0);
  items[n++] = (SpanPlanItem){p->prior ? "program, libraries, prior" : "program and libraries", SpanPlanBaseline()};
  items[n++] = (SpanPlanItem){"projections, weights", (2 + (every > 1 ? (double)every : 0)) * samples};
  items[n++] = (SpanPlanItem){"projector", SpanSlabsMemory(g, ranks, omp_get_max_threads())};
  items[n++] = (SpanPlanItem){"volume", voxels};
  items[n++] = (SpanPlanItem){"work of the method", PetscMax(method, after)};
  return n;
}

PetscErrorCode SpanCTPlan(MPI_Comm comm, SpanCTRun *run, PetscBool *stop)
{
  const SpanCTProblem *p  = &run->input.problem;
  const SpanCTGeometry *g = p->geometry;
  SpanPlanItem items[most_items];
  int ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(comm, &ranks));
  const int n  = Items(ranks, run, items);
  run->planned = SpanPlanSum(items, n);
  *stop        = p->options->plan;
  if (*stop) {
    PetscCall(PetscPrintf(comm,
                          "plan: %s, %" PetscInt_FMT " views of %" PetscInt_FMT " x %" PetscInt_FMT
                          ", volume %" PetscInt_FMT " x %" PetscInt_FMT " x %" PetscInt_FMT ", method %s\n",
                          p->path, g->n_views, g->n_v, g->n_u, g->nz, g->ny, g->nx, run->method->name));
    PetscCall(
        PetscPrintf(comm, "  ranks: %d, %" PetscInt_FMT " slices each at most\n", ranks, (g->nz + ranks - 1) / ranks));
    PetscCall(SpanPlanPrint(comm, items, n));
    PetscCall(PetscPrintf(comm, "  output: %.1f MiB\n", 4 * (double)g->nz * (double)g->ny * (double)g->nx / 0x1p20));
    PetscCall(PetscPrintf(comm, "  messages: %s\n",
                          g->kind == SPAN_CT_CONE && ranks > 1
                              ? "for each projection and backprojection the detector rows that a rank's slices reach"
                              : "none for projections; a number a slice for each sum over the volume"));
  }
  PetscCall(SpanPlanCheck(comm, p->path, "use more nodes", run->planned));
  PetscFunctionReturn(0);
}
