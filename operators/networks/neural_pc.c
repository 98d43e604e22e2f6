/* The PC of a learned operator: z = t |f| N(a, f / |f|), see neural.h. */
#include <subspan/base/error.h>
#include <subspan/operators/networks/neural.h>
#include <subspan/operators/pde/coefficient.h>
#include <math.h>

typedef struct {
  SpanNeural neural;
  DM grid; /* the PC's, a share */
  SpanCoefficient *coefficient;
  Vec weight, natural, whole, scaled, image;
  VecScatter gather;
  PetscInt n[3], points;
  double *fields, *u; /* (2, points): coefficient and right side; the solution */
} Context;

static PetscErrorCode Destroy(PC pc)
{
  Context *c;
  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &c));
  PetscCall(SpanNeuralDestroy(&c->neural));
  PetscCall(VecDestroy(&c->natural));
  PetscCall(VecDestroy(&c->whole));
  PetscCall(VecDestroy(&c->scaled));
  PetscCall(VecDestroy(&c->image));
  PetscCall(VecScatterDestroy(&c->gather));
  PetscCall(PetscFree2(c->fields, c->u));
  PetscCall(DMDestroy(&c->grid));
  PetscCall(PetscFree(c));
  PetscFunctionReturn(0);
}

/* The network and what belongs to the grid, once. */
static PetscErrorCode Prepare(PC pc, Context *c)
{
  MPI_Comm comm                 = PetscObjectComm((PetscObject)pc);
  char path[PETSC_MAX_PATH_LEN] = "";
  const char *prefix;
  DM grid;
  PetscFunctionBeginUser;
  PetscCall(PCGetOptionsPrefix(pc, &prefix));
  PetscCall(PCGetDM(pc, &grid));
  if (grid) PetscCall(SpanCoefficientQuery(grid, &c->coefficient, &c->weight));
  SpanCheckInput(comm, c->coefficient, "-%spc_type neural: this grid's equation has no coefficient for a network",
                 prefix ? prefix : "");
  PetscCall(PetscOptionsGetString(NULL, prefix, "-pc_neural_model", path, sizeof path, NULL));
  SpanCheckInput(comm, path[0], "-%spc_type neural: which network? give --%spc_neural_model MODEL.h5",
                 prefix ? prefix : "", prefix ? prefix : "");
  PetscCall(SpanNeuralLoad(comm, path, c->coefficient->n_dims, 2, &c->neural));
  PetscCall(PetscObjectReference((PetscObject)grid));
  c->grid = grid;
  PetscCall(SpanCoefficientSample(grid, c->n, NULL));
  c->points = 1;
  for (int i = 0; i < c->coefficient->n_dims; i++) c->points *= c->n[i];
  PetscCall(PetscCalloc2(2 * c->points, &c->fields, c->points, &c->u));
  PetscCall(DMDACreateNaturalVector(grid, &c->natural));
  PetscCall(VecScatterCreateToAll(c->natural, &c->gather, &c->whole));
  PetscCall(DMCreateGlobalVector(grid, &c->scaled));
  PetscCall(VecDuplicate(c->scaled, &c->image));
  PetscFunctionReturn(0);
}

static PetscErrorCode SetUp(PC pc)
{
  Context *c;
  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &c));
  if (!c->neural) PetscCall(Prepare(pc, c));
  PetscCall(SpanCoefficientSample(c->grid, c->n, c->fields));
  c->coefficient->nonlinear = PETSC_TRUE;
  PetscFunctionReturn(0);
}

/* Unknowns, z, y, x. */
typedef struct {
  PetscInt first[3], count[3];
} Box;

/* Unknown `row` of a box: its place among the closed points. */
static PetscInt ClosedPoint(const Context *c, const Box *b, PetscInt row)
{
  const PetscInt in = c->coefficient->faces ? 0 : 1, line = row / b->count[2];
  const PetscInt x = b->first[2] + row % b->count[2] + in, y = b->first[1] + line % b->count[1] + in,
                 z  = b->first[0] + line / b->count[1] + in;
  const PetscInt nx = c->n[c->coefficient->n_dims - 1], ny = c->n[c->coefficient->n_dims - 2];
  return ((c->coefficient->n_dims == 3 ? z : 0) * ny + y) * nx + x;
}

/* The right side f / |f| at all points of the grid, on every rank; *size: |f|. */
static PetscErrorCode GatherRight(Context *c, Vec r, double *size)
{
  const int dims = c->coefficient->n_dims, rim = c->coefficient->faces ? 0 : 2;
  const Box all = {.count = {dims == 3 ? c->n[0] - rim : 1, c->n[dims - 2] - rim, c->n[dims - 1] - rim}};
  const PetscScalar *f;
  PetscInt n;
  double squares = 0, *right = c->fields + c->points;
  PetscFunctionBeginUser;
  PetscCall(VecPointwiseDivide(c->scaled, r, c->weight));
  PetscCall(DMDAGlobalToNaturalBegin(c->grid, c->scaled, INSERT_VALUES, c->natural));
  PetscCall(DMDAGlobalToNaturalEnd(c->grid, c->scaled, INSERT_VALUES, c->natural));
  PetscCall(VecScatterBegin(c->gather, c->natural, c->whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecScatterEnd(c->gather, c->natural, c->whole, INSERT_VALUES, SCATTER_FORWARD));
  PetscCall(VecGetLocalSize(c->whole, &n));
  PetscCall(VecGetArrayRead(c->whole, &f));
  for (PetscInt i = 0; i < n; i++) squares += f[i] * f[i];
  *size = sqrt(squares / (double)c->points);
  for (PetscInt i = 0; i<n && * size> 0; i++) right[ClosedPoint(c, &all, i)] = f[i] / *size;
  PetscCall(VecRestoreArrayRead(c->whole, &f));
  PetscFunctionReturn(0);
}

/* z: this rank's part of |f| u. */
static PetscErrorCode ScatterSolution(const Context *c, double size, Vec z)
{
  Box b;
  PetscScalar *values;
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(DMDAGetCorners(c->grid, &b.first[2], &b.first[1], &b.first[0], &b.count[2], &b.count[1], &b.count[0]));
  PetscCall(VecGetLocalSize(z, &n));
  PetscCall(VecGetArrayWrite(z, &values));
  for (PetscInt i = 0; i < n; i++) values[i] = size * c->u[ClosedPoint(c, &b, i)];
  PetscCall(VecRestoreArrayWrite(z, &values));
  PetscFunctionReturn(0);
}

static PetscErrorCode Apply(PC pc, Vec r, Vec z)
{
  Context *c;
  Mat matrix;
  double size = 0;
  PetscScalar above, below;
  PetscFunctionBeginUser;
  PetscCall(PCShellGetContext(pc, &c));
  PetscCall(GatherRight(c, r, &size));
  if (size > 0) PetscCall(SpanNeuralApply(c->neural, c->n, c->fields, c->u));
  PetscCall(ScatterSolution(c, size, z));
  PetscCall(PCGetOperators(pc, NULL, &matrix));
  PetscCall(MatMult(matrix, z, c->image));
  PetscCall(VecDot(c->coefficient->spd ? z : c->image, r, &above));
  PetscCall(VecDot(c->coefficient->spd ? z : c->image, c->image, &below));
  const double step = above / below;
  if (isfinite(step) && step != 0)
    PetscCall(VecScale(z, step));
  else
    PetscCall(VecCopy(r, z));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(PC pc)
{
  const char *prefix;
  PetscBool given;
  Context *c;
  PetscFunctionBeginUser;
  PetscCall(PCGetOptionsPrefix(pc, &prefix));
  PetscCall(PetscOptionsHasName(NULL, prefix, "-pc_neural_model", &given)); /* it counts as known from here on */
  PetscCall(PCSetType(pc, PCSHELL));
  PetscCall(PetscNew(&c));
  PetscCall(PCShellSetName(pc, "neural"));
  PetscCall(PCShellSetContext(pc, c));
  PetscCall(PCShellSetSetUp(pc, SetUp));
  PetscCall(PCShellSetApply(pc, Apply));
  PetscCall(PCShellSetDestroy(pc, Destroy));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNeuralRegister(void)
{
  PetscFunctionBeginUser;
  PetscCall(PCRegister("neural", Create));
  PetscFunctionReturn(0);
}
