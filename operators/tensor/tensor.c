#include <subspan/operators/tensor/tensor.h>
#include <subspan/operators/tensor/rows.h>
#include <subspan/operators/tensor/onednn.h>

static PetscErrorCode CreateHandle(SpanArena arena, SpanTensorType type, int n_dims, const PetscInt64 shape[],
                                   SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  PetscCheck(n_dims >= 0 && n_dims <= span_tensor_max_dims, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a tensor of %d axes; at most %d", n_dims, (int)span_tensor_max_dims);
  PetscCall(PetscNew(tensor));
  SpanTensor t = *tensor;
  t->n_dims    = n_dims;
  t->size      = 1;
  for (int i = 0; i < n_dims; i++) {
    PetscCheck(shape[i] >= 0, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "axis %d of a tensor has size %lld", i,
               (long long)shape[i]);
    t->shape[i] = shape[i];
    t->size *= shape[i];
  }
  t->type       = type;
  t->references = t->holders = 1;
  t->arena                   = arena;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorCreate(SpanArena arena, SpanTensorType type, int n_dims, const PetscInt64 shape[],
                                SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  PetscCall(CreateHandle(arena, type, n_dims, shape, tensor));
  PetscCall(SpanArenaGet(arena, SpanTensorBytes(*tensor), &(*tensor)->data));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorCreateLike(SpanTensor other, SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(other->arena, other->type, other->n_dims, other->shape, tensor));
  (*tensor)->channels = other->channels;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorWrap(SpanArena arena, int n_dims, const PetscInt64 shape[], float *data, SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  PetscCall(CreateHandle(arena, SPAN_FLOAT32, n_dims, shape, tensor));
  (*tensor)->data     = data;
  (*tensor)->borrowed = PETSC_TRUE;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorView(SpanTensor tensor, int n_dims, const PetscInt64 shape[], SpanTensor *view)
{
  PetscFunctionBeginUser;
  PetscCall(CreateHandle(tensor->arena, tensor->type, n_dims, shape, view));
  PetscCheck((*view)->size == tensor->size, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a view of %lld elements of a tensor of %lld", (long long)(*view)->size, (long long)tensor->size);
  (*view)->owner = tensor->owner ? tensor->owner : tensor;
  PetscCall(SpanTensorReference((*view)->owner));
  (*view)->data = tensor->data;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorReference(SpanTensor tensor)
{
  PetscFunctionBeginUser;
  tensor->references++;
  tensor->holders++;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorForget(SpanTensor tensor)
{
  PetscFunctionBeginUser;
  if (--tensor->holders) PetscFunctionReturn(0);
  if (tensor->owner)
    PetscCall(SpanTensorDestroy(&tensor->owner));
  else if (!tensor->borrowed)
    PetscCall(SpanArenaReturn(tensor->arena, tensor->data));
  tensor->data = NULL;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorReuse(SpanTensor given, SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  if (given->holders == 1 && !given->borrowed && !given->owner) {
    PetscCall(CreateHandle(given->arena, given->type, given->n_dims, given->shape, tensor));
    (*tensor)->channels = given->channels;
    (*tensor)->data     = given->data;
    given->data         = NULL;
    given->holders      = 0;
    PetscFunctionReturn(0);
  }
  PetscCall(SpanTensorCreateLike(given, tensor));
  const PetscInt64 bytes = (PetscInt64)SpanTensorBytes(given), piece = 1 << 18;
  char *const to         = (*tensor)->data;
  const char *const from = given->data;
#pragma omp parallel for schedule(static) if (bytes > piece)
  for (PetscInt64 i = 0; i < bytes; i += piece) memcpy(to + i, from + i, (size_t)PetscMin(piece, bytes - i));
  PetscCall(SpanTensorForget(given));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorDrop(SpanTensor *tensor)
{
  SpanTensor t = *tensor;
  PetscFunctionBeginUser;
  *tensor = NULL;
  if (--t->references) PetscFunctionReturn(0);
  PetscCall(SpanTensorDestroy(&t->gradient));
  PetscCall(SpanPackedDestroy(t));
  PetscCall(PetscFree(t));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorDestroy(SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  if (!*tensor) PetscFunctionReturn(0);
  PetscCall(SpanTensorForget(*tensor));
  PetscCall(SpanTensorDrop(tensor));
  PetscFunctionReturn(0);
}

void SpanTensorModified(SpanTensor tensor) { tensor->version++; }

PetscBool SpanTensorHasOwnGradient(SpanTensor tensor)
{
  const SpanTensor g = tensor->gradient;
  return (PetscBool)(g && g->holders == 1 && !(g->owner && g->owner->holders > 1));
}

PetscErrorCode SpanTensorAccumulate(SpanTensor tensor, SpanTensor *gradient)
{
  SpanTensor given = *gradient, sum = tensor->gradient;
  PetscFunctionBeginUser;
  *gradient = NULL;
  if (!sum) {
    tensor->gradient = given;
    PetscFunctionReturn(0);
  }
  SpanTensor target = sum;
  if (!SpanTensorHasOwnGradient(tensor)) /* somebody else reads it: add into new memory */
    PetscCall(SpanTensorCreateLike(tensor, &target));
  const PetscInt64 n = sum->size;
#pragma omp parallel for schedule(static) if (n > span_rows_serial)
  for (PetscInt64 i = 0; i < n; i += span_row) {
    const PetscInt64 count = PetscMin((PetscInt64)span_row, n - i);
    float a[span_row], b[span_row], c[span_row];
    const float *x = SpanRowRead(sum, i, count, a), *y = SpanRowRead(given, i, count, b);
    float *z = SpanRowTarget(target, i, c);
#pragma omp simd
    for (PetscInt64 j = 0; j < count; j++) z[j] = x[j] + y[j];
    SpanRowWrite(target, i, count, z);
  }
  PetscCall(SpanTensorDestroy(&given));
  if (target != sum) {
    PetscCall(SpanTensorDestroy(&sum));
    tensor->gradient = target;
  }
  PetscFunctionReturn(0);
}

static void Describe(SpanTensor t, char text[], size_t length)
{
  size_t at = 0;
  text[0]   = 0;
  for (int i = 0; i < t->n_dims && at < length; i++)
    at += (size_t)snprintf(text + at, length - at, "%s%lld", i ? " x " : "", (long long)t->shape[i]);
}

PetscErrorCode SpanTensorCheckSame(const char operation[], SpanTensor a, SpanTensor b)
{
  PetscFunctionBeginUser;
  PetscBool same = (PetscBool)(a->n_dims == b->n_dims && a->channels == b->channels);
  for (int i = 0; same && i < a->n_dims; i++) same = (PetscBool)(a->shape[i] == b->shape[i]);
  if (!same) {
    char left[128], right[128];
    Describe(a, left, sizeof left);
    Describe(b, right, sizeof right);
    SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: shapes %s and %s differ", operation, left, right);
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTensorCheckVector(const char operation[], SpanTensor tensor, SpanTensor vector)
{
  PetscFunctionBeginUser;
  if (tensor->n_dims > 0 && vector->n_dims == 1 && vector->size == tensor->shape[tensor->n_dims - 1])
    PetscFunctionReturn(0);
  char left[128], right[128];
  Describe(tensor, left, sizeof left);
  Describe(vector, right, sizeof right);
  SETERRQ(PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "%s: shape %s meets %s, which must be a vector of its last axis",
          operation, left, right);
}
