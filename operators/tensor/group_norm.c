/* Passes over memory are what this costs: forward reads x twice (moments, then the map, which with norm, affine part
   and modulation is y = activation(a x + b) with one a and b a sample and channel) and writes y; backward reads x and
   dy and writes dz = dy activation'(a x + b), then reads x and dz and writes dx over dz.

   A tensor is (samples, outer, points, inner): outer blocks of inner = 16 channels, or one of all. Sums run over pieces
   of points of a fixed size, each in float and their sum in double: the result depends neither on the number of threads
   nor, beyond rounding, on the offset of the data, since the first point's values are taken off before squaring. */
#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

enum { piece_numbers = 16 * span_row };

typedef struct {
  PetscInt64 samples, outer, points, inner, channels, groups;
  PetscInt64 pieces, piece_points; /* of the points of one block */
} Sizes;

static Sizes SizesOf(SpanTensor x, PetscInt64 groups)
{
  Sizes s = {.samples = x->shape[0],
             .outer   = x->channels ? x->shape[1] : 1,
             .points  = 1,
             .inner   = x->shape[x->n_dims - 1],
             .groups  = groups};
  for (int i = x->channels ? 2 : 1; i < x->n_dims - 1; i++) s.points *= x->shape[i];
  s.channels     = s.outer * s.inner;
  s.piece_points = PetscMax(1, piece_numbers / s.inner);
  s.pieces       = (s.points + s.piece_points - 1) / s.piece_points;
  return s;
}

/* One piece of one block of channels of one sample. */
typedef struct {
  PetscInt64 sample, block, piece;
  PetscInt64 start;       /* of the block's first point in the tensor */
  PetscInt64 first, last; /* points */
} Piece;

static Piece PieceOf(const Sizes *s, PetscInt64 index)
{
  Piece p = {.piece = index % s->pieces, .block = index / s->pieces % s->outer, .sample = index / s->pieces / s->outer};
  p.start = (p.sample * s->outer + p.block) * s->points * s->inner;
  p.first = p.piece * s->piece_points;
  p.last  = PetscMin(p.first + s->piece_points, s->points);
  return p;
}

/* The loops below are compiled once for inner = 16, where a row is one register, and once for any. */
#define EACH_INNER(call_with_inner)                                                                                    \
  if (s->inner == span_channel_block)                                                                                  \
    call_with_inner(span_channel_block);                                                                               \
  else                                                                                                                 \
    call_with_inner(s->inner)

/* Points that fit a row buffer. */
static inline PetscInt64 Stretch(PetscInt64 inner) { return span_row / inner; }

static inline __attribute__((always_inline)) void MomentsLoop(const Piece *p, SpanTensor x, PetscInt64 inner,
                                                              float *sum, float *square)
{
  float buffer[span_row], pivot[span_row], a[span_row], b[span_row];
  memcpy(pivot, SpanRowRead(x, p->start, inner, buffer), (size_t)inner * sizeof *pivot);
  memset(a, 0, (size_t)inner * sizeof *a);
  memset(b, 0, (size_t)inner * sizeof *b);
  for (PetscInt64 first = p->first; first < p->last; first += Stretch(inner)) {
    const PetscInt64 n = PetscMin(Stretch(inner), p->last - first);
    const float *row   = SpanRowRead(x, p->start + first * inner, n * inner, buffer);
    for (PetscInt64 k = 0; k < n; k++)
#pragma omp simd
      for (PetscInt64 i = 0; i < inner; i++) {
        const float d = row[k * inner + i] - pivot[i];
        a[i] += d;
        b[i] += d * d;
      }
  }
  memcpy(sum, a, (size_t)inner * sizeof *a);
  memcpy(square, b, (size_t)inner * sizeof *b);
}

/* sums: (pieces, 2, channels) of the sample; of x - pivot and its square. */
static void Moments(const Sizes *s, const Piece *p, SpanTensor x, float *sums)
{
  float *sum = sums + p->piece * 2 * s->channels + p->block * s->inner;
#define CALL(inner) MomentsLoop(p, x, inner, sum, sum + s->channels)
  EACH_INNER(CALL);
#undef CALL
}

/* statistics: (samples, groups, 2) as mean and 1 / sqrt(variance + eps). */
static void Statistics(const Sizes *s, SpanTensor x, PetscInt64 sample, const float *sums, double eps,
                       float *statistics)
{
  const PetscInt64 c = s->channels, width = c / s->groups;
  for (PetscInt64 g = 0; g < s->groups; g++) {
    double mean = 0, square = 0; /* of the whole group: first its mean, then the variance around it */
    for (int pass = 0; pass < 2; pass++)
      for (PetscInt64 i = g * width; i < (g + 1) * width; i++) {
        float buffer;
        const PetscInt64 start = (sample * s->outer + i / s->inner) * s->points * s->inner + i % s->inner;
        const double pivot     = *SpanRowRead(x, start, 1, &buffer);
        double sum[2]          = {0, 0};
        for (PetscInt64 b = 0; b < s->pieces; b++)
          for (int k = 0; k < 2; k++) sum[k] += sums[(b * 2 + k) * c + i];
        const double offset   = sum[0] / (double)s->points;
        const double variance = sum[1] / (double)s->points - offset * offset;
        if (pass == 0)
          mean += (pivot + offset) / (double)width;
        else
          square += (variance + PetscSqr(pivot + offset - mean)) / (double)width;
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

static inline __attribute__((always_inline)) void MapLoop(const Piece *p, SpanTensor x, PetscInt64 inner,
                                                          const float *a, const float *b, SpanActivation activation,
                                                          SpanTensor y)
{
  float in[span_row], out[span_row];
  for (PetscInt64 first = p->first; first < p->last; first += Stretch(inner)) {
    const PetscInt64 n = PetscMin(Stretch(inner), p->last - first), at = p->start + first * inner;
    const float *row = SpanRowRead(x, at, n * inner, in);
    float *to        = SpanRowTarget(y, at, out);
    for (PetscInt64 k = 0; k < n; k++)
#pragma omp simd
      for (PetscInt64 i = 0; i < inner; i++) to[k * inner + i] = row[k * inner + i] * a[i] + b[i];
    SpanActivateRow(activation, n * inner, to, to);
    SpanRowWrite(y, at, n * inner, to);
  }
}

/* ab: (2, channels). */
static void Map(const Sizes *s, const Piece *p, SpanTensor x, const float *ab, SpanActivation activation, SpanTensor y)
{
  const float *a = ab + p->block * s->inner;
#define CALL(inner) MapLoop(p, x, inner, a, a + s->channels, activation, y)
  EACH_INNER(CALL);
#undef CALL
}

static inline __attribute__((always_inline)) void BackwardSumsLoop(const Piece *p, SpanTensor x, SpanTensor dy,
                                                                   PetscInt64 inner, const float *a, const float *b,
                                                                   const float *mean, SpanActivation activation,
                                                                   SpanTensor dx, float *sum, float *product)
{
  float in[span_row], given[span_row], z[span_row], out[span_row], s0[span_row], s1[span_row];
  memset(s0, 0, (size_t)inner * sizeof *s0);
  memset(s1, 0, (size_t)inner * sizeof *s1);
  for (PetscInt64 first = p->first; first < p->last; first += Stretch(inner)) {
    const PetscInt64 n = PetscMin(Stretch(inner), p->last - first), at = p->start + first * inner;
    const float *row = SpanRowRead(x, at, n * inner, in), *from = SpanRowRead(dy, at, n * inner, given);
    float *to = SpanRowTarget(dx, at, out);
    for (PetscInt64 k = 0; k < n; k++)
#pragma omp simd
      for (PetscInt64 i = 0; i < inner; i++) z[k * inner + i] = row[k * inner + i] * a[i] + b[i];
    SpanActivateBackRow(activation, n * inner, z, from, to);
    for (PetscInt64 k = 0; k < n; k++)
#pragma omp simd
      for (PetscInt64 i = 0; i < inner; i++) {
        s0[i] += to[k * inner + i];
        s1[i] += to[k * inner + i] * (row[k * inner + i] - mean[i]);
      }
    SpanRowWrite(dx, at, n * inner, to);
  }
  memcpy(sum, s0, (size_t)inner * sizeof *s0);
  memcpy(product, s1, (size_t)inner * sizeof *s1);
}

/* dz = dy activation'(a x + b) into dx; sums: (pieces, 2, channels) of dz and dz (x - mean). coefficients: a, b, mean.
 */
static void BackwardSums(const Sizes *s, const Piece *p, SpanTensor x, SpanTensor dy, const float *coefficients,
                         SpanActivation activation, SpanTensor dx, float *sums)
{
  const float *a = coefficients + p->block * s->inner;
  float *sum     = sums + p->piece * 2 * s->channels + p->block * s->inner;
#define CALL(inner)                                                                                                    \
  BackwardSumsLoop(p, x, dy, inner, a, a + s->channels, a + 2 * s->channels, activation, dx, sum, sum + s->channels)
  EACH_INNER(CALL);
#undef CALL
}

/* From a sample's sums: d and e of dx = a dz + d x + e, and the gradients of weight, bias and modulation. */
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
      for (PetscInt64 b = 0; b < s->pieces; b++)
        for (int k = 0; k < 2; k++) sum[k] += sums[(b * 2 + k) * c + i];
      sum[1] *= inverse;
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

static inline __attribute__((always_inline)) void BackwardMapLoop(const Piece *p, SpanTensor x, PetscInt64 inner,
                                                                  const float *a, const float *d, const float *e,
                                                                  SpanTensor dx)
{
  float in[span_row], given[span_row], out[span_row];
  for (PetscInt64 first = p->first; first < p->last; first += Stretch(inner)) {
    const PetscInt64 n = PetscMin(Stretch(inner), p->last - first), at = p->start + first * inner;
    const float *row = SpanRowRead(x, at, n * inner, in), *dz = SpanRowRead(dx, at, n * inner, given);
    float *to = SpanRowTarget(dx, at, out);
    for (PetscInt64 k = 0; k < n; k++)
#pragma omp simd
      for (PetscInt64 i = 0; i < inner; i++)
        to[k * inner + i] = a[i] * dz[k * inner + i] + d[i] * row[k * inner + i] + e[i];
    SpanRowWrite(dx, at, n * inner, to);
  }
}

static void BackwardMap(const Sizes *s, const Piece *p, SpanTensor x, const float *a, const float *d, const float *e,
                        SpanTensor dx)
{
  const PetscInt64 o = p->block * s->inner;
#define CALL(inner) BackwardMapLoop(p, x, inner, a + o, d + o, e + o, dx)
  EACH_INNER(CALL);
#undef CALL
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
              *b     = SpanTensorFloats(bias);
  const float *m     = modulation ? SpanTensorFloats(modulation) : NULL;
  const PetscInt64 c = s.channels, n_sums = 2 * c * s.pieces, each = n_sums + 5 * c,
                   all = s.samples * s.outer * s.pieces;
  float *work, *d_affine; /* work, a sample: sums, then a, b, mean, d, e */

  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(x, &dx));
  if (modulation) PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, modulation->shape, &d_modulation));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(s.samples * each) * sizeof *work, &work));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(s.samples * 2 * c) * sizeof *d_affine, &d_affine));
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++) {
      float *a = work + n * each + n_sums;
      Coefficients(&s, n, statistics, w, b, m, a, a + c);
      for (PetscInt64 i = 0; i < c; i++) a[2 * c + i] = statistics[2 * (n * s.groups + i / (c / s.groups))];
    }
#pragma omp for schedule(static)
    for (PetscInt64 k = 0; k < all; k++) {
      const Piece p = PieceOf(&s, k);
      float *sums   = work + p.sample * each;
      BackwardSums(&s, &p, x, dy, sums + n_sums, activation, dx, sums);
    }
#pragma omp for schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++) {
      float *sums = work + n * each, *d = sums + n_sums + 3 * c;
      BackwardCoefficients(&s, n, statistics, w, b, m, sums, d, d + c, d_affine,
                           d_modulation ? SpanTensorFloats(d_modulation) : NULL);
    }
#pragma omp for schedule(static)
    for (PetscInt64 k = 0; k < all; k++) {
      const Piece p  = PieceOf(&s, k);
      const float *a = work + p.sample * each + n_sums;
      BackwardMap(&s, &p, x, a, a + 3 * c, a + 4 * c, dx);
    }
  }
  if (weight->differentiable) PetscCall(AccumulateAffine(tape, &s, d_affine, weight, bias));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), work));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), d_affine));
  if (modulation) PetscCall(SpanTensorAccumulate(modulation, &d_modulation));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

static PetscErrorCode CheckSizes(SpanTensor x, const Sizes *s, SpanTensor weight, SpanTensor bias,
                                 SpanTensor modulation)
{
  PetscFunctionBeginUser;
  PetscCheck(s->groups > 0 && s->channels % s->groups == 0 && (!x->channels || x->channels == s->channels),
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "group norm: %lld channels in %lld groups",
             (long long)(x->channels ? x->channels : s->channels), (long long)s->groups);
  PetscCheck(s->inner <= span_row, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "group norm: %lld channels; more than %d must be in blocks", (long long)s->inner, (int)span_row);
  PetscCheck(weight->size == s->channels && bias->size == s->channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "group norm: %lld channels meet %lld weights", (long long)s->channels, (long long)weight->size);
  PetscCheck(!modulation || modulation->size == 2 * s->samples * s->channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "group norm: modulation of %lld numbers for %lld samples of %lld channels",
             (long long)(modulation ? modulation->size : 0), (long long)s->samples, (long long)s->channels);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanGroupNorm(SpanTape tape, SpanTensor x, PetscInt groups, SpanTensor weight, SpanTensor bias,
                             double eps, SpanTensor modulation, SpanActivation activation, SpanTensor *y)
{
  const Sizes s      = SizesOf(x, groups);
  const PetscInt64 c = s.channels, n_sums = 2 * c * s.pieces, each = n_sums + 2 * c,
                   all = s.samples * s.outer * s.pieces;
  SpanNode node;
  SpanTensor statistics;
  float *work; /* a sample: sums, then a, b */

  PetscFunctionBeginUser;
  PetscCall(CheckSizes(x, &s, weight, bias, modulation));
  PetscCall(SpanTensorCreateLike(x, y));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 3, (PetscInt64[]){s.samples, groups, 2}, &statistics));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(s.samples * each) * sizeof *work, &work));
  SpanTensor out = *y;
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (PetscInt64 k = 0; k < all; k++) {
      const Piece p = PieceOf(&s, k);
      Moments(&s, &p, x, work + p.sample * each);
    }
#pragma omp for schedule(static)
    for (PetscInt64 n = 0; n < s.samples; n++) {
      float *sums = work + n * each, *a = sums + n_sums;
      Statistics(&s, x, n, sums, eps, SpanTensorFloats(statistics));
      Coefficients(&s, n, SpanTensorFloats(statistics), SpanTensorFloats(weight), SpanTensorFloats(bias),
                   modulation ? SpanTensorFloats(modulation) : NULL, a, a + c);
    }
#pragma omp for schedule(static)
    for (PetscInt64 k = 0; k < all; k++) {
      const Piece p = PieceOf(&s, k);
      Map(&s, &p, x, work + p.sample * each + n_sums, activation, out);
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
