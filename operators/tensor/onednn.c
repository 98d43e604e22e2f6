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
static dnnl_status_t DescribeConvolution(dnnl_engine_t engine, enum Kind kind, dnnl_alg_kind_t algorithm,
                                         DescriptionRef x, DescriptionRef w, DescriptionRef b, DescriptionRef y,
                                         const dnnl_dims_t strides, const dnnl_dims_t padding,
                                         dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t hint,
                                         dnnl_primitive_desc_t *result)
{
#if DNNL_VERSION_MAJOR >= 3
  const dnnl_dims_t dense = {0, 0};
  if (kind == FORWARD)
    return dnnl_convolution_forward_primitive_desc_create(result, engine, dnnl_forward_training, algorithm, x, w, b, y,
                                                          strides, dense, padding, padding, attributes);
  if (kind == INPUT)
    return dnnl_convolution_backward_data_primitive_desc_create(result, engine, algorithm, x, w, y, strides, dense,
                                                                padding, padding, hint, attributes);
  return dnnl_convolution_backward_weights_primitive_desc_create(result, engine, algorithm, x, w, b, y, strides, dense,
                                                                 padding, padding, hint, attributes);
#else
  dnnl_convolution_desc_t description;
  dnnl_status_t status;
  if (kind == FORWARD)
    status = dnnl_convolution_forward_desc_init(&description, dnnl_forward_training, algorithm, x, w, b, y, strides,
                                                padding, padding);
  else if (kind == INPUT)
    status = dnnl_convolution_backward_data_desc_init(&description, algorithm, x, w, y, strides, padding, padding);
  else
    status =
        dnnl_convolution_backward_weights_desc_init(&description, algorithm, x, w, b, y, strides, padding, padding);
  if (status != dnnl_success) return status;
  return dnnl_primitive_desc_create(result, &description, attributes, engine, hint);
#endif
}

/* --------------------------------------------------------------------------------------------------------------- */

enum { X, W, B, Y, SCRATCH, n_arguments };

/* Of 64-bit integers alone, so that keys are equal where their bytes are. */
typedef struct {
  PetscInt64 kind, bias, add, winograd;
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
  PetscBool winograd;
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
  (*dnn)->arena    = arena;
  (*dnn)->winograd = PETSC_TRUE;
  CallDNN(dnnl_engine_create(&(*dnn)->engine, dnnl_cpu, 0));
  CallDNN(dnnl_stream_create(&(*dnn)->stream, (*dnn)->engine, dnnl_stream_default_flags));
  PetscFunctionReturn(0);
}

void SpanOneDNNSetWinograd(SpanOneDNN dnn, PetscBool winograd) { dnn->winograd = winograd; }

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

/* oneDNN's fast kernels want whole blocks of channels. */
static PetscInt64 Whole(PetscInt64 channels)
{
  return (channels + span_channel_block - 1) / span_channel_block * span_channel_block;
}

/* A convolution of a key, by Winograd if the key says so: *description is NULL where oneDNN has none. */
static PetscErrorCode DescribeKernel(SpanOneDNN dnn, const Key *key, PetscBool winograd,
                                     dnnl_primitive_desc_t *description)
{
  const SpanConvolutionShape *s = &key->shape;
  const int64_t pad             = s->kernel / 2;
  const dnnl_dims_t padding = {pad, pad}, strides = {s->stride, s->stride};
  const int64_t height = (s->h + 2 * pad - s->kernel) / s->stride + 1,
                width  = (s->w + 2 * pad - s->kernel) / s->stride + 1;
  const int64_t in = Whole(s->in), out = Whole(s->out);
  const dnnl_dims_t x_dims = {s->n, in, s->h, s->w}, y_dims = {s->n, out, height, width};
  const dnnl_dims_t w_dims = {out, in, s->kernel, s->kernel}, b_dims = {out};
  const dnnl_data_type_t type     = s->type == SPAN_FLOAT32 ? dnnl_f32 : dnnl_bf16;
  const dnnl_alg_kind_t algorithm = winograd ? dnnl_convolution_winograd : dnnl_convolution_direct;
  Description x, w, w_forward, b, y;
  dnnl_primitive_attr_t attributes;
  dnnl_primitive_desc_t hint = NULL;

  PetscFunctionBeginUser;
  *description = NULL;
  CallDNN(Describe(&x, 4, x_dims, type, dnnl_nChw16c));
  CallDNN(Describe(&w, 4, w_dims, key->kind == WEIGHTS ? dnnl_f32 : type, dnnl_format_tag_any));
  CallDNN(Describe(&w_forward, 4, w_dims, type, dnnl_format_tag_any));
  CallDNN(Describe(&b, 1, b_dims, dnnl_f32, dnnl_x));
  CallDNN(Describe(&y, 4, y_dims, type, dnnl_nChw16c));
  CallDNN(dnnl_primitive_attr_create(&attributes));
  CallDNN(dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user));
  if (key->add) {
    dnnl_post_ops_t ops;
    CallDNN(dnnl_post_ops_create(&ops));
    CallDNN(dnnl_post_ops_append_sum(ops, 1));
    CallDNN(dnnl_primitive_attr_set_post_ops(attributes, ops));
    CallDNN(dnnl_post_ops_destroy(ops));
  }
  dnnl_status_t status = dnnl_success;
  if (key->kind != FORWARD)
    status = DescribeConvolution(dnn->engine, FORWARD, algorithm, REF(x), REF(w_forward), NULL, REF(y), strides,
                                 padding, NULL, NULL, &hint);
  if (status == dnnl_success)
    status = DescribeConvolution(dnn->engine, (enum Kind)key->kind, algorithm, REF(x), REF(w),
                                 key->bias ? REF(b) : NULL, REF(y), strides, padding, attributes, hint, description);
  if (!winograd) CallDNN(status);
  if (status != dnnl_success) *description = NULL;
  if (hint) CallDNN(dnnl_primitive_desc_destroy(hint));
  CallDNN(dnnl_primitive_attr_destroy(attributes));
  Undescribe(&x), Undescribe(&w), Undescribe(&w_forward), Undescribe(&b), Undescribe(&y);
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelCreate(SpanOneDNN dnn, const Key *key, Kernel **result)
{
  static const dnnl_query_t queries[3][4] = {
      {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_weights_md, dnnl_query_dst_md},
      {dnnl_query_diff_src_md, dnnl_query_weights_md, dnnl_query_weights_md, dnnl_query_diff_dst_md},
      {dnnl_query_src_md, dnnl_query_diff_weights_md, dnnl_query_diff_weights_md, dnnl_query_diff_dst_md}};
  Kernel *kernel;

  PetscFunctionBeginUser;
  PetscCall(PetscNew(&kernel));
  kernel->key = *key;
  if (key->winograd) PetscCall(DescribeKernel(dnn, key, PETSC_TRUE, &kernel->description));
  if (!kernel->description) PetscCall(DescribeKernel(dnn, key, PETSC_FALSE, &kernel->description));
  CallDNN(dnnl_primitive_create(&kernel->primitive, kernel->description));
  for (int i = 0; i < n_arguments; i++) {
    if (i == B && !key->bias) continue;
    const dnnl_query_t query   = i == SCRATCH ? dnnl_query_scratchpad_md : queries[key->kind][i];
    DescriptionRef description = dnnl_primitive_desc_query_md(kernel->description, query, i == B ? 1 : 0);
    CallDNN(dnnl_memory_create(&kernel->memory[i], description, dnn->engine, DNNL_MEMORY_NONE));
    if (i == W) kernel->weight_bytes = dnnl_memory_desc_get_size(description);
    if (i == SCRATCH) kernel->scratch_bytes = dnnl_memory_desc_get_size(description);
  }
  kernel->next = dnn->kernels;
  dnn->kernels = kernel;
  *result      = kernel;
  PetscFunctionReturn(0);
}

static PetscErrorCode KernelFind(SpanOneDNN dnn, enum Kind kind, const SpanConvolutionShape *shape, PetscBool bias,
                                 PetscBool add, Kernel **kernel)
{
  Key key;
  PetscFunctionBeginUser;
  key.kind     = kind;
  key.bias     = bias;
  key.add      = add;
  key.winograd = dnn->winograd && shape->type == SPAN_FLOAT32 && shape->kernel == 3 && shape->stride == 1 &&
                 PetscMin(shape->in, shape->out) >= 32;
  key.shape = *shape;
  for (*kernel = dnn->kernels; *kernel; *kernel = (*kernel)->next)
    if (!memcmp(&(*kernel)->key, &key, sizeof key)) PetscFunctionReturn(0);
  PetscCall(KernelCreate(dnn, &key, kernel));
  PetscFunctionReturn(0);
}

/* Between weights (O, C, k, k) and (k, k, C, O) with whole blocks of channels, zeros beyond: the layout from which
   oneDNN reorders by whole vectors. */
static void Transpose(const SpanConvolutionShape *s, float *oihw, float *hwio, PetscBool back)
{
  const PetscInt64 taps = s->kernel * s->kernel, in = Whole(s->in), out = Whole(s->out);
#pragma omp parallel for schedule(static)
  for (PetscInt64 i = 0; i < in; i++) {
    if (back && i >= s->in) continue;
    for (PetscInt64 o = 0; o < out; o++) {
      const PetscBool inside = (PetscBool)(i < s->in && o < s->out);
      if (back && !inside) continue;
      float *plain = inside ? oihw + (o * s->in + i) * taps : NULL;
      for (PetscInt64 t = 0; t < taps; t++) {
        float *moved = hwio + (t * in + i) * out + o;
        if (back)
          plain[t] = *moved;
        else
          *moved = inside ? plain[t] : 0;
      }
    }
  }
}

/* Copies weights (O, C, k, k) float32 into a kernel's layout, or back. */
static PetscErrorCode Reorder(SpanOneDNN dnn, const Kernel *kernel, float *plain, void *packed, PetscBool back)
{
  const SpanConvolutionShape *s = &kernel->key.shape;
  const dnnl_dims_t dims        = {Whole(s->out), Whole(s->in), s->kernel, s->kernel};
  const dnnl_query_t query      = kernel->key.kind == WEIGHTS ? dnnl_query_diff_weights_md : dnnl_query_weights_md;
  DescriptionRef layout         = dnnl_primitive_desc_query_md(kernel->description, query, 0);
  Description description;
  dnnl_memory_t memory[2];
  dnnl_primitive_desc_t reorder_description;
  dnnl_primitive_t reorder;
  float *hwio;

  PetscFunctionBeginUser;
  PetscCall(SpanArenaGetScratch(dnn->arena, (size_t)(dims[0] * dims[1] * dims[2] * dims[3]) * sizeof *hwio, &hwio));
  if (!back) Transpose(s, plain, hwio, PETSC_FALSE);
  CallDNN(Describe(&description, 4, dims, dnnl_f32, dnnl_hwio));
  CallDNN(dnnl_memory_create(&memory[0], REF(description), dnn->engine, hwio));
  CallDNN(dnnl_memory_create(&memory[1], layout, dnn->engine, packed));
  if (back)
    CallDNN(dnnl_reorder_primitive_desc_create(&reorder_description, layout, dnn->engine, REF(description), dnn->engine,
                                               NULL));
  else
    CallDNN(dnnl_reorder_primitive_desc_create(&reorder_description, REF(description), dnn->engine, layout, dnn->engine,
                                               NULL));
  CallDNN(dnnl_primitive_create(&reorder, reorder_description));
  const dnnl_exec_arg_t arguments[2] = {{DNNL_ARG_FROM, memory[back ? 1 : 0]}, {DNNL_ARG_TO, memory[back ? 0 : 1]}};
  CallDNN(dnnl_primitive_execute(reorder, dnn->stream, 2, arguments));
  CallDNN(dnnl_stream_wait(dnn->stream));
  if (back) Transpose(s, plain, hwio, PETSC_TRUE);
  CallDNN(dnnl_primitive_destroy(reorder));
  CallDNN(dnnl_primitive_desc_destroy(reorder_description));
  CallDNN(dnnl_memory_destroy(memory[0]));
  CallDNN(dnnl_memory_destroy(memory[1]));
  Undescribe(&description);
  PetscCall(SpanArenaReturn(dnn->arena, hwio));
  PetscFunctionReturn(0);
}

/* Kernels of other batches and images mostly want the same layout: one copy serves them. */
static PetscBool SameLayout(const Kernel *a, const Kernel *b)
{
  return (PetscBool)(a == b ||
                     dnnl_memory_desc_equal(dnnl_primitive_desc_query_md(a->description, dnnl_query_weights_md, 0),
                                            dnnl_primitive_desc_query_md(b->description, dnnl_query_weights_md, 0)));
}

static PetscErrorCode Pack(SpanOneDNN dnn, const Kernel *kernel, SpanTensor weight, void **block)
{
  struct SpanPacked_ *packed;
  PetscFunctionBeginUser;
  for (packed = weight->packed; packed; packed = packed->next)
    if (SameLayout(packed->kernel, kernel)) break;
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
      {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SCRATCHPAD},
      {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
      {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS, DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD}};
  dnnl_exec_arg_t arguments[n_arguments];
  void *scratch = NULL;
  int n         = 0;

  PetscFunctionBeginUser;
  if (kernel->scratch_bytes) PetscCall(SpanArenaGetScratch(dnn->arena, kernel->scratch_bytes, &scratch));
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
                                     SpanTensor weight, const float *bias, PetscBool add, void *y)
{
  const PetscInt64 out = Whole(shape->out);
  Kernel *kernel;
  void *packed;
  float *padded = NULL;
  PetscFunctionBeginUser;
  PetscCall(KernelFind(dnn, FORWARD, shape, (PetscBool)(bias != NULL), add, &kernel));
  PetscCall(Pack(dnn, kernel, weight, &packed));
  if (bias && out != shape->out) {
    PetscCall(SpanArenaGet(dnn->arena, (size_t)out * sizeof *padded, &padded));
    PetscCall(PetscArrayzero(padded, out));
    PetscCall(PetscArraycpy(padded, bias, shape->out));
    bias = padded;
  }
  PetscCall(Execute(dnn, kernel, (void *const[n_arguments]){(void *)(uintptr_t)x, packed, (void *)(uintptr_t)bias, y}));
  PetscCall(SpanArenaReturn(dnn->arena, padded));
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
  PetscCall(Execute(dnn, kernel, (void *const[n_arguments]){dx, packed, NULL, (void *)(uintptr_t)dy}));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOneDNNConvolutionWeights(SpanOneDNN dnn, const SpanConvolutionShape *shape, const void *x,
                                            const void *dy, float *dweight, float *dbias)
{
  Kernel *kernel;
  void *packed;
  float *padded = NULL;
  PetscFunctionBeginUser;
  PetscCall(KernelFind(dnn, WEIGHTS, shape, (PetscBool)(dbias != NULL), PETSC_FALSE, &kernel));
  PetscCall(SpanArenaGetScratch(dnn->arena, kernel->weight_bytes, &packed));
  if (dbias) PetscCall(SpanArenaGet(dnn->arena, (size_t)Whole(shape->out) * sizeof *padded, &padded));
  PetscCall(
      Execute(dnn, kernel, (void *const[n_arguments]){(void *)(uintptr_t)x, packed, padded, (void *)(uintptr_t)dy}));
  if (dbias) PetscCall(PetscArraycpy(dbias, padded, shape->out));
  PetscCall(Reorder(dnn, kernel, dweight, packed, PETSC_TRUE));
  PetscCall(SpanArenaReturn(dnn->arena, packed));
  PetscCall(SpanArenaReturn(dnn->arena, padded));
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
