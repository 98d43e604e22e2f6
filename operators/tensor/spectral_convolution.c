/* Analysis of x to the kept frequencies, product with the weight in the order that spectral_plan.h finds, synthesis.
   The tape keeps the spectrum of x alone; what lies between in a product of several tensors is made again in the
   backward pass, which costs less time there than memory to keep it.

   Gradients are PyTorch's, dL/dRe + i dL/dIm: of c = sum a b they are da = sum dc conj(b) and db = sum dc conj(a). */
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/spectral_plan.h>
#include <subspan/operators/tensor/spectral_transform.h>
#include <math.h>

/* Labels of axes. Frequencies have 0 .. 3; ranks come after these. */
enum { SAMPLE = span_spectral_max_axes, GROUP, IN, OUT, RANK };

/* A part of the weight, cut to the frequencies in use. */
typedef struct {
  PetscBool cut;
  PetscInt64 first[span_tensor_max_dims], dims[span_tensor_max_dims]; /* of the cut one; without (re, im) */
} Cut;

typedef struct {
  SpanSpectralShape shape;
  SpanSpectrum in, out;
  double points;
  PetscInt64 first[span_spectral_max_axes]; /* row of the weight that the first kept frequency has */
  int n_parts;
  Cut cuts[span_spectral_max_parts];
  SpanLabelled tensors[span_plan_max_tensors], gradients[span_plan_max_tensors];
  SpanContractionPlan plan;
} Work;

/* What is kept between forward and backward beside the spectrum. */
typedef struct {
  SpanSpectralShape shape;
  PetscInt64 active[span_spectral_max_axes];
  int n_parts;
} Kept;

static void Append(SpanLabelled *t, int label, PetscInt64 size)
{
  t->label[t->n]  = label;
  t->size[t->n++] = size;
}

/* (modes.., N, groups, channels of a group) without axes that the weight lacks */
static SpanLabelled SpectrumLabels(const SpanSpectralShape *shape, const SpanSpectrum *s, int channel)
{
  SpanLabelled t = {0};
  for (int a = 0; a < s->n_axes; a++) Append(&t, a, s->kept[a]);
  Append(&t, SAMPLE, s->samples);
  if (shape->groups > 1) Append(&t, GROUP, shape->groups);
  if (shape->groups == 1 || shape->groups < shape->in) Append(&t, channel, s->channels / shape->groups);
  return t;
}

/* Labels of the weight's axes in the order in, out, group, modes. */
static int WeightLabels(const SpanSpectralShape *s, int labels[])
{
  int n = 0;
  if (s->groups == 1 || s->groups < s->in) {
    labels[n++] = IN;
    labels[n++] = OUT;
  }
  if (s->groups > 1) labels[n++] = GROUP;
  for (int a = 0; a < s->n_axes; a++) labels[n++] = a;
  return n;
}

/* Labels of the axes of a part; -1 for the outer ranks of a train, which are 1. */
static int PartLabels(const SpanSpectralShape *s, int part, int labels[])
{
  int axes[span_spectral_max_weight_axes] = {0}, k = 0;
  const int n = WeightLabels(s, axes), channels = n - s->n_axes;
  switch (s->form) {
  case SPAN_SPECTRAL_DENSE:
    for (int i = channels; i < n; i++) labels[k++] = axes[i];
    if (channels % 2) labels[k++] = GROUP;
    for (int i = 0; i < channels / 2 * 2; i++) labels[k++] = axes[i];
    break;
  case SPAN_SPECTRAL_TUCKER:
    for (int i = 0; i < n && part == 0; i++) labels[k++] = RANK + i;
    if (part > 0) {
      labels[k++] = axes[part - 1];
      labels[k++] = RANK + part - 1;
    }
    break;
  case SPAN_SPECTRAL_CP:
    if (part > 0) labels[k++] = axes[part - 1];
    labels[k++] = RANK;
    break;
  case SPAN_SPECTRAL_TT:
    labels[k++] = part > 0 ? RANK + part : -1;
    labels[k++] = axes[part];
    labels[k++] = part < n - 1 ? RANK + part + 1 : -1;
    break;
  }
  return k;
}

/* The kept frequencies of each axis of a grid, and where the weight has them. */
static PetscErrorCode Geometry(const SpanSpectralShape *shape, SpanTensor x, const PetscInt64 active[], Work *w)
{
  const int d = shape->n_axes;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == d + 2 && x->shape[d + 1] == shape->in && x->type == SPAN_FLOAT32 && x->size > 0,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "spectral convolution over %d axes of %lld channels: an input of %d axes and %lld channels", d,
             (long long)shape->in, x->n_dims, (long long)x->shape[x->n_dims - 1]);
  w->shape  = *shape;
  w->in     = (SpanSpectrum){.n_axes = d, .samples = x->shape[0], .channels = shape->in};
  w->points = 1;
  for (int a = 0; a < d; a++) {
    const PetscInt64 n = x->shape[1 + a], modes = shape->modes[a];
    const PetscInt64 use = active ? PetscMin(active[a], modes) : modes;
    PetscCheck(use >= 1, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%lld active modes along axis %d", (long long)use,
               a + 1);
    w->in.n[a] = n;
    w->points *= (double)n;
    if (a == d - 1) {
      w->in.kept[a] = PetscMin(n, use) / 2 + 1;
      w->first[a]   = 0;
    } else {
      w->in.kept[a] = PetscMin(n, use);
      w->first[a]   = (modes - w->in.kept[a]) / 2;
    }
  }
  w->out          = w->in;
  w->out.channels = shape->out;
  PetscFunctionReturn(0);
}

/* Between a part and its cut copy: rows of whatever lies inside of the last cut axis. */
static void MoveCut(const Cut *cut, int n, const PetscInt64 dims[], float *whole, float *part, PetscBool back)
{
  PetscInt64 rows = 1;
  for (int i = 0; i < n - 1; i++) rows *= cut->dims[i];
  const PetscInt64 width = 2 * cut->dims[n - 1];
  for (PetscInt64 r = 0; r < rows; r++) {
    PetscInt64 at = 0, rest = r, stride = dims[n - 1];
    for (int i = n - 2; i >= 0; i--) {
      at += (cut->first[i] + rest % cut->dims[i]) * stride;
      rest /= cut->dims[i];
      stride *= dims[i];
    }
    float *outer = whole + 2 * (at + cut->first[n - 1]), *inner = part + r * width;
    if (back)
      memcpy(outer, inner, (size_t)width * sizeof *outer);
    else
      memcpy(inner, outer, (size_t)width * sizeof *inner);
  }
}

/* Cut and labels of a part whose axes have the sizes dims. */
static void LabelPart(Work *w, int part, const PetscInt64 dims[])
{
  int labels[span_tensor_max_dims];
  const int n     = PartLabels(&w->shape, part, labels);
  Cut *cut        = &w->cuts[part];
  SpanLabelled *t = &w->tensors[1 + part];
  *cut            = (Cut){0};
  *t              = (SpanLabelled){0};
  for (int i = 0; i < n; i++) {
    const PetscBool mode = (PetscBool)(labels[i] >= 0 && labels[i] < w->shape.n_axes);
    cut->first[i]        = mode ? w->first[labels[i]] : 0;
    cut->dims[i]         = mode ? w->in.kept[labels[i]] : dims[i];
    if (cut->dims[i] != dims[i]) cut->cut = PETSC_TRUE;
    if (labels[i] >= 0) Append(t, labels[i], cut->dims[i]);
  }
}

static PetscErrorCode AddPart(SpanArena arena, Work *w, int part, SpanTensor weight)
{
  SpanLabelled *t = &w->tensors[1 + part];
  PetscFunctionBeginUser;
  LabelPart(w, part, weight->shape);
  t->data = SpanTensorFloats(weight);
  if (w->cuts[part].cut) {
    PetscCall(SpanArenaGet(arena, (size_t)(2 * SpanLabelledSize(t)) * sizeof *t->data, &t->data));
    MoveCut(&w->cuts[part], weight->n_dims - 1, weight->shape, SpanTensorFloats(weight), t->data, PETSC_FALSE);
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeLabelled(SpanArena arena, SpanLabelled *t)
{
  PetscFunctionBeginUser;
  PetscCall(SpanArenaReturn(arena, t->data));
  t->data = NULL;
  PetscFunctionReturn(0);
}

static PetscErrorCode Start(SpanArena arena, Work *w, SpanTensor const weights[])
{
  const SpanLabelled out = SpectrumLabels(&w->shape, &w->out, OUT);
  PetscFunctionBeginUser;
  w->n_parts    = SpanSpectralParts(&w->shape);
  w->tensors[0] = SpectrumLabels(&w->shape, &w->in, IN);
  for (int p = 0; p < w->n_parts; p++) PetscCall(AddPart(arena, w, p, weights[p]));
  PetscCall(SpanContractionPlanCreate(1 + w->n_parts, w->tensors, &out, &w->plan));
  for (int s = 0; s < w->plan.n_steps; s++) {
    const int a = w->plan.step[s].a, b = w->plan.step[s].b;
    SpanLabelled *result = &w->tensors[w->plan.n_operands + s];
    if (s == w->plan.n_steps - 1)
      *result = out;
    else
      SpanContractAxes(&w->tensors[a], &w->tensors[b], w->plan.step[s].labels, result);
  }
  PetscFunctionReturn(0);
}

/* Steps first .. last - 1, results in memory of the arena. */
static PetscErrorCode Run(SpanArena arena, Work *w, int last)
{
  PetscFunctionBeginUser;
  for (int s = 0; s < last; s++) {
    SpanLabelled *t = &w->tensors[w->plan.n_operands + s];
    PetscCall(SpanArenaGet(arena, (size_t)(2 * SpanLabelledSize(t)) * sizeof *t->data, &t->data));
    PetscCall(SpanContract(arena, &w->tensors[w->plan.step[s].a], &w->tensors[w->plan.step[s].b], PETSC_FALSE,
                           PETSC_FALSE, t));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Finish(SpanArena arena, Work *w)
{
  PetscFunctionBeginUser;
  for (int p = 0; p < w->n_parts; p++)
    if (w->cuts[p].cut) PetscCall(FreeLabelled(arena, &w->tensors[1 + p]));
  for (int s = 0; s < w->plan.n_steps; s++) PetscCall(FreeLabelled(arena, &w->tensors[w->plan.n_operands + s]));
  PetscFunctionReturn(0);
}

/* Frequency 0 of sample 0 in a spectrum. */
static float *Mean(const SpanSpectrum *s, float *spectrum)
{
  PetscInt64 mode = 0;
  for (int a = 0; a < s->n_axes; a++) mode = mode * s->kept[a] + (a == s->n_axes - 1 ? 0 : s->kept[a] / 2);
  return spectrum + mode * s->samples * s->channels * 2;
}

static PetscErrorCode BiasGradient(SpanTape tape, const SpanSpectrum *s, float *spectrum, SpanTensor bias)
{
  const float *mean = Mean(s, spectrum);
  SpanTensor gradient;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, bias->n_dims, bias->shape, &gradient));
  for (PetscInt64 o = 0; o < s->channels; o++) {
    double sum = 0;
    for (PetscInt64 n = 0; n < s->samples; n++) sum += mean[2 * (n * s->channels + o)];
    SpanTensorFloats(gradient)[o] = (float)sum;
  }
  PetscCall(SpanTensorAccumulate(bias, &gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode PartGradient(SpanTape tape, Work *w, int part, SpanTensor weight)
{
  SpanLabelled *given = &w->gradients[1 + part];
  SpanTensor gradient;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, weight->n_dims, weight->shape, &gradient));
  if (w->cuts[part].cut) {
    PetscCall(PetscArrayzero(SpanTensorFloats(gradient), gradient->size));
    MoveCut(&w->cuts[part], weight->n_dims - 1, weight->shape, SpanTensorFloats(gradient), given->data, PETSC_TRUE);
  } else
    PetscCall(PetscArraycpy(SpanTensorFloats(gradient), given->data, gradient->size));
  PetscCall(SpanTensorAccumulate(weight, &gradient));
  PetscFunctionReturn(0);
}

/* Whether the gradient of a tensor is wanted: those of given ones where `wanted` says so, and of what is made of such.
 */
static PetscBool Wanted(const Work *w, const PetscBool wanted[], int tensor)
{
  const int step = tensor - w->plan.n_operands;
  if (step < 0) return wanted[tensor];
  return (PetscBool)(Wanted(w, wanted, w->plan.step[step].a) || Wanted(w, wanted, w->plan.step[step].b));
}

/* From the gradient of the last tensor to those of the given ones, added to targets where there are such. */
static PetscErrorCode RunBackward(SpanArena arena, Work *w, const PetscBool wanted[], float *const target[])
{
  PetscFunctionBeginUser;
  for (int s = w->plan.n_steps - 1; s >= 0; s--) {
    SpanLabelled *result = &w->gradients[w->plan.n_operands + s];
    const int pair[2]    = {w->plan.step[s].a, w->plan.step[s].b};
    for (int k = 0; k < 2 && result->data; k++) {
      SpanLabelled *gradient = &w->gradients[pair[k]];
      if (!Wanted(w, wanted, pair[k])) continue;
      *gradient           = w->tensors[pair[k]];
      const PetscBool add = (PetscBool)(target[pair[k]] != NULL);
      gradient->data      = target[pair[k]];
      if (!add)
        PetscCall(
            SpanArenaGet(arena, (size_t)(2 * SpanLabelledSize(gradient)) * sizeof *gradient->data, &gradient->data));
      PetscCall(SpanContract(arena, result, &w->tensors[pair[1 - k]], PETSC_TRUE, add, gradient));
    }
    PetscCall(FreeLabelled(arena, result));
    for (int k = 0; k < 2; k++) /* each is used once */
      if (pair[k] >= w->plan.n_operands) PetscCall(FreeLabelled(arena, &w->tensors[pair[k]]));
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanArena arena = SpanTapeArena(tape);
  SpanTensor x = node->inputs[0], bias = node->inputs[1], dx;
  const Kept *kept                              = node->saved[1]->data;
  PetscBool wanted[1 + span_spectral_max_parts] = {PETSC_FALSE};
  float *target[span_plan_max_tensors]          = {NULL};
  Work w                                        = {0};
  PetscFunctionBeginUser;
  PetscCall(Geometry(&kept->shape, x, kept->active, &w));
  PetscCall(Start(arena, &w, node->inputs + 2));
  w.tensors[0].data = SpanTensorFloats(node->saved[0]);
  wanted[0]         = x->differentiable;
  for (int p = 0; p < w.n_parts; p++) {
    SpanTensor weight = node->inputs[2 + p];
    wanted[1 + p]     = weight->differentiable;
    if (!w.cuts[p].cut && SpanTensorHasOwnGradient(weight)) target[1 + p] = SpanTensorFloats(weight->gradient);
  }
  SpanLabelled *dy = &w.gradients[w.plan.n_operands + w.plan.n_steps - 1];
  *dy              = w.tensors[w.plan.n_operands + w.plan.n_steps - 1];
  PetscCall(SpanArenaGet(arena, (size_t)(2 * SpanLabelledSize(dy)) * sizeof *dy->data, &dy->data));
  PetscCall(SpanSpectralAnalysis(arena, &w.out, SpanTensorFloats(node->output->gradient), 1, PETSC_TRUE, dy->data));
  if (bias && bias->differentiable) PetscCall(BiasGradient(tape, &w.out, dy->data, bias));
  PetscCall(Run(arena, &w, w.plan.n_steps - 1));
  PetscCall(RunBackward(arena, &w, wanted, target));
  if (x->differentiable) {
    const PetscBool add = SpanTensorHasOwnGradient(x);
    if (!add) PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, x->n_dims, x->shape, &dx));
    PetscCall(SpanSpectralSynthesis(arena, &w.in, w.gradients[0].data, (float)(1 / w.points), PETSC_FALSE, add,
                                    SpanTensorFloats(add ? x->gradient : dx)));
    if (!add) PetscCall(SpanTensorAccumulate(x, &dx));
  }
  for (int i = 0; i <= w.n_parts; i++) {
    if (target[i]) continue;
    if (i > 0 && wanted[i]) PetscCall(PartGradient(tape, &w, i - 1, node->inputs[1 + i]));
    PetscCall(FreeLabelled(arena, &w.gradients[i]));
  }
  PetscCall(Finish(arena, &w));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckParts(const SpanSpectralShape *shape, const SpanTensor weights[], SpanTensor bias)
{
  PetscFunctionBeginUser;
  PetscCall(SpanSpectralCheck(shape));
  for (int p = 0; p < SpanSpectralParts(shape); p++) {
    PetscInt64 dims[span_tensor_max_dims];
    char name[64];
    double deviation;
    int n;
    SpanSpectralPart(shape, p, name, &n, dims, &deviation);
    PetscBool fits = (PetscBool)(weights[p]->n_dims == n);
    for (int i = 0; fits && i < n; i++) fits = (PetscBool)(weights[p]->shape[i] == dims[i]);
    PetscCheck(fits, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "spectral convolution: %s has another shape than it must have",
               name);
  }
  PetscCheck(!bias || bias->size == shape->out, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "spectral convolution to %lld channels meets a bias of %lld", (long long)shape->out,
             (long long)(bias ? bias->size : 0));
  PetscFunctionReturn(0);
}

static PetscErrorCode Record(SpanTape tape, const Work *w, SpanTensor x, const SpanTensor weights[], SpanTensor bias,
                             SpanTensor *spectrum, SpanTensor y)
{
  SpanTensor inputs[2 + span_spectral_max_parts] = {x, bias};
  const PetscInt64 floats                        = (PetscInt64)((sizeof(Kept) + sizeof(float) - 1) / sizeof(float));
  SpanNode node;
  PetscFunctionBeginUser;
  for (int p = 0; p < w->n_parts; p++) inputs[2 + p] = weights[p];
  const unsigned needs = ((1u << w->n_parts) - 1) << 2;
  PetscCall(SpanTapeRecord(tape, Backward, 2 + w->n_parts, inputs, needs, y, &node));
  if (!node) PetscFunctionReturn(0);
  node->saved[0] = *spectrum;
  *spectrum      = NULL;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &floats, &node->saved[1]));
  Kept *kept    = node->saved[1]->data;
  kept->shape   = w->shape;
  kept->n_parts = w->n_parts;
  for (int a = 0; a < w->shape.n_axes; a++)
    kept->active[a] = a == w->shape.n_axes - 1 ? 2 * (w->in.kept[a] - 1) + 1 : w->in.kept[a];
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSpectralConvolution(SpanTape tape, const SpanSpectralShape *shape, SpanTensor x,
                                       const SpanTensor weights[], SpanTensor bias, const PetscInt64 active[],
                                       SpanTensor *y)
{
  SpanArena arena = SpanTapeArena(tape);
  PetscInt64 dims[span_tensor_max_dims];
  SpanTensor spectrum;
  Work w = {0};
  PetscFunctionBeginUser;
  PetscCall(CheckParts(shape, weights, bias));
  PetscCall(Geometry(shape, x, active, &w));
  PetscCall(Start(arena, &w, weights));
  dims[0] = 2 * SpanLabelledSize(&w.tensors[0]);
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, 1, dims, &spectrum));
  PetscCall(SpanSpectralAnalysis(arena, &w.in, SpanTensorFloats(x), (float)(1 / w.points), PETSC_FALSE,
                                 SpanTensorFloats(spectrum)));
  w.tensors[0].data = SpanTensorFloats(spectrum);
  PetscCall(Run(arena, &w, w.plan.n_steps));
  float *product = w.tensors[w.plan.n_operands + w.plan.n_steps - 1].data, *mean = Mean(&w.out, product);
  for (PetscInt64 i = 0; bias && i < w.out.samples * w.out.channels; i++)
    mean[2 * i] += SpanTensorFloats(bias)[i % w.out.channels];
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[x->n_dims - 1] = shape->out;
  PetscCall(SpanTensorCreate(arena, SPAN_FLOAT32, x->n_dims, dims, y));
  PetscCall(SpanSpectralSynthesis(arena, &w.out, product, 1, PETSC_TRUE, PETSC_FALSE, SpanTensorFloats(*y)));
  PetscCall(Finish(arena, &w));
  PetscCall(Record(tape, &w, x, weights, bias, &spectrum, *y));
  PetscCall(SpanTensorDestroy(&spectrum));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSpectralCount(const SpanSpectralShape *shape, PetscInt64 samples, double *operations)
{
  const int d = shape->n_axes;
  Work w      = {.shape = *shape, .in = {.n_axes = d, .samples = samples, .channels = shape->in}};
  PetscFunctionBeginUser;
  PetscCall(SpanSpectralCheck(shape));
  for (int a = 0; a < d; a++) w.in.kept[a] = a == d - 1 ? shape->modes[a] / 2 + 1 : shape->modes[a];
  w.out                  = w.in;
  w.out.channels         = shape->out;
  const SpanLabelled out = SpectrumLabels(shape, &w.out, OUT);
  w.tensors[0]           = SpectrumLabels(shape, &w.in, IN);
  w.n_parts              = SpanSpectralParts(shape);
  for (int p = 0; p < w.n_parts; p++) {
    PetscInt64 dims[span_tensor_max_dims];
    char name[64];
    double deviation;
    int n;
    SpanSpectralPart(shape, p, name, &n, dims, &deviation);
    LabelPart(&w, p, dims);
  }
  PetscCall(SpanContractionPlanCreate(1 + w.n_parts, w.tensors, &out, &w.plan));
  *operations = w.plan.flops;
  PetscFunctionReturn(0);
}
