/* Plain loops that compute what the fast operations do, in double precision inside: the yardstick of their tests. Each
   stands in the file of its operation. float32, the shapes of operations.h. */
#pragma once
#include <subspan/operators/tensor/operations.h>

/* x: (n, h, w, in); w: (out, in, k, k); b: (out) or NULL; y: (n, rows, columns, out). */
void SpanConvolutionReference(PetscInt64 n, PetscInt64 h, PetscInt64 w, PetscInt64 in, PetscInt64 out, PetscInt64 k,
                              PetscInt64 stride, const float *x, const float *weight, const float *b, float *y);
/* activation(x). */
double SpanActivationReference(SpanActivation activation, double x);
/* x, y: (n, points, c); weight, bias: (c); modulation: (n, 2 c) or NULL. */
void SpanGroupNormReference(PetscInt64 n, PetscInt64 points, PetscInt64 c, PetscInt64 groups, const float *x,
                            const float *weight, const float *bias, double eps, const float *modulation,
                            SpanActivation activation, float *y);
/* x: (rows, in); w: (out, in); b: (out) or NULL; y: (rows, out). */
void SpanLinearReference(PetscInt64 rows, PetscInt64 in, PetscInt64 out, const float *x, const float *w, const float *b,
                         float *y);
/* qkv: (n, t, heads, 3, d); y: (n, t, heads, d). */
void SpanAttentionReference(PetscInt64 n, PetscInt64 t, PetscInt64 heads, PetscInt64 d, const float *qkv, float *y);
