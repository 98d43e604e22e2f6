/* oneDNN, the only file that knows it: compiled kernels kept by shape, parameters packed into the layout that a kernel
   wants and kept until they change. Builds against oneDNN 2.6 and 3. */
#pragma once
#include <subspan/operators/tensor/tensor.h>

typedef struct SpanOneDNN_ *SpanOneDNN;

PetscErrorCode SpanOneDNNCreate(SpanArena arena, SpanOneDNN *dnn);
PetscErrorCode SpanOneDNNDestroy(SpanOneDNN *dnn);

typedef struct {
  PetscInt64 n, h, w, in, out, kernel, stride; /* h, w: of the input */
  PetscInt64 type;                             /* of the activations */
} SpanConvolutionShape;

/* See SpanTapeSetWinograd. */
void SpanOneDNNSetWinograd(SpanOneDNN dnn, PetscBool winograd);

/* Operations.h's SpanConvolution. x, y: in blocks of channels; weight: (O, C, k, k) and bias, float32. add: to y as it
   is. */
PetscErrorCode SpanOneDNNConvolution(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *x,
                                     SpanTensor weight, const float *bias, PetscBool add, void *y);
PetscErrorCode SpanOneDNNConvolutionInput(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *dy,
                                          SpanTensor weight, void *dx);
/* dweight: (O, C, k, k); dbias: (O) or NULL; both written, float32. */
PetscErrorCode SpanOneDNNConvolutionWeights(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *x,
                                            const void *dy, float *dweight, float *dbias);

/* C = alpha op(A) op(B) + beta C, row-major float32; op by 'N' or 'T'. */
PetscErrorCode SpanGemm(char trans_a, char trans_b, PetscInt64 m, PetscInt64 n, PetscInt64 k, float alpha,
                        const float *a, PetscInt64 lda, const float *b, PetscInt64 ldb, float beta, float *c,
                        PetscInt64 ldc);

/* Frees what SpanOneDNNConvolution packed for this tensor. */
PetscErrorCode SpanPackedDestroy(SpanTensor tensor);
