/* Passes over memory are what this costs: forward reads x twice (moments, then the map, which with norm, affine part
   and modulation is y = activation(a x + b) with one a and b a sample and channel) and writes y; backward reads x and
   dy and writes dz = dy activation'(a x + b), then reads x and dz and writes dx over dz.

   Sums run over blocks of points of a fixed size, each block's sum in float and their sum in double: the result depends
   neither on the number of threads nor, beyond rounding, on the offset of the data, since the first point's values are
   taken off before squaring. */
#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

enum { block_points = 128 };

typedef struct {
  PetscInt64 samples, points, channels, groups, blocks;
} Sizes;

static Sizes SizesOf(SpanTensor x, PetscInt64 groups)
{
  Sizes s = {.samples = x->shape[0], .points = 1, .channels = x->shape[x->n_dims - 1], .groups = groups};
  for (int i = 1; i < x->n_dims - 1; i++) s.points *= x->shape[i];
  s.blocks = (s.points + block_points - 1) / block_points;
  return s;
}

/* Adds, over the points of block `block` of sample `sample`, what `add` computes from rows of x (and dy) to sums
   (2, channels). */
static void BlockMoments(const Sizes *s, SpanTensor x, PetscInt64 sample, PetscInt64 block, float *sums)
{
  const PetscInt64 last = PetscMin((block + 1) * block_points, s->points), c = s->channels;
  for (PetscInt64 first = 0; first < c; first += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, c - first);
    float a[span_row], pivot[span_row], sum[span_row] = {0}, square[span_row] = {0};
    memcpy(pivot, SpanRowRead(x, sample * s->points * c + first, n, a), (size_t)n * sizeof *pivot);
    for (PetscInt64 p = block * block_points; p < last; p++) {
      const float *row = SpanRowRead(x, (sample * s->points + p) * c + first, n, a);
#pragma omp simd
      for (PetscInt64 i = 0; i < n; i++) {
        const float d = row[i] - pivot[i];
        sum[i] += d;
        square[i] += d * d;
      }
    }
    memcpy(sums + first, sum, (size_t)n * sizeof *sum);
    memcpy(sums + c + first, square, (size_t)n * sizeof *square);
  }
}

/* statistics: (samples, groups, 2) as mean and 1 / sqrt(variance + eps). */
static void Statistics(const Sizes *s, SpanTensor x, PetscInt64 sample, const float *sums, double eps,
                       float *statistics)
{
  const PetscInt64 c = s->channels, width = c / s->groups;
  for (PetscInt64 g = 0; g < s->groups; g++) {
    double mean = 0, square = 0; /* of the whole group; first the means, then the variance around them */
    double channel_mean[2];
    for (int pass = 0; pass < 2; pass++)
      for (PetscInt64 i = g * width; i < (g + 1) * width; i++) {
        float first;
        const double pivot = *SpanRowRead(x, sample * s->points * c + i, 1, &first);
        double sum[2]      = {0, 0};
        for (PetscInt64 b = 0; b < s->blocks; b++)
          for (int k = 0; k < 2; k++) sum[k] += sums[(b * 2 + k) * c + i];
        channel_mean[0] = sum[0] / (double)s->points;
        channel_mean[1] = sum[1] / (double)s->points - channel_mean[0] * channel_mean[0];
        if (pass == 0)
          mean += (pivot + channel_mean[0]) / (double)width;
        else
          square += (channel_mean[1] + PetscSqr(pivot + channel_mean[0] - mean)) / (double)width;
      }
    statistics[2 * (sample * s->groups + g)]     = (float)mean;
    statistics[2 * (sample * s->groups + g) + 1] = (float)(1 / sqrt(PetscMax(square, 0) + eps));
  }
}

/* a and b of y = activation(a x + b). */
static void Coefficients(const Sizes *s, PetscInt64 sample, const float *statistics, const float *weight,
                         const float *bias, const float *modulation, float *a, float *b)
{
  const PetscInt64 c = s->channels, width = c / s->groups;
  for (PetscInt64 i = 0; i < c; i++) {
    const float *moments = statistics + 2 * (sample * s->groups + i / width);
    const float scale    = modulation ? 1 + modulation[sample * 2 * c + i] : 1;
    const float shift    = modulation ? modulation[sample * 2 * c + c + i] : 0;
    a[i]                 = weight[i] * moments[1] * scale;
    b[i]                 = (bias[i] - moments[0] * moments[1] * weight[i]) * scale + shift;
  }
}

static void Map(const Sizes *s, SpanTensor x, PetscInt64 sample, PetscInt64 block, const float *a, const float *b,
                SpanActivation activation, SpanTensor y)
{
  const PetscInt64 last = PetscMin((block + 1) * block_points, s->points), c = s->channels;
  for (PetscInt64 p = block * block_points; p < last; p++)
    for (PetscInt64 first = 0; first < c; first += span_row) {
      const PetscInt64 n = PetscMin((PetscInt64)span_row, c - first), at = (sample * s->points + p) * c + first;
      float in[span_row], out[span_row], *to = SpanRowTarget(y, at, out);
      const float *row = SpanRowRead(x, at, n, in);
#pragma omp simd
      for (PetscInt64 i = 0; i < n; i++) to[i] = row[i] * a[first + i] + b[first + i];
      SpanActivateRow(activation, n, to, to);
      SpanRowWrite(y, at, n, to);
    }
}

/* dz = dy activation'(a x + b) into dx; sums: (2, channels) of dz and dz (x - mean) / deviation over the block. */
static void BackwardSums(const Sizes *s, SpanTensor x, SpanTensor dy, PetscInt64 sample, PetscInt64 block,
                         const float *statistics, const float *a, const float *b, SpanActivation activation,
                         SpanTensor dx, float *sums)
{
  const PetscInt64 last = PetscMin((block + 1) * block_points, s->points), c = s->channels, width = c / s->groups;
  for (PetscInt64 first = 0; first < c; first += span_row) {
    const PetscInt64 n = PetscMin((PetscInt64)span_row, c - first);
    float in[span_row], given[span_row], z[span_row], out[span_row], mean[span_row], inverse[span_row];
    float sum[span_row] = {0}, product[span_row] = {0};
    for (PetscInt64 i = 0; i < n; i++) {
      const float *moments = statistics + 2 * (sample * s->groups + (first + i) / width);
      mean[i]              = moments[0];
      inverse[i]           = moments[1];
    }
    for (PetscInt64 p = block * block_points; p < last; p++) {
      const PetscInt64 at = (sample * s->points + p) * c + first;
      const float *row = SpanRowRead(x, at, n, in), *from = SpanRowRead(dy, at, n, given);
      float *to = SpanRowTarget(dx, at, out);
#pragma omp simd
      for (PetscInt64 i = 0; i < n; i++) z[i] = row[i] * a[first + i] + b[first + i];
      SpanActivateBackRow(activation, n, z, from, to);
#pragma omp simd
      for (PetscInt64 i = 0; i < n; i++) {
        sum[i] += to[i];
        product[i] += to[i] * (row[i] - mean[i]);
      }
      SpanRowWrite(dx, at, n, to);
    }
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) product[i] *= inverse[i];
    memcpy(sums + first, sum, (size_t)n * sizeof *sum);
    memcpy(sums + c + first, product, (size_t)n * sizeof *product);
  }
}

/* From the blocks' sums of a sample: dx = a dz + d x + e, gradients of weight, bias (a row a sample) and modulation. */
static void BackwardCoefficients(const Sizes *s, PetscInt64 sample, const float *statistics, const float *weight,
                                 const float *bias, const float *modulation, const float *sums, float *d, float *e,
                                 float *d_affine, float *d_modulation)
{
  const PetscInt64 c = s->channels, width = c / s->groups;
  for (PetscInt64 g = 0; g < s->groups; g++) {
    const double mean    = statistics[2 * (sample * s->groups + g)],
                 inverse = statistics[2 * (sample * s->groups + g) + 1];
    double total[2]      = {0, 0};
    for (PetscInt64 i = g * width; i < (g + 1) * width; i++) {
      const double scale = modulation ? 1 + modulation[sample * 2 * c + i] : 1;
      double sum[2]      = {0, 0};
      for (PetscInt64 b = 0; b < s->blocks; b++)
        for (int k = 0; k < 2; k++) sum[k] += sums[(b * 2 + k) * c + i];
      for (int k = 0; k < 2; k++) total[k] += sum[k] * weight[i] * scale;
      d_affine[sample * 2 * c + i]     = (float)(sum[1] * scale);
      d_affine[sample * 2 * c + c + i] = (float)(sum[0] * scale);
      if (d_modulation) {
        d_modulation[sample * 2 * c + i]     = (float)(weight[i] * sum[1] + bias[i] * sum[0]);
        d_modulation[sample * 2 * c + c + i] = (float)sum[0];
      }
    }
    const double count = (double)(s->points * width);
    for (PetscInt64 i = g * width; i < (g + 1) * width; i++) {
      d[i] = (float)(-inverse * inverse * total[1] / count);
      e[i] = (float)(-inverse * total[0] / count + inverse * inverse * total[1] / count * mean);
    }
  }
}

static void BackwardMap(const Sizes *s, SpanTensor x, PetscInt64 sample, PetscInt64 block, const float *a,
                        const float *d, const float *e, SpanTensor dx)
{
  const PetscInt64 last = PetscMin((block + 1) * block_points, s->points), c = s->channels;
  for (PetscInt64 p = block * block_points; p < last; p++)
    for (PetscInt64 first = 0; first < c; first += span_row) {
      const PetscInt64 n = PetscMin((PetscInt64)span_row, c - first), at = (sample * s->points + p) * c + first;
      float in[span_row], given[span_row], out[span_row], *to = SpanRowTarget(dx, at, out);
      const float *row = SpanRowRead(x, at, n, in), *dz = SpanRowRead(dx, at, n, given);
#pragma omp simd
      for (PetscInt64 i = 0; i < n; i++) to[i] = a[first + i] * dz[i] + d[first + i] * row[i] + e[first + i];
      SpanRowWrite(dx, at, n, to);
    }
}

/* d_affine: (samples, 2, channels) into the gradients of weight and bias. */
static PetscErrorCode AccumulateAffine(SpanTape tape, const Sizes *s, const float *d_affine, SpanTensor weight,
                                       SpanTensor bias)
{
  SpanTensor gradients[2];
  PetscFunctionBeginUser;
  for (int k = 0; k < 2; k++) {
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, weight->shape, &gradients[k]));
    for (PetscInt64 i = 0; i < s->channels; i++) {
      double sum = 0;
      for (PetscInt64 n = 0; n < s->samples; n++) sum += d_affine[(n * 2 + k) * s->channels + i];
      SpanTensorFloats(gradients[k])[i] = (float)sum;
    }
  }
  PetscCall(SpanTensorAccumulate(weight, &gradients[0]));
  PetscCall(SpanTensorAccumulate(bias, &gradients[1]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], weight = node->inputs[1], bias = node->inputs[2], modulation = node->inputs[3];
  SpanTensor dy = node->output->gradient, dx, d_modulation = NULL;
  const Sizes s                   = SizesOf(x, node->with.integer[0]);
  const SpanActivation activation = (SpanActivation)node->with.integer[1];
  const float *statistics = SpanTensorFloats(node->saved[0]), *w = SpanTensorFloats(weight),
              *b          = SpanTensorFloats(bias);
  const float *m          = modulation ? SpanTensorFloats(modulation) : NULL;
  const PetscInt64 n_sums = 2 * s.channels * s.blocks;
  float *work; /* a sample: block sums, then a, b, d, e */

  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
  if (modulation) PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, modulation->shape, &d_modulation));
  const PetscInt64 per_sample = n_sums + 6 * s.channels;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(s.samples * per_sample) * sizeof *work, &work));
  float *const d_affine = work + s.samples * (n_sums + 4 * s.channels);
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++) {
      float *a = work + n * (n_sums + 4 * s.channels) + n_sums;
      Coefficients(&s, n, statistics, w, b, m, a, a + s.channels);
    }
#pragma omp for collapse(2) schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++)
      for (PetscInt64 k = 0; k < s.blocks; k++) {
        float *sums = work + n * (n_sums + 4 * s.channels), *a = sums + n_sums;
        BackwardSums(&s, x, dy, n, k, statistics, a, a + s.channels, activation, dx, sums + k * 2 * s.channels);
      }
#pragma omp for schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++) {
      float *sums = work + n * (n_sums + 4 * s.channels), *a = sums + n_sums;
      BackwardCoefficients(&s, n, statistics, w, b, m, sums, a + 2 * s.channels, a + 3 * s.channels, d_affine,
                           d_modulation ? SpanTensorFloats(d_modulation) : NULL);
    }
#pragma omp for collapse(2) schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++)
      for (PetscInt64 k = 0; k < s.blocks; k++) {
        const float *a = work + n * (n_sums + 4 * s.channels) + n_sums;
        BackwardMap(&s, x, n, k, a, a + 2 * s.channels, a + 3 * s.channels, dx);
      }
  }
  if (weight->differentiable) PetscCall(AccumulateAffine(tape, &s, d_affine, weight, bias));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), work));
  if (modulation) PetscCall(SpanTensorAccumulate(modulation, &d_modulation));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGroupNorm(SpanTape tape, SpanTensor x, PetscInt groups, SpanTensor weight, SpanTensor bias,
                             double eps, SpanTensor modulation, SpanActivation activation, SpanTensor *y)
{
  SpanNode node;
  SpanTensor statistics;
  float *work;

  PetscFunctionBeginUser;
  const Sizes s = SizesOf(x, groups);
  PetscCheck(groups > 0 && s.channels % groups == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "group norm: %lld channels in %" PetscInt_FMT " groups", (long long)s.channels, groups);
  PetscCheck(weight->size == s.channels && bias->size == s.channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "group norm: %lld channels meet %lld weights", (long long)s.channels, (long long)weight->size);
  PetscCheck(!modulation || modulation->size == 2 * s.samples * s.channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "group norm: modulation of %lld numbers for %lld samples of %lld channels",
             (long long)(modulation ? modulation->size : 0), (long long)s.samples, (long long)s.channels);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, y));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 3, (PetscInt64[]){s.samples, groups, 2}, &statistics));
  const PetscInt64 n_sums = 2 * s.channels * s.blocks, per_sample = n_sums + 2 * s.channels;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(s.samples * per_sample) * sizeof *work, &work));
  SpanTensor out = *y;
#pragma omp parallel
  {
#pragma omp for collapse(2) schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++)
      for (PetscInt64 k = 0; k < s.blocks; k++) BlockMoments(&s, x, n, k, work + n * per_sample + k * 2 * s.channels);
#pragma omp for schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++) {
      float *sums = work + n * per_sample, *a = sums + n_sums;
      Statistics(&s, x, n, sums, eps, SpanTensorFloats(statistics));
      Coefficients(&s, n, SpanTensorFloats(statistics), SpanTensorFloats(weight), SpanTensorFloats(bias),
                   modulation ? SpanTensorFloats(modulation) : NULL, a, a + s.channels);
    }
#pragma omp for collapse(2) schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++)
      for (PetscInt64 k = 0; k < s.blocks; k++) {
        const float *a = work + n * per_sample + n_sums;
        Map(&s, x, n, k, a, a + s.channels, activation, out);
      }
  }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), work));
  PetscCall(SpanTapeRecord(tape, Backward, 4, (SpanTensor[4]){x, weight, bias, modulation}, 15, out, &node));
  if (node) {
    node->saved[0]        = statistics;
    node->with.integer[0] = groups;
    node->with.integer[1] = activation;
  } else
    PetscCall(SpanTensorDestroy(&statistics));
  PetscFunctionReturn(0);
}

void SpanGroupNormReference(PetscInt64 n, PetscInt64 points, PetscInt64 c, PetscInt64 groups, const float *x,
                            const float *weight, const float *bias, double eps, const float *modulation,
                            SpanActivation activation, float *y)
{
  const PetscInt64 width = c / groups;
  for (PetscInt64 s = 0; s < n; s++)
    for (PetscInt64 g = 0; g < groups; g++) {
      double mean = 0, variance = 0;
      for (int pass = 0; pass < 2; pass++)
        for (PetscInt64 p = 0; p < points; p++)
          for (PetscInt64 i = g * width; i < (g + 1) * width; i++) {
            const double value = x[(s * points + p) * c + i], count = (double)(points * width);
            if (pass == 0)
              mean += value / count;
            else
              variance += (value - mean) * (value - mean) / count;
          }
      for (PetscInt64 p = 0; p < points; p++)
        for (PetscInt64 i = g * width; i < (g + 1) * width; i++) {
          double z = (x[(s * points + p) * c + i] - mean) / sqrt(variance + eps) * weight[i] + bias[i];
          if (modulation) z = z * (1.0 + modulation[s * 2 * c + i]) + modulation[s * 2 * c + c + i];
          y[(s * points + p) * c + i] = (float)SpanActivationReference(activation, z);
        }
    }
}
