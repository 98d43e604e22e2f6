/* A pair of functions on arrays of float complex or float as a PETSc shell Mat. */
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>

/* Either kind of function. */
typedef struct {
  SpanLinearMap on_complex;
  SpanRealMap on_real;
} Map;

typedef struct {
  PetscInt n_out, n_in; /* floats */
  Map forward, transpose;
  void *context;
  PetscErrorCode (*destroy)(void *context);
  float *in, *out; /* (n_in), (n_out) */
} Shell;

static PetscErrorCode Apply(Shell *s, const Map *map, const float *in, float *out)
{
  if (map->on_real) return map->on_real(s->context, in, out);
  return map->on_complex(s->context, (const float complex *)in, (float complex *)out);
}

static PetscErrorCode Multiply(Mat mat, Vec x, Vec y)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &s));
  PetscCall(SpanVecToFloats(x, s->n_in, s->in));
  PetscCall(Apply(s, &s->forward, s->in, s->out));
  PetscCall(SpanVecFromFloats(y, s->n_out, s->out));
  PetscFunctionReturn(0);
}

static PetscErrorCode MultiplyTranspose(Mat mat, Vec y, Vec x)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &s));
  PetscCall(SpanVecToFloats(y, s->n_out, s->out));
  PetscCall(Apply(s, &s->transpose, s->out, s->in));
  PetscCall(SpanVecFromFloats(x, s->n_in, s->in));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(Mat mat)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &s));
  if (s->destroy) PetscCall(s->destroy(s->context));
  PetscCall(PetscFree2(s->in, s->out));
  PetscCall(PetscFree(s));
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(MPI_Comm comm, const Shell *shell, Mat *mat)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  *s = *shell;
  PetscCall(PetscMalloc2(s->n_in, &s->in, s->n_out, &s->out));
  PetscCall(MatCreateShell(comm, s->n_out, s->n_in, PETSC_DETERMINE, PETSC_DETERMINE, s, mat));
  PetscCall(MatShellSetOperation(*mat, MATOP_MULT, (void (*)(void))Multiply));
  PetscCall(MatShellSetOperation(*mat, MATOP_MULT_TRANSPOSE, (void (*)(void))MultiplyTranspose));
  PetscCall(MatShellSetOperation(*mat, MATOP_DESTROY, (void (*)(void))Destroy));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanShellCreate(PetscInt n_out, PetscInt n_in, SpanLinearMap forward, SpanLinearMap adjoint,
                               void *context, PetscErrorCode (*destroy)(void *context), Mat *mat)
{
  const Shell shell = {.n_out     = 2 * n_out,
                       .n_in      = 2 * n_in,
                       .forward   = {.on_complex = forward},
                       .transpose = {.on_complex = adjoint},
                       .context   = context,
                       .destroy   = destroy};
  PetscFunctionBeginUser;
  PetscCall(Create(PETSC_COMM_SELF, &shell, mat));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanShellCreateReal(MPI_Comm comm, PetscInt n_out, PetscInt n_in, SpanRealMap forward,
                                   SpanRealMap transpose, void *context, PetscErrorCode (*destroy)(void *context),
                                   Mat *mat)
{
  const Shell shell = {.n_out     = n_out,
                       .n_in      = n_in,
                       .forward   = {.on_real = forward},
                       .transpose = {.on_real = transpose},
                       .context   = context,
                       .destroy   = destroy};
  PetscFunctionBeginUser;
  PetscCall(Create(comm, &shell, mat));
  PetscFunctionReturn(0);
}
