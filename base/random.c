/* Philox numbers by seed, purpose, step and global index. */
#include <subspan/base/random.h>
#include <Random123/philox.h>
#include <math.h>

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
