/* Philox numbers by seed, purpose, step and global index. */
#include <subspan/base/random.h>
#include <subspan/base/sincos.h>
#include <Random123/philox.h>
#include <math.h>
#include <string.h>

static philox4x32_ctr_t Draw(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t index)
{
  philox4x32_ctr_t counter = {{(uint32_t)index, (uint32_t)(index >> 32), step, (uint32_t)purpose}};
  philox4x32_key_t key     = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
  return philox4x32(counter, key);
}

/* 53 bits of two words, shifted by half a step so that neither end is hit. */
static double Unit(uint32_t high, uint32_t low)
{
  return ((double)((((uint64_t)high << 32) | low) >> 11) + 0.5) * 0x1p-53;
}

double SpanRandomUniform(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t index)
{
  philox4x32_ctr_t r = Draw(seed, purpose, step, index);
  return Unit(r.v[0], r.v[1]);
}

void SpanRandomNormal(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t index, double normal[2])
{
  philox4x32_ctr_t r = Draw(seed, purpose, step, index);
  double radius = sqrt(-2 * log(Unit(r.v[0], r.v[1]))), angle = 2 * M_PI * Unit(r.v[2], r.v[3]);
  normal[0] = radius * cos(angle);
  normal[1] = radius * sin(angle);
}

static double PoissonByInversion(double mean, double uniform)
{
  double share = exp(-mean), sum = share, k = 0;
  while (uniform > sum && k < 200) sum += share *= mean / ++k;
  return k;
}

double SpanRandomPoisson(uint64_t seed, SpanRandomPurpose purpose, uint64_t index, double mean)
{
  if (mean < 10) return PoissonByInversion(mean, SpanRandomUniform(seed, purpose, 0, index));
  const double b = 0.931 + 2.53 * sqrt(mean), a = -0.059 + 0.02483 * b, scale = 1.1239 + 1.1328 / (b - 3.4),
               quick = 0.9277 - 3.6224 / (b - 2), log_mean = log(mean);
  for (uint32_t attempt = 0;; attempt++) {
    philox4x32_ctr_t r = Draw(seed, purpose, attempt, index);
    const double u = Unit(r.v[0], r.v[1]) - 0.5, v = Unit(r.v[2], r.v[3]), edge = 0.5 - fabs(u),
                 k = floor((2 * a / edge + b) * u + mean + 0.43);
    int sign;
    if (edge >= 0.07 && v <= quick) return k;
    if (k < 0 || (edge < 0.013 && v > edge)) continue;
    if (log(v * scale / (a / (edge * edge) + b)) <= k * log_mean - mean - lgamma_r(k + 1, &sign)) return k;
  }
}

enum { block = 256 };

/* Philox4x32-10 of `block` counters from `index` on, a round at a time over all of them, which vectorises. */
static void DrawBlock(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t index, uint32_t v[4][block])
{
  uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
  for (int i = 0; i < block; i++) {
    v[0][i] = (uint32_t)(index + (uint64_t)i);
    v[1][i] = (uint32_t)((index + (uint64_t)i) >> 32);
    v[2][i] = step;
    v[3][i] = (uint32_t)purpose;
  }
  for (int round = 0; round < 10; round++, k0 += 0x9E3779B9U, k1 += 0xBB67AE85U) {
#pragma omp simd
    for (int i = 0; i < block; i++) {
      const uint64_t a = (uint64_t)0xD2511F53U * v[0][i], b = (uint64_t)0xCD9E8D57U * v[2][i];
      const uint32_t c0 = (uint32_t)(b >> 32) ^ v[1][i] ^ k0, c2 = (uint32_t)(a >> 32) ^ v[3][i] ^ k1;
      v[0][i] = c0;
      v[1][i] = (uint32_t)b;
      v[2][i] = c2;
      v[3][i] = (uint32_t)a;
    }
  }
}

/* The natural logarithm by the series of atanh on [sqrt(1/2), sqrt(2)). */
static inline double Logarithm(double x)
{
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const int64_t exponent = (int64_t)((bits - 0x3fe6a09e667f3bcdULL) >> 52 << 52) >> 52;
  bits -= (uint64_t)exponent << 52;
  double m;
  memcpy(&m, &bits, sizeof m);
  const double t = (m - 1) / (m + 1), y = t * t;
  const double series = 1 + y * (1. / 3 + y * (1. / 5 + y * (1. / 7 + y * (1. / 9 + y * (1. / 11 + y * (1. / 13))))));
  return (double)exponent * 0.693147180559945309 + 2 * t * series;
}

void SpanRandomNormals(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t first, size_t count,
                       float *normals)
{
  uint32_t v[4][block];
  float both[2 * block];
  for (size_t done = 0; done < count;) {
    const uint64_t at = first + done, skip = at % 2;
    DrawBlock(seed, purpose, step, at / 2, v);
#pragma omp simd
    for (int i = 0; i < block; i++) {
      const double radius = sqrt(-2 * Logarithm(Unit(v[0][i], v[1][i])));
      double sine, cosine;
      SpanSinCosTurns(Unit(v[2][i], v[3][i]), &sine, &cosine);
      both[2 * i]     = (float)(radius * cosine);
      both[2 * i + 1] = (float)(radius * sine);
    }
    const size_t n = 2 * block - skip < count - done ? 2 * block - (size_t)skip : count - done;
    memcpy(normals + done, both + skip, n * sizeof *normals);
    done += n;
  }
}
