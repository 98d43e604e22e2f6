/* A pair of functions on float complex arrays as a PETSc shell Mat. */
#include <subspan/operators/imaging/interleaved.h>
#include <subspan/operators/imaging/shell.h>

typedef struct {
  PetscInt n_out, n_in;
  SpanLinearMap forward, adjoint;
  void *context;
  PetscErrorCode (*destroy)(void *context);
  float complex *in, *out; /* (n_in), (n_out) */
} Shell;

static PetscErrorCode Multiply(Mat mat, Vec x, Vec y)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &s));
  PetscCall(SpanInterleavedToComplex(x, s->n_in, s->in));
  PetscCall(s->forward(s->context, s->in, s->out));
  PetscCall(SpanInterleavedFromComplex(y, s->n_out, s->out));
  PetscFunctionReturn(0);
}

static PetscErrorCode MultiplyTranspose(Mat mat, Vec y, Vec x)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(MatShellGetContext(mat, &s));
  PetscCall(SpanInterleavedToComplex(y, s->n_out, s->out));
  PetscCall(s->adjoint(s->context, s->out, s->in));
  PetscCall(SpanInterleavedFromComplex(x, s->n_in, s->in));
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

PetscErrorCode SpanShellCreate(PetscInt n_out, PetscInt n_in, SpanLinearMap forward, SpanLinearMap adjoint,
                               void *context, PetscErrorCode (*destroy)(void *context), Mat *mat)
{
  Shell *s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  *s = (Shell){
      .n_out = n_out, .n_in = n_in, .forward = forward, .adjoint = adjoint, .context = context, .destroy = destroy};
  PetscCall(PetscMalloc2(n_in, &s->in, n_out, &s->out));
  PetscCall(MatCreateShell(PETSC_COMM_SELF, 2 * n_out, 2 * n_in, 2 * n_out, 2 * n_in, s, mat));
  PetscCall(MatShellSetOperation(*mat, MATOP_MULT, (void (*)(void))Multiply));
  PetscCall(MatShellSetOperation(*mat, MATOP_MULT_TRANSPOSE, (void (*)(void))MultiplyTranspose));
  PetscCall(MatShellSetOperation(*mat, MATOP_DESTROY, (void (*)(void))Destroy));
  PetscFunctionReturn(0);
}
