/* Two neighbouring channels are the real and imaginary part of one complex number, so that a real tensor, channels
   last, is transformed in place by complex transforms whose lines lie side by side, which FFTW vectorises; the two
   spectra are separated afterwards by their symmetry, X[-k] = conj X[k]. Each axis goes by blocks of lines through a
   buffer that stays in the cache, whatever the strides.

   Forward and inverse are both built from one pair of adjoint maps, with a scale s and weights w[k]:
     analysis   X[k] = s w[k] sum_r x[r] exp(-2 pi i k.r / n)         on the half spectrum,
     synthesis  x[r] = s Re sum_k w[k] X[k] exp(2 pi i k.r / n)      from it.
   Forward: analysis, s = 1/P, w = 1; backward of it: synthesis with the same. Inverse: synthesis with s = 1 and w = 2
   but for k = 0 and n/2 of the last axis, where w = 1; backward of it: analysis with the same. */
#include <subspan/operators/imaging/plans.h>
#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/reference.h>
#include <fftw3.h>
#include <math.h>
#include <omp.h>

enum { block = 16, max_axes = 3 };

typedef struct {
  PetscInt64 samples, n[max_axes], half, channels, pairs, points; /* n: leading ones where there are fewer axes */
  PetscBool doubled;                                              /* w = 2 */
  float scale;
} Plan;

static float Weight(const Plan *p, PetscInt64 k) { return p->doubled && k != 0 && 2 * k != p->n[max_axes - 1] ? 2 : 1; }

/* Lines of n numbers, `inner` apart, of (outer, n, inner), in place. */
static PetscErrorCode Axis(SpanArena arena, PetscInt64 outer, PetscInt64 n, PetscInt64 inner, int sign,
                           float complex *data)
{
  const PetscInt64 blocks = (inner + block - 1) / block, rest = inner % block ? inner % block : block;
  fftwf_plan plans[2];
  float complex *buffers;
  PetscFunctionBeginUser;
  if (n == 1) PetscFunctionReturn(0);
  PetscCall(SpanPlanInPlace(&(SpanPlanShape){(PetscInt)n, block, {block, 1, 1}, {1, 0, 0}, sign}, &plans[0]));
  PetscCall(SpanPlanInPlace(&(SpanPlanShape){(PetscInt)n, block, {(PetscInt)rest, 1, 1}, {1, 0, 0}, sign}, &plans[1]));
  const int threads = (int)PetscMin((PetscInt64)omp_get_max_threads(), outer * blocks);
  PetscCall(SpanArenaGet(arena, (size_t)(threads * n * block) * sizeof *buffers, &buffers));
#pragma omp parallel for schedule(static) num_threads(threads)
  for (PetscInt64 i = 0; i < outer * blocks; i++) {
    float complex *line    = data + i / blocks * n * inner + i % blocks * block,
                  *buffer  = buffers + omp_get_thread_num() * n * block;
    const PetscInt64 width = i % blocks == blocks - 1 ? rest : block;
    for (PetscInt64 j = 0; j < n; j++) memcpy(buffer + j * block, line + j * inner, (size_t)width * sizeof *line);
    fftwf_execute_dft(plans[width == block ? 0 : 1], (fftwf_complex *)buffer, (fftwf_complex *)buffer);
    for (PetscInt64 j = 0; j < n; j++) memcpy(line + j * inner, buffer + j * block, (size_t)width * sizeof *line);
  }
  PetscCall(SpanArenaReturn(arena, buffers));
  PetscFunctionReturn(0);
}

static PetscErrorCode AllAxes(SpanArena arena, const Plan *p, int sign, float complex *data)
{
  PetscInt64 inner = p->pairs, outer = p->samples * p->points;
  PetscFunctionBeginUser;
  for (int a = max_axes - 1; a >= 0; a--) {
    outer /= p->n[a];
    PetscCall(Axis(arena, outer, p->n[a], inner, sign, data));
    inner *= p->n[a];
  }
  PetscFunctionReturn(0);
}

/* x: (points, channels) as (points, pairs), the last pair filled with 0 where channels are odd. */
static void Pair(const Plan *p, const float *x, float complex *z)
{
  const PetscInt64 rows = p->samples * p->points, c = p->channels;
#pragma omp parallel for schedule(static)
  for (PetscInt64 r = 0; r < rows; r++) {
    float *to = (float *)(z + r * p->pairs);
    memcpy(to, x + r * c, (size_t)c * sizeof *to);
    if (c % 2) to[c] = 0;
  }
}

static void Unpair(const Plan *p, const float complex *z, float *x)
{
  const PetscInt64 rows = p->samples * p->points, c = p->channels;
#pragma omp parallel for schedule(static)
  for (PetscInt64 r = 0; r < rows; r++) {
    const float *from = (const float *)(z + r * p->pairs);
    for (PetscInt64 i = 0; i < c; i++) x[r * c + i] = p->scale * from[i];
  }
}

/* Of row (i0, i1, i2) of a sample's grid, the row of the opposite frequency. */
static PetscInt64 Opposite(const Plan *p, PetscInt64 i0, PetscInt64 i1, PetscInt64 i2)
{
  const PetscInt64 *n = p->n;
  return ((n[0] - i0) % n[0] * n[1] + (n[1] - i1) % n[1]) * n[2] + (n[2] - i2) % n[2];
}

/* X of channels 2j and 2j + 1 is (Z[k] + conj Z[-k]) / 2 and (Z[k] - conj Z[-k]) / 2i. */
static void Separate(const Plan *p, const float complex *z, float *spectrum)
{
  const PetscInt64 *n = p->n, c = p->channels, rows = p->samples * n[0] * n[1] * p->half;
#pragma omp parallel for schedule(static)
  for (PetscInt64 r = 0; r < rows; r++) {
    const PetscInt64 k2 = r % p->half, k1 = r / p->half % n[1], k0 = r / p->half / n[1] % n[0];
    const float complex *sample = z + r / p->half / n[1] / n[0] * p->points * p->pairs;
    const float *a              = (const float *)(sample + ((k0 * n[1] + k1) * n[2] + k2) * p->pairs),
                *b              = (const float *)(sample + Opposite(p, k0, k1, k2) * p->pairs);
    float *to                   = spectrum + r * 2 * c;
    const float s               = 0.5f * p->scale * Weight(p, k2);
    for (PetscInt64 j = 0; j + 1 < c; j += 2) {
      to[2 * j]     = s * (a[j] + b[j]);
      to[2 * j + 1] = s * (a[j + 1] - b[j + 1]);
      to[2 * j + 2] = s * (a[j + 1] + b[j + 1]);
      to[2 * j + 3] = s * (b[j] - a[j]);
    }
    if (c % 2) {
      to[2 * c - 2] = s * (a[c - 1] + b[c - 1]);
      to[2 * c - 1] = s * (a[c] - b[c]);
    }
  }
}

/* Adds to Z, of which the transform's real and imaginary part are the channels: (X[2j] + i X[2j + 1]) / 2, or with X
   conjugated. */
static void AddHalf(const Plan *p, float s, float sign, const float *from, float *z)
{
  const PetscInt64 c = p->channels;
  for (PetscInt64 j = 0; j + 1 < c; j += 2) {
    z[j] += s * (from[2 * j] - sign * from[2 * j + 3]);
    z[j + 1] += s * (sign * from[2 * j + 1] + from[2 * j + 2]);
  }
  if (c % 2) {
    z[c - 1] += s * from[2 * c - 2];
    z[c] += s * sign * from[2 * c - 1];
  }
}

/* The Hermitian spectrum of the pairs: (w X[k] + conj(w X[-k])) / 2, X being 0 outside its half. */
static void Join(const Plan *p, const float *spectrum, float complex *z)
{
  const PetscInt64 *n = p->n, c = p->channels, rows = p->samples * p->points;
#pragma omp parallel for schedule(static)
  for (PetscInt64 r = 0; r < rows; r++) {
    const PetscInt64 k2 = r % n[2], k1 = r / n[2] % n[1], k0 = r / n[2] / n[1] % n[0];
    const PetscInt64 m2 = (n[2] - k2) % n[2], m1 = (n[1] - k1) % n[1], m0 = (n[0] - k0) % n[0];
    const float *sample = spectrum + r / p->points * n[0] * n[1] * p->half * 2 * c;
    float *to           = (float *)(z + r * p->pairs);
    memset(to, 0, (size_t)p->pairs * sizeof *z);
    if (k2 < p->half) AddHalf(p, 0.5f * Weight(p, k2), 1, sample + ((k0 * n[1] + k1) * p->half + k2) * 2 * c, to);
    if (m2 < p->half) AddHalf(p, 0.5f * Weight(p, m2), -1, sample + ((m0 * n[1] + m1) * p->half + m2) * 2 * c, to);
  }
}

static PetscErrorCode Analysis(SpanArena arena, const Plan *p, const float *x, float *spectrum)
{
  float complex *z;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(p->samples * p->points * p->pairs) * sizeof *z, &z));
  Pair(p, x, z);
  PetscCall(AllAxes(arena, p, -1, z));
  Separate(p, z, spectrum);
  PetscCall(SpanArenaReturn(arena, z));
  PetscFunctionReturn(0);
}

static PetscErrorCode Synthesis(SpanArena arena, const Plan *p, const float *spectrum, float *x)
{
  float complex *z;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(p->samples * p->points * p->pairs) * sizeof *z, &z));
  Join(p, spectrum, z);
  PetscCall(AllAxes(arena, p, 1, z));
  Unpair(p, z, x);
  PetscCall(SpanArenaReturn(arena, z));
  PetscFunctionReturn(0);
}

/* real: a tensor (N, n1, .., C), or its shape. */
static Plan PlanOf(const PetscInt64 real[], int n_axes, PetscBool inverse)
{
  Plan p = {.samples = real[0], .n = {1, 1, 1}, .channels = real[n_axes + 1], .points = 1, .doubled = inverse};
  for (int a = 0; a < n_axes; a++) {
    p.n[max_axes - n_axes + a] = real[1 + a];
    p.points *= real[1 + a];
  }
  p.half  = p.n[max_axes - 1] / 2 + 1;
  p.pairs = (p.channels + 1) / 2;
  p.scale = inverse ? 1 : (float)(1 / (double)p.points);
  return p;
}

static PetscErrorCode ForwardBackward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  const Plan p = PlanOf(x->shape, x->n_dims - 2, PETSC_FALSE);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, x->shape, &dx));
  PetscCall(Synthesis(SpanTapeArena(tape), &p, SpanTensorFloats(node->output->gradient), SpanTensorFloats(dx)));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

static PetscErrorCode InverseBackward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], y = node->output, dx;
  PetscFunctionBeginUser;
  const Plan p = PlanOf(y->shape, y->n_dims - 2, PETSC_TRUE);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, x->n_dims, x->shape, &dx));
  PetscCall(Analysis(SpanTapeArena(tape), &p, SpanTensorFloats(y->gradient), SpanTensorFloats(dx)));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFourier(SpanTape tape, SpanTensor x, int n_axes, SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(n_axes >= 1 && n_axes <= max_axes && x->n_dims == n_axes + 2, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "Fourier transform over %d axes of a tensor of %d: must be 1 to 3, beside samples and channels", n_axes,
             x->n_dims);
  PetscCheck(x->type == SPAN_FLOAT32 && x->size > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "Fourier transform: the input must be float32, and not empty");
  const Plan p = PlanOf(x->shape, n_axes, PETSC_FALSE);
  PetscCall(PetscArraycpy(dims, x->shape, x->n_dims));
  dims[n_axes]     = p.half;
  dims[n_axes + 2] = 2;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, n_axes + 3, dims, y));
  PetscCall(Analysis(SpanTapeArena(tape), &p, SpanTensorFloats(x), SpanTensorFloats(*y)));
  PetscCall(SpanTapeRecord(tape, ForwardBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanFourierInverse(SpanTape tape, SpanTensor x, int n_axes, PetscInt64 last, SpanTensor *y)
{
  PetscInt64 dims[span_tensor_max_dims];
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(n_axes >= 1 && n_axes <= max_axes && x->n_dims == n_axes + 3 && x->shape[n_axes + 2] == 2, PETSC_COMM_SELF,
             PETSC_ERR_ARG_SIZ,
             "inverse Fourier transform over %d axes of a tensor of %d: must be 1 to 3, beside samples, channels and "
             "(re, im)",
             n_axes, x->n_dims);
  PetscCheck(x->shape[n_axes] == last / 2 + 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "inverse Fourier transform: %lld frequencies make no %lld points", (long long)x->shape[n_axes],
             (long long)last);
  PetscCheck(x->type == SPAN_FLOAT32 && x->size > 0, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG,
             "inverse Fourier transform: the input must be float32, and not empty");
  PetscCall(PetscArraycpy(dims, x->shape, n_axes + 2));
  dims[n_axes] = last;
  const Plan p = PlanOf(dims, n_axes, PETSC_TRUE);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, n_axes + 2, dims, y));
  PetscCall(Synthesis(SpanTapeArena(tape), &p, SpanTensorFloats(x), SpanTensorFloats(*y)));
  PetscCall(SpanTapeRecord(tape, InverseBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}

void SpanFourierReference(PetscInt64 samples, const PetscInt64 n[3], PetscInt64 c, const float *x, float *spectrum)
{
  const PetscInt64 half = n[2] / 2 + 1, points = n[0] * n[1] * n[2];
  for (PetscInt64 r = 0; r < samples * n[0] * n[1] * half; r++)
    for (PetscInt64 i = 0; i < c; i++) {
      const PetscInt64 k2 = r % half, k1 = r / half % n[1], k0 = r / half / n[1] % n[0];
      double complex sum = 0;
      for (PetscInt64 q = 0; q < points; q++) {
        const double turns = (double)(k0 * (q / n[2] / n[1])) / (double)n[0] +
                             (double)(k1 * (q / n[2] % n[1])) / (double)n[1] + (double)(k2 * (q % n[2])) / (double)n[2];
        sum += x[(r / half / n[1] / n[0] * points + q) * c + i] * cexp(-2 * M_PI * I * turns);
      }
      spectrum[2 * (r * c + i)]     = (float)(creal(sum) / (double)points);
      spectrum[2 * (r * c + i) + 1] = (float)(cimag(sum) / (double)points);
    }
}
