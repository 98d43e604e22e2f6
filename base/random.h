/* Counter-based random numbers: Philox4x32-10 (Salmon et al., SC11) from Random123.

   A number is a pure function of (seed, purpose, step, index): it does not depend on which rank draws it, nor on how
   many ranks there are. `purpose` separates the streams of different uses; `step` those of one use over time; `index`
   is the global index of what is drawn. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef enum {
  SPAN_RANDOM_MASK = 1,
  SPAN_RANDOM_SHIFT,
  SPAN_RANDOM_NOISE,
  SPAN_RANDOM_COILS,
  SPAN_RANDOM_PARAMETERS,
  SPAN_RANDOM_BATCH,
  SPAN_RANDOM_AUGMENT,
  SPAN_RANDOM_LEVEL,
  SPAN_RANDOM_TEST,
  SPAN_RANDOM_PHOTONS,
  SPAN_RANDOM_ELECTRONS,
  SPAN_RANDOM_EIGENPAIRS,
  SPAN_RANDOM_FIELD,
  SPAN_RANDOM_ENCODING,
  SPAN_RANDOM_WARP,
  SPAN_RANDOM_FORCING
} SpanRandomPurpose;

/* Uniform in (0, 1), never 0 nor 1. */
double SpanRandomUniform(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t index);

/* Two independent standard normals (Box-Muller). */
void SpanRandomNormal(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t index, double normal[2]);

/* A Poisson number of this mean, from 0 to 1e15: below 10 by inversion, else by Hoermann's transformed rejection PTRS
   (Insurance: Mathematics and Economics 12:39, 1993), whose attempts are the steps of the stream. */
double SpanRandomPoisson(uint64_t seed, SpanRandomPurpose purpose, uint64_t index, double mean);

/* Many of them at once: number i = first .. first + count is normal[i % 2] of SpanRandomNormal's index i / 2, rounded
   to float (to 1e-6 relative), whatever the range it is asked for in. Not threaded: call it from threads. */
void SpanRandomNormals(uint64_t seed, SpanRandomPurpose purpose, uint32_t step, uint64_t first, size_t count,
                       float *normals);
