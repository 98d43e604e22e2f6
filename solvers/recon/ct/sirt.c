/* sirt: the simultaneous iterative reconstruction technique (Gilbert, J Theor Biol 36:105, 1972; van der Sluis & van
   der Vorst, Lin Alg Appl 130:257, 1990) with bounds,

     x = clip(x + C A'R (y - A x)),   R = 1 / row sums, C = 1 / column sums of A,

   from x = 0. Its early iterations fit the object, later ones the noise: it ends where |A x - y|^2 has come down to the
   noise of the measured rays (discrepancy), or after 200. */
#include <subspan/solvers/recon/ct/problem.h>
#include <subspan/solvers/recon/ct/sums.h>

enum { default_iterations = 200 };

typedef struct {
  float *x, *change, *columns; /* volumes; columns: C */
  float *rest, *rows;          /* projections; rows: R */
  float least, most;
} Sirt;

static PetscErrorCode Create(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  double least, most;
  Sirt *s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  solver->data  = s;
  solver->steps = p->iterations ? p->iterations : default_iterations;
  PetscCall(PetscCalloc5(p->local->voxels, &s->x, p->local->voxels, &s->change, p->local->voxels, &s->columns,
                         p->local->samples, &s->rest, p->local->samples, &s->rows));
  SpanCTBounds(p, &least, &most);
  s->least = (float)PetscMax(least, -1e30);
  s->most  = (float)PetscMin(most, 1e30);
  PetscCall(SpanCTRowSums(p, s->rows));
  PetscCall(SpanCTColumnSums(p, NULL, s->columns));
  for (PetscInt i = 0; i < p->local->samples; i++) s->rows[i] = s->rows[i] > 0 ? 1 / s->rows[i] : 0;
  for (PetscInt i = 0; i < p->local->voxels; i++) s->columns[i] = s->columns[i] > 0 ? 1 / s->columns[i] : 0;
  solver->state[0] = (SpanCTState){"x", SPAN_CT_STATE_VOLUME, 1, s->x};
  solver->n_state  = 1;
  PetscFunctionReturn(0);
}

static PetscErrorCode Step(SpanCTSolver solver)
{
  const SpanCTProblem *p = solver->problem;
  Sirt *s                = solver->data;
  double left;
  PetscFunctionBeginUser;
  PetscCall(SpanSlabsForward(p->slabs, s->x, s->rest));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->samples; i++) s->rest[i] = p->weights[i] > 0 ? p->lines[i] - s->rest[i] : 0;
  PetscCall(SpanSlabsDot(p->slabs, SPAN_SLAB_PROJECTIONS, s->rest, s->rest, &left));
  if (!p->iterations && left <= p->noise_power) {
    solver->done = PETSC_TRUE;
    PetscFunctionReturn(0);
  }
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->samples; i++) s->rest[i] *= s->rows[i];
  PetscCall(SpanSlabsTranspose(p->slabs, s->rest, s->change));
#pragma omp parallel for simd
  for (PetscInt i = 0; i < p->local->voxels; i++) {
    const float x = s->x[i] + s->columns[i] * s->change[i];
    s->x[i]       = x < s->least ? s->least : x > s->most ? s->most : x;
  }
  solver->iteration++;
  solver->done = (PetscBool)(solver->iteration >= solver->steps);
  PetscFunctionReturn(0);
}

static PetscErrorCode Volume(SpanCTSolver solver, float *volume)
{
  Sirt *s = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(volume, s->x, solver->problem->local->voxels));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanCTSolver solver)
{
  Sirt *s = solver->data;
  PetscFunctionBeginUser;
  PetscCall(PetscFree5(s->x, s->change, s->columns, s->rest, s->rows));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static double Memory(const SpanCTGeometry *g, PetscInt n_slices, PetscInt n_rows)
{
  return 4. * 3 * (double)n_slices * (double)g->ny * (double)g->nx +
         4. * 2 * (double)n_rows * (double)g->n_views * (double)g->n_u;
}

const SpanCTMethod SpanCTSIRT = {"sirt", Create, Step, Volume, Destroy, Memory};
