#include <subspan/operators/tensor/operations.h>
#include <string.h>

/* Points of the smaller and the larger grid, the latter with `points` more on both sides of each axis. */
typedef struct {
  int n_axes;
  PetscInt64 samples, channels, inner[span_tensor_max_dims], outer[span_tensor_max_dims], points[span_tensor_max_dims];
} Frame;

/* Rows of the last axis between the grids. */
static void Move(const Frame *f, float *inner, float *outer, PetscBool inwards)
{
  const int last         = f->n_axes - 1;
  const PetscInt64 width = f->inner[last] * f->channels;
  PetscInt64 rows        = f->samples;
  for (int a = 0; a < last; a++) rows *= f->inner[a];
#pragma omp parallel for schedule(static) if (rows * width > 16384)
  for (PetscInt64 r = 0; r < rows; r++) {
    PetscInt64 at = f->points[last], rest = r, stride = f->outer[last];
    for (int a = last - 1; a >= 0; a--) {
      at += (f->points[a] + rest % f->inner[a]) * stride;
      rest /= f->inner[a];
      stride *= f->outer[a];
    }
    float *from = inner + r * width, *to = outer + (rest * stride + at) * f->channels;
    if (inwards)
      memcpy(from, to, (size_t)width * sizeof *to);
    else
      memcpy(to, from, (size_t)width * sizeof *to);
  }
}

static PetscErrorCode Apply(SpanTape tape, SpanTensor x, const PetscInt64 points[], SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  PetscBool grows = PETSC_TRUE;
  Frame f         = {.n_axes = x->n_dims - 2, .samples = x->shape[0], .channels = x->shape[x->n_dims - 1]};
  PetscFunctionBeginUser;
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  for (int a = 0; a < f.n_axes; a++) grows = (PetscBool)(grows && points[a] >= 0);
  for (int a = 0; a < f.n_axes; a++) {
    dims[1 + a] += 2 * points[a];
    f.points[a] = grows ? points[a] : -points[a];
    f.inner[a]  = grows ? x->shape[1 + a] : dims[1 + a];
    f.outer[a]  = grows ? dims[1 + a] : x->shape[1 + a];
  }
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, dims, y));
  if (grows) PetscCall(PetscArrayzero(SpanTensorFloats(*y), (*y)->size));
  Move(&f, SpanTensorFloats(grows ? x : *y), SpanTensorFloats(grows ? *y : x), (PetscBool)!grows);
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscInt64 points[span_tensor_max_dims];
  PetscFunctionBeginUser;
  for (int a = 0; a < x->n_dims - 2; a++) points[a] = -node->with.integer[a];
  PetscCall(Apply(tape, node->output->gradient, points, &dx));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPad(SpanTape tape, SpanTensor x, const PetscInt64 points[], SpanTensor *y)
{
  SpanNode node;
  PetscBool up = PETSC_FALSE, down = PETSC_FALSE;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims >= 3 && x->type == SPAN_FLOAT32, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "padding: the input must be (N, n1, .., C), float32");
  for (int a = 0; a < x->n_dims - 2; a++) {
    up   = (PetscBool)(up || points[a] > 0);
    down = (PetscBool)(down || points[a] < 0);
    PetscCheck(!(up && down) && x->shape[1 + a] + 2 * points[a] > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
               "padding of %lld points on both sides of an axis of %lld", (long long)points[a],
               (long long)x->shape[1 + a]);
  }
  PetscCall(Apply(tape, x, points, y));
  PetscCall(SpanTapeRecord(tape, Backward, 1, &x, 0, *y, &node));
  if (node)
    for (int a = 0; a < x->n_dims - 2; a++) node->with.integer[a] = points[a];
  PetscFunctionReturn(0);
}
