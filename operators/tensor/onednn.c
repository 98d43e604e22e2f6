#include <subspan/operators/tensor/onednn.h>
#include <oneapi/dnnl/dnnl.h>

/* A memory descriptor is a structure in oneDNN 2 and a pointer in oneDNN 3; a primitive is described in two steps in
   the one and in one step in the other. Everything that differs stands in this part. */
#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t Description;
typedef const_dnnl_memory_desc_t DescriptionRef;
#define REF(description) (description)
#else
typedef dnnl_memory_desc_t Description;
typedef const dnnl_memory_desc_t *DescriptionRef;
#define REF(description) (&(description))
#endif

#define CallDNN(call)                                                                                                  \
  do {                                                                                                                 \
    const dnnl_status_t status_ = (call);                                                                              \
    PetscCheck(status_ == dnnl_success, PETSC_COMM_SELF, PETSC_ERR_LIB, "oneDNN: status %d from %s", (int)status_,     \
               #call);                                                                                                 \
  } while (0)

static dnnl_status_t Describe(Description *description, int n, const dnnl_dims_t dims, dnnl_data_type_t type,
                              dnnl_format_tag_t tag)
{
#if DNNL_VERSION_MAJOR >= 3
  return dnnl_memory_desc_create_with_tag(description, n, dims, type, tag);
#else
  return dnnl_memory_desc_init_by_tag(description, n, dims, type, tag);
#endif
}

static void Undescribe(Description *description)
{
#if DNNL_VERSION_MAJOR >= 3
  dnnl_memory_desc_destroy(*description);
#else
  (void)description;
#endif
}

enum Kind { FORWARD, INPUT, WEIGHTS };

/* x, w, b (or NULL), y as described for the direction. */
static dnnl_status_t DescribeConvolution(dnnl_engine_t engine, enum Kind kind, DescriptionRef x, DescriptionRef w,
                                         DescriptionRef b, DescriptionRef y, const dnnl_dims_t strides,
                                         const dnnl_dims_t padding, dnnl_primitive_attr_t attributes,
                                         dnnl_primitive_desc_t hint, dnnl_primitive_desc_t *result)
{
#if DNNL_VERSION_MAJOR >= 3
  const dnnl_dims_t dense = {0, 0};
  if (kind == FORWARD)
    return dnnl_convolution_forward_primitive_desc_create(result, engine, dnnl_forward_training,
                                                          dnnl_convolution_direct, x, w, b, y, strides, dense, padding,
                                                          padding, attributes);
  if (kind == INPUT)
    return dnnl_convolution_backward_data_primitive_desc_create(result, engine, dnnl_convolution_direct, x, w, y,
                                                                strides, dense, padding, padding, hint, attributes);
  return dnnl_convolution_backward_weights_primitive_desc_create(result, engine, dnnl_convolution_direct, x, w, b, y,
                                                                 strides, dense, padding, padding, hint, attributes);
#else
  dnnl_convolution_desc_t description;
  dnnl_status_t status;
  if (kind == FORWARD)
    status = dnnl_convolution_forward_desc_init(&description, dnnl_forward_training, dnnl_convolution_direct, x, w, b,
                                                y, strides, padding, padding);
  else if (kind == INPUT)
    status = dnnl_convolution_backward_data_desc_init(&description, dnnl_convolution_direct, x, w, y, strides, padding,
                                                      padding);
  else
    status = dnnl_convolution_backward_weights_desc_init(&description, dnnl_convolution_direct, x, w, b, y, strides,
                                                         padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(result, &description, attributes, engine, hint);
#endif
}

static dnnl_status_t AppendAdd(dnnl_post_ops_t ops, DescriptionRef description)
{
  return dnnl_post_ops_append_binary(ops, dnnl_binary_add, description);
}

/* --------------------------------------------------------------------------------------------------------------- */

enum { X, W, B, Y, RESIDUAL, SCRATCH, n_arguments };

typedef struct {
  enum Kind kind;
  PetscInt64 bias, residual;
  SpanConvolutionShape shape;
} Key;

typedef struct Kernel_ {
  struct Kernel_ *next;
  Key key;
  dnnl_primitive_desc_t description;
  dnnl_primitive_t primitive;
  dnnl_memory_t memory[n_arguments];
  size_t scratch_bytes, weight_bytes;
} Kernel;

struct SpanOneDNN_ {
  SpanArena arena;
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  Kernel *kernels;
};

struct SpanPacked_ {
  struct SpanPacked_ *next;
  const Kernel *kernel;
  PetscInt version;
  SpanArena arena;
  void *block;
};

PetscErrorCode SpanOneDNNCreate(SpanArena arena, SpanOneDNN *dnn)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(dnn));
  (*dnn)->arena = arena;
  CallDNN(dnnl_engine_create(&(*dnn)->engine, dnnl_cpu, 0));
  CallDNN(dnnl_stream_create(&(*dnn)->stream, (*dnn)->engine, dnnl_stream_default_flags));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOneDNNDestroy(SpanOneDNN *dnn)
{
  PetscFunctionBeginUser;
  if (!*dnn) PetscFunctionReturn(0);
  for (Kernel *kernel = (*dnn)->kernels, *next; kernel; kernel = next) {
    next = kernel->next;
    for (int i = 0; i < n_arguments; i++)
      if (kernel->memory[i]) CallDNN(dnnl_memory_destroy(kernel->memory[i]));
    CallDNN(dnnl_primitive_destroy(kernel->primitive));
    CallDNN(dnnl_primitive_desc_destroy(kernel->description));
    PetscCall(PetscFree(kernel));
  }
  CallDNN(dnnl_stream_destroy((*dnn)->stream));
  CallDNN(dnnl_engine_destroy((*dnn)->engine));
  PetscCall(PetscFree(*dnn));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPackedDestroy(SpanTensor tensor)
{
  PetscFunctionBeginUser;
  for (struct SpanPacked_ *packed = tensor->packed, *next; packed; packed = next) {
    next = packed->next;
    PetscCall(SpanArenaReturn(packed->arena, packed->block));
    PetscCall(PetscFree(packed));
  }
  tensor->packed = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelCreate(SpanOneDNN dnn, const Key *key, Kernel **result)
{
  const SpanConvolutionShape *s = &key->shape;
  const int64_t pad             = s->kernel / 2;
  const dnnl_dims_t padding = {pad, pad}, strides = {s->stride, s->stride};
  const int64_t height     = (s->h + 2 * pad - s->kernel) / s->stride + 1,
                width      = (s->w + 2 * pad - s->kernel) / s->stride + 1;
  const dnnl_dims_t x_dims = {s->n, s->in, s->h, s->w}, y_dims = {s->n, s->out, height, width};
  const dnnl_dims_t w_dims = {s->out, s->in, s->kernel, s->kernel}, b_dims = {s->out};
  const dnnl_data_type_t type   = s->type == SPAN_FLOAT32 ? dnnl_f32 : dnnl_bf16;
  const dnnl_data_type_t w_type = key->kind == WEIGHTS ? dnnl_f32 : type;
  Description x, w, w_forward, b, y;
  dnnl_primitive_attr_t attributes;
  dnnl_primitive_desc_t hint = NULL;
  Kernel *kernel;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kernel));
  kernel->key = *key;
  CallDNN(Describe(&x, 4, x_dims, type, dnnl_nhwc));
  CallDNN(Describe(&w, 4, w_dims, w_type, dnnl_format_tag_any));
  CallDNN(Describe(&w_forward, 4, w_dims, type, dnnl_format_tag_any));
  CallDNN(Describe(&b, 1, b_dims, dnnl_f32, dnnl_x));
  CallDNN(Describe(&y, 4, y_dims, type, dnnl_nhwc));
  CallDNN(dnnl_primitive_attr_create(&attributes));
  CallDNN(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
  if (key->residual) {
    dnnl_post_ops_t ops;
    CallDNN(dnnl_post_ops_create(&ops));
    CallDNN(AppendAdd(ops, REF(y)));
    CallDNN(dnnl_primitive_attr_set_post_ops(attributes, ops));
    CallDNN(dnnl_post_ops_destroy(ops));
  }
  if (key->kind != FORWARD)
    CallDNN(DescribeConvolution(dnn->engine, FORWARD, REF(x), REF(w_forward), NULL, REF(y), strides, padding, NULL,
                                NULL, &hint));
  CallDNN(DescribeConvolution(dnn->engine, key->kind, REF(x), REF(w), key->bias ? REF(b) : NULL, REF(y), strides,
                              padding, attributes, hint, &kernel->description));
  if (hint) CallDNN(dnnl_primitive_desc_destroy(hint));
  CallDNN(dnnl_primitive_attr_destroy(attributes));
  CallDNN(dnnl_primitive_create(&kernel->primitive, kernel->description));

  const dnnl_query_t w_query = key->kind == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
  DescriptionRef packed      = dnnl_primitive_desc_query_md(kernel->description, w_query, 0);
  DescriptionRef scratch     = dnnl_primitive_desc_query_md(kernel->description, dnnl_query_scratchpad_md, 0);
  CallDNN(dnnl_memory_create(&kernel->memory[X], REF(x), dnn->engine, DNNL_MEMORY_NONE));
  CallDNN(dnnl_memory_create(&kernel->memory[W], packed, dnn->engine, DNNL_MEMORY_NONE));
  CallDNN(dnnl_memory_create(&kernel->memory[B], REF(b), dnn->engine, DNNL_MEMORY_NONE));
  CallDNN(dnnl_memory_create(&kernel->memory[Y], REF(y), dnn->engine, DNNL_MEMORY_NONE));
  CallDNN(dnnl_memory_create(&kernel->memory[RESIDUAL], REF(y), dnn->engine, DNNL_MEMORY_NONE));
  CallDNN(dnnl_memory_create(&kernel->memory[SCRATCH], scratch, dnn->engine, DNNL_MEMORY_NONE));
  kernel->weight_bytes  = dnnl_memory_desc_get_size(packed);
  kernel->scratch_bytes = dnnl_memory_desc_get_size(scratch);
  Undescribe(&x), Undescribe(&w), Undescribe(&w_forward), Undescribe(&b), Undescribe(&y);
  kernel->next = dnn->kernels;
  dnn->kernels = kernel;
  *result      = kernel;
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelFind(SpanOneDNN dnn, enum Kind kind, const SpanConvolutionShape *shape, PetscBool bias,
                                 PetscBool residual, Kernel **kernel)
{
  Key key;
  PetscFunctionBeginUser;
  PetscCall(PetscMemzero(&key, sizeof key)); /* keys are compared by their bytes */
  key.kind     = kind;
  key.bias     = bias;
  key.residual = residual;
  key.shape    = *shape;
  for (*kernel = dnn->kernels; *kernel; *kernel = (*kernel)->next)
    if (!memcmp(&(*kernel)->key, &key, sizeof key)) PetscFunctionReturn(0);
  PetscCall(KernelCreate(dnn, &key, kernel));
  PetscFunctionReturn(0);
}

/* Copies weights (O, C, k, k) float32 into a kernel's layout, or back. */
static PetscErrorCode Reorder(SpanOneDNN dnn, const Kernel *kernel, const float *plain, void *packed, PetscBool back)
{
  const SpanConvolutionShape *s = &kernel->key.shape;
  const dnnl_dims_t dims        = {s->out, s->in, s->kernel, s->kernel};
  const dnnl_query_t query      = kernel->key.kind == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
  DescriptionRef layout         = dnnl_primitive_desc_query_md(kernel->description, query, 0);
  Description oihw;
  dnnl_memory_t memory[2];
  dnnl_primitive_desc_t description;
  dnnl_primitive_t reorder;

  PetscFunctionBeginUser;
  CallDNN(Describe(&oihw, 4, dims, dnnl_f32, dnnl_oihw));
  CallDNN(dnnl_memory_create(&memory[0], REF(oihw), dnn->engine, (void *)(uintptr_t)plain));
  CallDNN(dnnl_memory_create(&memory[1], layout, dnn->engine, packed));
  if (back)
    CallDNN(dnnl_reorder_primitive_desc_create(&description, layout, dnn->engine, REF(oihw), dnn->engine, NULL));
  else
    CallDNN(dnnl_reorder_primitive_desc_create(&description, REF(oihw), dnn->engine, layout, dnn->engine, NULL));
  CallDNN(dnnl_primitive_create(&reorder, description));
  const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, memory[back ? 1 : 0]}, {DNNL_ARG_TO, memory[back ? 0 : 1]}};
  CallDNN(dnnl_primitive_execute(reorder, dnn->stream, 2, arguments));
  CallDNN(dnnl_primitive_destroy(reorder));
  CallDNN(dnnl_primitive_desc_destroy(description));
  CallDNN(dnnl_memory_destroy(memory[0]));
  CallDNN(dnnl_memory_destroy(memory[1]));
  Undescribe(&oihw);
  PetscFunctionReturn(0);
}

static PetscErrorCode Pack(SpanOneDNN dnn, const Kernel *kernel, SpanTensor weight, void **block)
{
  struct SpanPacked_ *packed;
  PetscFunctionBeginUser;
  for (packed = weight->packed; packed; packed = packed->next)
    if (packed->kernel == kernel) break;
  if (!packed) {
    PetscCall(PetscNew(&packed));
    packed->kernel  = kernel;
    packed->version = weight->version - 1;
    packed->arena   = dnn->arena;
    PetscCall(SpanArenaGet(dnn->arena, kernel->weight_bytes, &packed->block));
    packed->next   = weight->packed;
    weight->packed = packed;
  }
  if (packed->version != weight->version) {
    PetscCall(Reorder(dnn, kernel, weight->data, packed->block, PETSC_FALSE));
    packed->version = weight->version;
  }
  *block = packed->block;
  PetscFunctionReturn(0);
}

static PetscErrorCode Execute(SpanOneDNN dnn, Kernel *kernel, void *const pointers[n_arguments])
{
  static const int names[3][n_arguments] = {
      {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_ATTR_MULTIPLE_POST_OP(0) | DNNL_ARG_SRC_1,
       DNNL_ARG_SCRATCHPAD},
      {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DIFF_DST, 0, DNNL_ARG_SCRATCHPAD},
      {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST, 0, DNNL_ARG_SCRATCHPAD}};
  dnnl_exec_arg_t arguments[n_arguments];
  void *scratch = NULL;
  int n         = 0;

  PetscFunctionBeginUser;
  if (kernel->scratch_bytes) PetscCall(SpanArenaGet(dnn->arena, kernel->scratch_bytes, &scratch));
  for (int i = 0; i < n_arguments; i++) {
    void *pointer = i == SCRATCH ? scratch : pointers[i];
    if (!pointer) continue;
    CallDNN(dnnl_memory_set_data_handle(kernel->memory[i], pointer));
    arguments[n].arg      = names[kernel->key.kind][i];
    arguments[n++].memory = kernel->memory[i];
  }
  CallDNN(dnnl_primitive_execute(kernel->primitive, dnn->stream, n, arguments));
  CallDNN(dnnl_stream_wait(dnn->stream));
  PetscCall(SpanArenaReturn(dnn->arena, scratch));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOneDNNConvolution(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *x,
                                     SpanTensor weight, const float *bias, const void *residual, void *y)
{
  Kernel *kernel;
  void *packed;
  PetscFunctionBeginUser;
  PetscCall(KernelFind(dnn, FORWARD, shape, (PetscBool)(bias != NULL), (PetscBool)(residual != NULL), &kernel));
  PetscCall(Pack(dnn, kernel, weight, &packed));
  PetscCall(Execute(dnn, kernel,
                    (void *const[n_arguments]){(void *)(uintptr_t)x, packed, (void *)(uintptr_t)bias, y,
                                               (void *)(uintptr_t)residual, NULL}));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOneDNNConvolutionInput(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *dy,
                                          SpanTensor weight, void *dx)
{
  Kernel *kernel;
  void *packed;
  PetscFunctionBeginUser;
  PetscCall(KernelFind(dnn, INPUT, shape, PETSC_FALSE, PETSC_FALSE, &kernel));
  PetscCall(Pack(dnn, kernel, weight, &packed));
  PetscCall(Execute(dnn, kernel, (void *const[n_arguments]){dx, packed, NULL, (void *)(uintptr_t)dy, NULL, NULL}));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOneDNNConvolutionWeights(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *x,
                                            const void *dy, float *dweight, float *dbias)
{
  Kernel *kernel;
  void *packed;
  PetscFunctionBeginUser;
  PetscCall(KernelFind(dnn, WEIGHTS, shape, (PetscBool)(dbias != NULL), PETSC_FALSE, &kernel));
  PetscCall(SpanArenaGet(dnn->arena, kernel->weight_bytes, &packed));
  PetscCall(Execute(
      dnn, kernel, (void *const[n_arguments]){(void *)(uintptr_t)x, packed, dbias, (void *)(uintptr_t)dy, NULL, NULL}));
  PetscCall(Reorder(dnn, kernel, dweight, packed, PETSC_TRUE));
  PetscCall(SpanArenaReturn(dnn->arena, packed));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGemm(char trans_a, char trans_b, PetscInt64 m, PetscInt64 n, PetscInt64 k, float alpha,
                        const float *a, PetscInt64 lda, const float *b, PetscInt64 ldb, float beta, float *c,
                        PetscInt64 ldc)
{
  PetscFunctionBeginUser;
  CallDNN(dnnl_sgemm(trans_a, trans_b, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc));
  PetscFunctionReturn(0);
}
