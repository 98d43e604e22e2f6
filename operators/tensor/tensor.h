/* Tensors: dense arrays of float32 or bfloat16, last axis fastest. Images are channels-last, (N, H, W, C); complex
   numbers have a last axis of 2.

   A tensor is a handle that is shared by counting. Whoever creates one or gets one from an operation owns a share, and
   gives it back with SpanTensorDestroy; the memory returns to the arena when nobody needs the numbers any more, which
   can be before the tape lets go of the handle. */
#pragma once
#include <petscsys.h>
#include <subspan/operators/tensor/arena.h>

enum { span_tensor_max_dims = 8, span_channel_block = 16 };

typedef enum { SPAN_FLOAT32, SPAN_BFLOAT16 } SpanTensorType;

typedef struct SpanTensor_ *SpanTensor;
struct SpanTensor_ {
  int n_dims;
  PetscInt64 shape[span_tensor_max_dims];
  PetscInt64 size;     /* product of the shape */
  PetscInt64 channels; /* C of a tensor in blocks of channels; 0 otherwise */
  SpanTensorType type;
  void *data;
  SpanTensor gradient;                /* of the same shape and type; NULL until a backward pass reaches the tensor */
  PetscBool differentiable, computed; /* computed: by a recorded operation */
  PetscInt pending;                   /* recorded uses whose backward has not run yet */
  PetscInt version; /* grows with SpanTensorModified: packed copies of a parameter know when they are stale */
  struct SpanPacked_ *packed;
  int references, holders; /* of the handle; of the numbers */
  PetscBool borrowed;      /* the memory is somebody else's */
  SpanTensor owner;        /* of a view */
  SpanArena arena;
};

/* Uninitialised; the caller's share. Errors: more than span_tensor_max_dims axes, a negative size. */
PetscErrorCode SpanTensorCreate(SpanArena arena, SpanTensorType type, int n_dims, const PetscInt64 shape[],
                                SpanTensor *tensor);
/* Around memory that stays the caller's (parameters, inputs), float32. */
PetscErrorCode SpanTensorWrap(SpanArena arena, int n_dims, const PetscInt64 shape[], float *data, SpanTensor *tensor);
/* One of another's shape, layout and type. */
PetscErrorCode SpanTensorCreateLike(SpanTensor other, SpanTensor *tensor);
/* A second handle on the same numbers with another shape of the same size. Not differentiable: see SpanReshape. */
PetscErrorCode SpanTensorView(SpanTensor tensor, int n_dims, const PetscInt64 shape[], SpanTensor *view);
/* Gives back a share and clears the pointer; NULL is fine. */
PetscErrorCode SpanTensorDestroy(SpanTensor *tensor);
/* One more share, of handle and numbers. */
PetscErrorCode SpanTensorReference(SpanTensor tensor);
/* The two halves of SpanTensorDestroy, for the tape: a share of the numbers, and then one of the handle. */
PetscErrorCode SpanTensorForget(SpanTensor tensor);
PetscErrorCode SpanTensorDrop(SpanTensor *tensor);
/* A tensor with the numbers of *given, to be overwritten: its memory if no other share needs them, else a copy. Takes
   the share in the numbers, and leaves that in the handle. */
PetscErrorCode SpanTensorReuse(SpanTensor given, SpanTensor *tensor);
/* The numbers of a parameter have changed. */
void SpanTensorModified(SpanTensor tensor);

/* Adds *gradient, whose share it takes, to the tensor's gradient; the first one becomes it without a copy. */
PetscErrorCode SpanTensorAccumulate(SpanTensor tensor, SpanTensor *gradient);
/* Whether the tensor has a gradient that may be added to where it lies. */
PetscBool SpanTensorHasOwnGradient(SpanTensor tensor);

static inline float *SpanTensorFloats(SpanTensor tensor) { return (float *)tensor->data; }
static inline size_t SpanTensorBytes(SpanTensor tensor)
{
  return (size_t)tensor->size * (tensor->type == SPAN_FLOAT32 ? sizeof(float) : sizeof(uint16_t));
}

/* Errors unless the shapes are equal; the message names `operation` and both shapes. */
PetscErrorCode SpanTensorCheckSame(const char operation[], SpanTensor a, SpanTensor b);
/* Errors unless `vector` is (C), C the last axis of `tensor`. */
PetscErrorCode SpanTensorCheckVector(const char operation[], SpanTensor tensor, SpanTensor vector);
