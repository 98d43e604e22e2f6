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
/* x, y: (rows, c). Batch norm's mean and variance: (c), or NULL for those of x. */
void SpanLayerNormReference(PetscInt64 rows, PetscInt64 c, const float *x, const float *weight, const float *bias,
                            double eps, SpanActivation activation, float *y);
void SpanBatchNormReference(PetscInt64 rows, PetscInt64 c, const float *x, const float *weight, const float *bias,
                            const float *mean, const float *variance, double eps, SpanActivation activation, float *y);
void SpanSoftmaxReference(PetscInt64 rows, PetscInt64 c, const float *x, float *y);
/* a, y: (n); b: (period), again and again. */
void SpanMultiplyReference(PetscInt64 n, PetscInt64 period, const float *a, const float *b, float *y);
/* x: (outer, n, inner); y: (outer, inner). */
void SpanSumReference(PetscInt64 outer, PetscInt64 n, PetscInt64 inner, const float *x, float *y);
/* x: (rows, width), y: (n, width); and x: (n, width), y: (rows, width). */
void SpanGatherReference(PetscInt64 n, const PetscInt index[], PetscInt64 width, const float *x, float *y);
void SpanSegmentSumReference(PetscInt64 n, const PetscInt index[], PetscInt64 rows, PetscInt64 width, PetscBool mean,
                             const float *x, float *y);
/* a: (m, k); b: (k, n); y: (m, n). */
void SpanMatrixProductReference(PetscInt64 m, PetscInt64 k, PetscInt64 n, const float *a, const float *b, float *y);
/* One graph. x, y: (nodes, columns, width). */
void SpanAggregateReference(PetscInt64 nodes, PetscInt64 columns, PetscInt64 edges, const PetscInt from[],
                            const PetscInt to[], PetscInt64 width, float eps, const float *x, float *y);
/* One graph. z: (d, channels); v: (nodes, d); u: (columns, d); y: (nodes, columns, channels). */
void SpanSpectralProductReference(PetscInt64 nodes, PetscInt64 columns, PetscInt64 d, PetscInt64 channels,
                                  const float *z, const float *v, const float *u, float *y);
/* x: (samples, n0, n1, n2, c); spectrum: (samples, n0, n1, n2 / 2 + 1, c, 2). */
void SpanFourierReference(PetscInt64 samples, const PetscInt64 n[3], PetscInt64 c, const float *x, float *spectrum);
double SpanAbsoluteErrorReference(PetscInt64 n, const float *x, const float *target);
double SpanCrossEntropyReference(PetscInt64 rows, PetscInt64 c, const float *x, const PetscInt labels[]);
