#include <subspan/base/random.h>
#include <subspan/operators/networks/parameters.h>

typedef struct {
  char *name;
  SpanTensor tensor;
  PetscInt64 first;
  SpanStart start;
  double bound;
} Parameter;

struct SpanParameters_ {
  SpanArena arena;
  Parameter *list;
  PetscInt n, n_allocated;
  PetscInt64 size;
  float *values, *gradients;
};

/* Every parameter starts on a cache line. */
static PetscInt64 Padded(PetscInt64 size) { return (size + 15) / 16 * 16; }

PetscErrorCode SpanParametersCreate(SpanArena arena, SpanParameters *parameters)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(parameters));
  (*parameters)->arena = arena;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanParametersDestroy(SpanParameters *parameters)
{
  SpanParameters p = *parameters;
  PetscFunctionBeginUser;
  if (!p) PetscFunctionReturn(0);
  for (PetscInt i = 0; i < p->n; i++) {
    PetscCall(SpanTensorDestroy(&p->list[i].tensor));
    PetscCall(PetscFree(p->list[i].name));
  }
  PetscCall(PetscFree(p->list));
  PetscCall(SpanArenaReturn(p->arena, p->values));
  PetscCall(SpanArenaReturn(p->arena, p->gradients));
  PetscCall(PetscFree(*parameters));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanParametersAdd(SpanParameters p, const char name[], int n_dims, const PetscInt64 shape[],
                                 SpanStart start, double bound, SpanTensor *tensor)
{
  PetscFunctionBeginUser;
  PetscCheck(!p->values, PETSC_COMM_SELF, PETSC_ERR_ORDER, "parameter %s comes after the allocation", name);
  PetscCheck(SpanParametersFind(p, name) < 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "parameter %s is there already",
             name);
  if (p->n == p->n_allocated) {
    p->n_allocated = 2 * p->n_allocated + 32;
    PetscCall(PetscRealloc((size_t)p->n_allocated * sizeof *p->list, &p->list));
  }
  Parameter *added = &p->list[p->n++];
  PetscCall(PetscStrallocpy(name, &added->name));
  PetscCall(SpanTensorWrap(p->arena, n_dims, shape, NULL, &added->tensor));
  added->tensor->differentiable = PETSC_TRUE;
  added->first                  = p->size;
  added->start                  = start;
  added->bound                  = bound;
  p->size += Padded(added->tensor->size);
  *tensor = added->tensor;
  PetscFunctionReturn(0);
}

/* Number `index` of the flat array, unless it is zero. */
static float Start(const Parameter *one, uint64_t seed, uint64_t index)
{
  double normal[2];
  switch (one->start) {
  case SPAN_START_ONE:
    return 1;
  case SPAN_START_COMPLEX_ONE:
    return index % 2 == 0;
  case SPAN_START_UNIFORM:
    return (float)(one->bound * (2 * SpanRandomUniform(seed, SPAN_RANDOM_PARAMETERS, 0, index) - 1));
  case SPAN_START_NORMAL:
    SpanRandomNormal(seed, SPAN_RANDOM_PARAMETERS, 0, index, normal);
    return (float)(one->bound * normal[0]);
  case SPAN_START_ZERO:
    break;
  }
  return 0;
}

PetscErrorCode SpanParametersAllocate(SpanParameters p, uint64_t seed)
{
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(p->arena, (size_t)p->size * sizeof(float), &p->values));
  PetscCall(SpanArenaGet(p->arena, (size_t)p->size * sizeof(float), &p->gradients));
  PetscCall(PetscArrayzero(p->values, p->size));
  PetscCall(PetscArrayzero(p->gradients, p->size));
  for (PetscInt i = 0; i < p->n; i++) {
    const Parameter *one = &p->list[i];
    float *values        = p->values + one->first;
    one->tensor->data    = values;
    PetscCall(SpanTensorWrap(p->arena, one->tensor->n_dims, one->tensor->shape, p->gradients + one->first,
                             &one->tensor->gradient));
    for (PetscInt64 j = 0; j < one->tensor->size; j++) values[j] = Start(one, seed, (uint64_t)(one->first + j));
  }
  PetscFunctionReturn(0);
}

PetscInt SpanParametersCount(SpanParameters p) { return p->n; }
PetscInt64 SpanParametersSize(SpanParameters p) { return p->size; }

PetscInt64 SpanParametersWeights(SpanParameters p)
{
  PetscInt64 sum = 0;
  for (PetscInt i = 0; i < p->n; i++) sum += p->list[i].tensor->size;
  return sum;
}

float *SpanParametersValues(SpanParameters p) { return p->values; }
float *SpanParametersGradients(SpanParameters p) { return p->gradients; }

PetscErrorCode SpanParametersGet(SpanParameters p, PetscInt index, const char **name, SpanTensor *tensor,
                                 PetscInt64 *first)
{
  PetscFunctionBeginUser;
  if (name) *name = p->list[index].name;
  if (tensor) *tensor = p->list[index].tensor;
  if (first) *first = p->list[index].first;
  PetscFunctionReturn(0);
}

PetscInt SpanParametersFind(SpanParameters p, const char name[])
{
  for (PetscInt i = 0; i < p->n; i++)
    if (!strcmp(p->list[i].name, name)) return i;
  return -1;
}

PetscErrorCode SpanParametersModified(SpanParameters p)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < p->n; i++) SpanTensorModified(p->list[i].tensor);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanParametersWrite(SpanParameters p, const float values[], SpanModelStorage storage, SpanModel model)
{
  PetscFunctionBeginUser;
  if (!values) values = p->values;
  for (PetscInt i = 0; i < p->n; i++) {
    const Parameter *one = &p->list[i];
    PetscCall(SpanModelWriteParameter(model, one->name, storage, one->tensor->n_dims, one->tensor->shape,
                                      values + one->first));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanParametersCheck(SpanParameters p, SpanModel model)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < p->n; i++)
    PetscCall(SpanModelCheckParameter(model, p->list[i].name, p->list[i].tensor->n_dims, p->list[i].tensor->shape));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanParametersRead(SpanParameters p, SpanModel model)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < p->n; i++) {
    SpanTensor tensor = p->list[i].tensor;
    PetscCall(SpanModelReadParameter(model, p->list[i].name, tensor->n_dims, tensor->shape, SpanTensorFloats(tensor)));
  }
  PetscCall(SpanParametersModified(p));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanParametersSetDifferentiable(SpanParameters p, PetscBool differentiable)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < p->n; i++) p->list[i].tensor->differentiable = differentiable;
  PetscFunctionReturn(0);
}
