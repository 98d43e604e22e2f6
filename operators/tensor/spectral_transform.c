/* A transform of n points of which m frequencies are kept is a product with a matrix of cosines and one of sines. For
   the m of neural operators that beats FFTs: it computes what is kept and no more, for any n, primes too, at the speed
   of matrix products, with the channels (and whatever lies inside of the axis) side by side.

   The matrices are folded twice. With e[j] = x[j] + x[n-j] and o[j] = x[j] - x[n-j],
     C[k] = sum_j cos(2 pi j k / n) e[j],  S[k] = sum_j sin(2 pi j k / n) o[j],  X[+-k] = C[k] -+ i S[k],
   and for even n, cos(2 pi (n/2 - j) k / n) = (-1)^k cos(2 pi j k / n), sin.. = -(-1)^k sin..: even and odd k take sums
   and differences of e[j] and e[n/2-j], so that a product has a quarter of the rows and a quarter of the columns. An
   axis costs n m / 2 multiply-adds a real line instead of 2 n m. Synthesis is the transpose of all this. */
#include <subspan/operators/imaging/lanes.h>
#include <subspan/operators/tensor/product.h>
#include <subspan/operators/tensor/spectral_transform.h>
#include <math.h>
#include <omp.h>

enum { most_groups = 4, block_columns = 64 };

/* Frequencies k_first, k_first + k_step, .. (n_k) and points j_first .. (n_j) that one product joins. */
typedef struct {
  PetscBool sine;
  PetscInt64 k_first, k_step, n_k, j_first, n_j;
  float *table;  /* (n_k, n_j) */
  PetscInt64 at; /* of its points among the folded rows */
} Group;

typedef struct {
  PetscInt64 n, kept, low, high; /* frequencies -low .. high */
  PetscBool real;                /* the last axis */
  int n_groups;
  Group groups[most_groups];
  PetscInt64 folded; /* rows of all groups */
} Axis;

static Group MakeGroup(Axis *a, PetscBool sine, PetscInt64 k_first, PetscInt64 k_step, PetscInt64 j_first,
                       PetscInt64 n_j)
{
  const PetscInt64 last = PetscMax(a->low, a->high);
  Group g               = {sine, k_first, k_step, 0, j_first, n_j, NULL, a->folded};
  if (last >= k_first) g.n_k = (last - k_first) / k_step + 1;
  a->folded += n_j;
  return g;
}

static PetscErrorCode AxisCreate(SpanArena arena, PetscInt64 n, PetscInt64 kept, PetscBool real, Axis *a)
{
  const PetscInt64 h = n / 2;
  double *circle;
  float *tables;
  PetscInt64 size = 0;
  PetscFunctionBeginUser;
  *a      = (Axis){.n = n, .kept = kept, .real = real, .low = real ? 0 : kept / 2};
  a->high = kept - 1 - a->low;
  if (n % 2) {
    a->n_groups  = 2;
    a->groups[0] = MakeGroup(a, PETSC_FALSE, 0, 1, 0, h + 1);
    a->groups[1] = MakeGroup(a, PETSC_TRUE, 1, 1, 1, h);
  } else {
    a->n_groups  = 4;
    a->groups[0] = MakeGroup(a, PETSC_FALSE, 0, 2, 0, h / 2 + 1);
    a->groups[1] = MakeGroup(a, PETSC_FALSE, 1, 2, 0, (h + 1) / 2);
    a->groups[2] = MakeGroup(a, PETSC_TRUE, 2, 2, 1, (h + 1) / 2 - 1);
    a->groups[3] = MakeGroup(a, PETSC_TRUE, 1, 2, 1, h / 2);
  }
  for (int g = 0; g < a->n_groups; g++) size += a->groups[g].n_k * a->groups[g].n_j;
  PetscCall(SpanArenaGet(arena, (size_t)size * sizeof *tables, &tables));
  PetscCall(SpanArenaGet(arena, (size_t)(2 * n) * sizeof *circle, &circle));
  for (PetscInt64 j = 0; j < n; j++) {
    /* the first octant's angles, so that zeros are zeros and halves are equal */
    circle[2 * j]     = 4 * j == n || 4 * j == 3 * n ? 0 : cos(2 * M_PI * (double)j / (double)n);
    circle[2 * j + 1] = 2 * j == n ? 0 : sin(2 * M_PI * (double)j / (double)n);
  }
  for (int g = 0; g < a->n_groups; g++) {
    Group *group     = &a->groups[g];
    const float sign = real && group->sine ? -1 : 1; /* on the real axis sums are real and imaginary parts */
    group->table     = tables;
    for (PetscInt64 k = 0; k < group->n_k; k++)
      for (PetscInt64 j = 0; j < group->n_j; j++)
        *tables++ =
            sign * (float)circle[2 * ((group->k_first + k * group->k_step) * (group->j_first + j) % n) + group->sine];
  }
  PetscCall(SpanArenaReturn(arena, circle));
  PetscFunctionReturn(0);
}

static PetscErrorCode AxisDestroy(SpanArena arena, Axis *a)
{
  PetscFunctionBeginUser;
  PetscCall(SpanArenaReturn(arena, a->groups[0].table));
  PetscFunctionReturn(0);
}

/* Rows of x, `stride` apart, into the rows of the groups, `width` numbers each. */
static void Fold(const Axis *a, const float *x, PetscInt64 stride, PetscInt64 width, float *folded)
{
  const PetscInt64 n = a->n, h = n / 2;
  const Group *g = a->groups;
  if (n % 2) {
    float *e = folded + g[0].at * width, *o = folded + (g[1].at - 1) * width;
    memcpy(e, x, (size_t)width * sizeof *e);
    for (PetscInt64 j = 1; j <= h; j++)
#pragma omp simd
      for (PetscInt64 i = 0; i < width; i++) {
        const float p = x[j * stride + i], q = x[(n - j) * stride + i];
        e[j * width + i] = p + q;
        o[j * width + i] = p - q;
      }
    return;
  }
  float *ee = folded + g[0].at * width, *eo = folded + g[1].at * width, *oe = folded + (g[2].at - 1) * width,
        *oo = folded + (g[3].at - 1) * width;
#pragma omp simd
  for (PetscInt64 i = 0; i < width; i++) {
    const float p = x[i], q = x[h * stride + i];
    ee[i] = p + q;
    eo[i] = p - q;
  }
  for (PetscInt64 j = 1; 2 * j < h; j++)
#pragma omp simd
    for (PetscInt64 i = 0; i < width; i++) {
      const float p = x[j * stride + i], q = x[(n - j) * stride + i], s = x[(h - j) * stride + i],
                  t = x[(h + j) * stride + i];
      const float e = p + q, f = s + t, o = p - q, u = s - t;
      ee[j * width + i] = e + f;
      eo[j * width + i] = e - f;
      oe[j * width + i] = o - u;
      oo[j * width + i] = o + u;
    }
  if (h % 2 == 0 && h > 0) {
    const PetscInt64 j = h / 2;
#pragma omp simd
    for (PetscInt64 i = 0; i < width; i++) {
      const float p = x[j * stride + i], q = x[(n - j) * stride + i];
      ee[j * width + i] = p + q;
      oo[j * width + i] = p - q;
    }
  }
}

static inline __attribute__((always_inline)) void Put(PetscBool add, float *y, float value)
{
  *y = add ? *y + value : value;
}

/* The transpose of Fold: y is written, or added to. */
static inline __attribute__((always_inline)) void UnfoldTo(const Axis *a, const float *folded, PetscInt64 width,
                                                           PetscBool add, float *y, PetscInt64 stride)
{
  const PetscInt64 n = a->n, h = n / 2;
  const Group *g = a->groups;
  if (n % 2) {
    const float *e = folded + g[0].at * width, *o = folded + (g[1].at - 1) * width;
    for (PetscInt64 i = 0; i < width; i++) Put(add, &y[i], e[i]);
    for (PetscInt64 j = 1; j <= h; j++)
#pragma omp simd
      for (PetscInt64 i = 0; i < width; i++) {
        const float p = e[j * width + i], q = o[j * width + i];
        Put(add, &y[j * stride + i], p + q);
        Put(add, &y[(n - j) * stride + i], p - q);
      }
    return;
  }
  const float *ee = folded + g[0].at * width, *eo = folded + g[1].at * width, *oe = folded + (g[2].at - 1) * width,
              *oo = folded + (g[3].at - 1) * width;
#pragma omp simd
  for (PetscInt64 i = 0; i < width; i++) {
    const float p = ee[i], q = eo[i];
    Put(add, &y[i], p + q);
    Put(add, &y[h * stride + i], p - q);
  }
  for (PetscInt64 j = 1; 2 * j < h; j++)
#pragma omp simd
    for (PetscInt64 i = 0; i < width; i++) {
      const float p = ee[j * width + i], q = eo[j * width + i], s = oe[j * width + i], t = oo[j * width + i];
      const float e = p + q, f = p - q, o = t + s, u = t - s;
      Put(add, &y[j * stride + i], e + o);
      Put(add, &y[(n - j) * stride + i], e - o);
      Put(add, &y[(h - j) * stride + i], f + u);
      Put(add, &y[(h + j) * stride + i], f - u);
    }
  if (h % 2 == 0 && h > 0) {
    const PetscInt64 j = h / 2;
#pragma omp simd
    for (PetscInt64 i = 0; i < width; i++) {
      const float p = ee[j * width + i], q = oo[j * width + i];
      Put(add, &y[j * stride + i], p + q);
      Put(add, &y[(n - j) * stride + i], p - q);
    }
  }
}

static void Unfold(const Axis *a, const float *folded, PetscInt64 width, PetscBool add, float *y, PetscInt64 stride)
{
  if (add)
    UnfoldTo(a, folded, width, PETSC_TRUE, y, stride);
  else
    UnfoldTo(a, folded, width, PETSC_FALSE, y, stride);
}

/* Frequencies 0 .. top of the cosine and sine sums. */
static PetscInt64 Top(const Axis *a) { return PetscMax(a->low, a->high) + 1; }

/* On a complex axis, of the pairs (2, c) of a row, width numbers: X[+-k] = C -+ i S. */
static void Combine(const Axis *a, const float *sums, PetscInt64 width, PetscInt64 c, float *out, PetscInt64 stride)
{
  for (PetscInt64 k = 0; k < Top(a); k++)
    for (PetscInt64 p = 0; p < width; p += 2 * c) {
      const float *cosine = sums + 2 * k * width + p, *sine = cosine + width;
      float *plus = out + (a->low + k) * stride + p, *minus = out + (a->low - k) * stride + p;
      if (k == 0)
        memcpy(plus, cosine, (size_t)(2 * c) * sizeof *plus);
      else if (k <= a->high)
#pragma omp simd
        for (PetscInt64 i = 0; i < c; i++) {
          plus[i]     = cosine[i] + sine[c + i];
          plus[c + i] = cosine[c + i] - sine[i];
        }
      if (k > 0 && k <= a->low)
#pragma omp simd
        for (PetscInt64 i = 0; i < c; i++) {
          minus[i]     = cosine[i] - sine[c + i];
          minus[c + i] = cosine[c + i] + sine[i];
        }
    }
}

/* The transpose of Combine. */
static void Split(const Axis *a, const float *in, PetscInt64 stride, PetscInt64 width, PetscInt64 c, float *sums)
{
  for (PetscInt64 k = 0; k < Top(a); k++)
    for (PetscInt64 p = 0; p < width; p += 2 * c) {
      const float *plus  = k <= a->high ? in + (a->low + k) * stride + p : NULL;
      const float *minus = k > 0 && k <= a->low ? in + (a->low - k) * stride + p : NULL;
      float *cosine = sums + 2 * k * width + p, *sine = cosine + width;
#pragma omp simd
      for (PetscInt64 i = 0; i < c; i++) {
        const float u = plus ? plus[i] : 0, v = plus ? plus[c + i] : 0, s = minus ? minus[i] : 0,
                    t = minus ? minus[c + i] : 0;
        cosine[i]     = u + s;
        cosine[c + i] = v + t;
        sine[i]       = t - v;
        sine[c + i]   = u - s;
      }
    }
}

/* A block of columns of one line: n rows of x into the kept rows of X, or back. On the real axis x has rows of
   `inner` = `channels` numbers and X of (2, channels), on others both have rows of `inner` = (.., 2, channels). */
typedef struct {
  const Axis *axis;
  PetscInt64 inner, channels;
  PetscBool add; /* of synthesis */
  float *buffer;
} Line;

static PetscInt64 LineBuffer(const Axis *a, PetscInt64 width) { return (a->folded + 2 * Top(a)) * width; }

static void AnalyseBlock(const Line *l, const float *x, PetscInt64 first, PetscInt64 width, float *out)
{
  const Axis *a = l->axis;
  float *folded = l->buffer, *sums = folded + a->folded * width;
  Fold(a, x + first, l->inner, width, folded);
  float *to            = a->real ? out + first : sums;
  const PetscInt64 row = a->real ? l->inner : width; /* from cosines to sines of a frequency */
  for (int g = 0; g < a->n_groups; g++) {
    const Group *group = &a->groups[g];
    SpanProduct(group->n_k, width, group->n_j, group->table, group->n_j, 1, folded + group->at * width, width,
                PETSC_FALSE, to + (2 * group->k_first + group->sine) * row, 2 * group->k_step * row);
  }
  if (a->real)
    memset(to + row, 0, (size_t)width * sizeof *to);
  else
    Combine(a, sums, width, l->channels, out + first, l->inner);
}

static void SynthesiseBlock(const Line *l, const float *in, PetscInt64 first, PetscInt64 width, float *y)
{
  const Axis *a = l->axis;
  float *folded = l->buffer, *sums = folded + a->folded * width;
  if (!a->real) Split(a, in + first, l->inner, width, l->channels, sums);
  const float *from    = a->real ? in + first : sums;
  const PetscInt64 row = a->real ? l->inner : width;
  for (int g = 0; g < a->n_groups; g++) {
    const Group *group = &a->groups[g];
    SpanProduct(group->n_j, width, group->n_k, group->table, 1, group->n_j,
                from + (2 * group->k_first + group->sine) * row, 2 * group->k_step * row, PETSC_FALSE,
                folded + group->at * width, width);
  }
  Unfold(a, folded, width, l->add, y + first, l->inner);
}

typedef void (*Block)(const Line *line, const float *from, PetscInt64 first, PetscInt64 width, float *to);

/* All lines of (outer, n, inner), from_size and to_size numbers each. */
static PetscErrorCode EachLine(SpanArena arena, const Axis *a, PetscInt64 outer, PetscInt64 inner, PetscInt64 channels,
                               Block block, PetscBool add, const float *from, PetscInt64 from_size, float *to,
                               PetscInt64 to_size)
{
  const PetscInt64 unit = a->real ? 1 : 2 * channels, width = PetscMin(inner, (block_columns + unit - 1) / unit * unit);
  const PetscInt64 blocks = (inner + width - 1) / width, each = LineBuffer(a, width);
  const int threads = (int)PetscMin((PetscInt64)omp_get_max_threads(), outer * blocks);
  float *buffers;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(arena, (size_t)(threads * each) * sizeof *buffers, &buffers));
#pragma omp parallel for schedule(static) num_threads(threads)
  for (PetscInt64 i = 0; i < outer * blocks; i++) {
    const Line line        = {a, inner, channels, add, buffers + omp_get_thread_num() * each};
    const PetscInt64 first = i % blocks * width;
    block(&line, from + i / blocks * from_size, first, PetscMin(width, inner - first), to + i / blocks * to_size);
  }
  PetscCall(SpanArenaReturn(arena, buffers));
  PetscFunctionReturn(0);
}

PetscInt64 SpanSpectrumModes(const SpanSpectrum *s)
{
  PetscInt64 modes = 1;
  for (int a = 0; a < s->n_axes; a++) modes *= s->kept[a];
  return modes;
}

static float Weight(const SpanSpectrum *s, PetscInt64 mode, float scale, PetscBool doubled)
{
  const PetscInt64 k = mode % s->kept[s->n_axes - 1];
  return doubled && k != 0 && 2 * k != s->n[s->n_axes - 1] ? 2 * scale : scale;
}

/* From (samples, modes, 2, channels) to (modes, samples, channels, 2). */
static void Gather(const SpanSpectrum *s, const float *from, float scale, PetscBool doubled, float *spectrum)
{
  const PetscInt64 modes = SpanSpectrumModes(s), c = s->channels;
#pragma omp parallel for schedule(static)
  for (PetscInt64 i = 0; i < modes * s->samples; i++) {
    const float *re = from + (i % s->samples * modes + i / s->samples) * 2 * c, *im = re + c;
    const float w = Weight(s, i / s->samples, scale, doubled);
    float *to     = spectrum + i * 2 * c;
#pragma omp simd
    for (PetscInt64 j = 0; j < c; j++) {
      to[2 * j]     = w * re[j]; /* NOLINT(clang-analyzer-core.NullDereference): from the arena */
      to[2 * j + 1] = w * im[j];
    }
  }
}

static void Scatter(const SpanSpectrum *s, const float *spectrum, float scale, PetscBool doubled, float *to)
{
  const PetscInt64 modes = SpanSpectrumModes(s), c = s->channels;
#pragma omp parallel for schedule(static)
  for (PetscInt64 i = 0; i < modes * s->samples; i++) {
    float *re = to + (i / modes * modes + i % modes) * 2 * c, *im = re + c;
    const float w     = Weight(s, i % modes, scale, doubled);
    const float *from = spectrum + (i % modes * s->samples + i / modes) * 2 * c;
#pragma omp simd
    for (PetscInt64 j = 0; j < c; j++) {
      re[j] = w * from[2 * j];
      im[j] = w * from[2 * j + 1];
    }
  }
}

/* Numbers of one line before and after axis a, lines, and what lies inside of it. */
typedef struct {
  PetscInt64 outer, inner, points, frequencies;
} Extent;

static Extent ExtentOf(const SpanSpectrum *s, int axis)
{
  Extent e = {.outer = s->samples, .inner = s->channels};
  for (int a = 0; a < axis; a++) e.outer *= s->n[a];
  if (axis < s->n_axes - 1) e.inner *= 2;
  for (int a = axis + 1; a < s->n_axes; a++) e.inner *= s->kept[a];
  e.points      = s->n[axis] * e.inner;
  e.frequencies = s->kept[axis] * e.inner * (axis == s->n_axes - 1 ? 2 : 1);
  return e;
}

PetscErrorCode SpanSpectralAnalysis(SpanArena arena, const SpanSpectrum *s, const float *x, float scale,
                                    PetscBool doubled, float *spectrum)
{
  float *before = NULL, *after;
  PetscFunctionBeginUser;
  for (int i = s->n_axes - 1; i >= 0; i--) {
    const Extent e = ExtentOf(s, i);
    Axis axis;
    PetscCall(AxisCreate(arena, s->n[i], s->kept[i], (PetscBool)(i == s->n_axes - 1), &axis));
    PetscCall(SpanArenaGet(arena, (size_t)(e.outer * e.frequencies) * sizeof *after, &after));
    PetscCall(EachLine(arena, &axis, e.outer, e.inner, s->channels, AnalyseBlock, PETSC_FALSE, before ? before : x,
                       e.points, after, e.frequencies));
    PetscCall(SpanArenaReturn(arena, before));
    before = after;
    PetscCall(AxisDestroy(arena, &axis));
  }
  Gather(s, before, scale, doubled, spectrum);
  PetscCall(SpanArenaReturn(arena, before));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSpectralSynthesis(SpanArena arena, const SpanSpectrum *s, const float *spectrum, float scale,
                                     PetscBool doubled, PetscBool add, float *x)
{
  float *before, *after;
  PetscFunctionBeginUser;
  PetscCall(
      SpanArenaGet(arena, (size_t)(SpanSpectrumModes(s) * s->samples * 2 * s->channels) * sizeof *before, &before));
  Scatter(s, spectrum, scale, doubled, before);
  for (int i = 0; i < s->n_axes; i++) {
    const Extent e = ExtentOf(s, i);
    Axis axis;
    PetscCall(AxisCreate(arena, s->n[i], s->kept[i], (PetscBool)(i == s->n_axes - 1), &axis));
    after = x;
    if (i < s->n_axes - 1) PetscCall(SpanArenaGet(arena, (size_t)(e.outer * e.points) * sizeof *after, &after));
    PetscCall(EachLine(arena, &axis, e.outer, e.inner, s->channels, SynthesiseBlock,
                       (PetscBool)(add && i == s->n_axes - 1), before, e.frequencies, after, e.points));
    PetscCall(SpanArenaReturn(arena, before));
    before = after;
    PetscCall(AxisDestroy(arena, &axis));
  }
  PetscFunctionReturn(0);
}
