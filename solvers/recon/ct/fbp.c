/* fbp and fdk: filtered backprojection (operators/imaging/fbp.h), in one step. */
#include <subspan/operators/imaging/fbp.h>
#include <subspan/solvers/recon/ct/method.h>
#include <string.h>

typedef struct {
  SpanFBP fbp;
  float *volume;
} Backprojection;

static SpanRampWindow Window(const char name[])
{
  if (!strcmp(name, "hann")) return SPAN_RAMP_HANN;
  return strcmp(name, "shepp-logan") ? SPAN_RAMP : SPAN_RAMP_SHEPP_LOGAN;
}

static PetscErrorCode Create(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  Backprojection *b;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&b));
  solver->data = b;
  PetscCall(SpanFBPCreate(p->geometry, p->path, Window(p->options->ct.filter), &b->fbp));
  PetscCall(PetscCalloc1(p->local->voxels, &b->volume));
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  Backprojection *b      = solver->data;
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < SpanSlabsGroups(p->slabs); k++) {
    SpanProjectorPart part;
    const float *seen;
    PetscCall(SpanSlabsSee(p->slabs, k, p->lines, &part, &seen));
    PetscCall(SpanFBPAdd(b->fbp, &part, seen, b->volume));
  }
  solver->iteration = 1;
  solver->done      = PETSC_TRUE;
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(SpanCTSolver solver, float *volume)
{
  Backprojection *b = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(volume, b->volume, solver->problem->local->voxels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanCTSolver solver)
{
  Backprojection *b = solver->data;
  PetscFunctionBeginUser;
  PetscCall(SpanFBPDestroy(&b->fbp));
  PetscCall(PetscFree(b->volume));
  PetscCall(PetscFree(b));
  PetscFunctionReturn(0);
}

static double Memory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  return SpanFBPMemory(g, n_slices) + 4. * (double)n_slices * (double)g->ny * (double)g->nx;
}

const SpanCTMethod SpanCTFBP = {"fbp", Create, Step, Volume, Destroy, Memory};
const SpanCTMethod SpanCTFDK = {"fdk", Create, Step, Volume, Destroy, Memory};
