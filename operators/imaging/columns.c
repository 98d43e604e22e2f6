/* Columns by coprime factors: those that FFTW has straight code for, or powers of a prime, by FFTW; single primes that
   it has none for by a stage of our own, eight columns a vector. At 230 = 10 x 23 FFTW alone is six times slower. */
#include <subspan/operators/imaging/columns.h>
#include <subspan/operators/imaging/plans.h>
#include <fftw3.h>
#include <math.h>

enum { most_factors = 16, smallest_own = 17, largest_own = 331, together = 6, vector_columns = 8 };

typedef float Vector __attribute__((vector_size(8 * vector_columns)));
typedef float Unaligned __attribute__((vector_size(8 * vector_columns), aligned(8), may_alias));

typedef struct {
  PetscInt n, step;              /* length, rows from one of its elements to the next */
  fftwf_plan plans[2], rests[2]; /* of a whole block, of the last one; NULL: our own */
  float *table;                  /* cos, sin (half, half) in the order they are used */
} Factor;

struct SpanColumns_ {
  PetscInt n, width, stride;
  int n_factors;
  Factor factors[most_factors];
  PetscInt *samples, *frequencies;
};

static PetscBool HasStraightCode(PetscInt n)
{
  return (PetscBool)(n <= 16 || n == 20 || n == 25 || n == 32 || n == 64);
}

/* Prime powers, then products of two of them as long as FFTW has straight code for these. */
static int Factorize(PetscInt n, PetscInt factors[])
{
  int count = 0;
  for (PetscInt p = 2; n > 1; p = p * p > n ? n : p + 1) {
    PetscInt power = 1;
    for (; n % p == 0; n /= p) power *= p;
    if (power > 1) factors[count++] = power;
  }
  for (int i = 0; i < count; i++)
    for (int j = i + 1; j < count; j++)
      if (HasStraightCode(factors[i] * factors[j])) {
        factors[i] *= factors[j];
        factors[j] = factors[--count];
        j          = i;
      }
  return count;
}

static PetscBool Own(PetscInt n)
{
  PetscBool prime = (PetscBool)(n >= smallest_own && n <= largest_own);
  for (PetscInt d = 2; prime && d * d <= n; d++)
    if (n % d == 0) prime = PETSC_FALSE;
  return prime;
}

static PetscInt Inverse(PetscInt a, PetscInt n)
{
  for (PetscInt i = 1; i < n; i++)
    if (a % n * i % n == 1) return i;
  return 0;
}

/* cos and sin of 2 pi (k + 1) (j + 1) / p: for each `together` of k, for each j, the cosines, then the sines. */
static PetscErrorCode Table(PetscInt p, float **table)
{
  PetscInt half = (p - 1) / 2, groups = (half + together - 1) / together;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(2 * groups * together * half, table));
  for (PetscInt k = 0; k < groups * together; k++)
    for (PetscInt j = 0; j < half; j++) {
      float *entry    = *table + 2 * together * (k / together * half + j) + k % together;
      double angle    = 2 * M_PI * (double)((k + 1) * (j + 1) % p) / (double)p;
      entry[0]        = (float)cos(angle);
      entry[together] = (float)sin(angle);
    }
  PetscFunctionReturn(0);
}

/* Real and imaginary parts change places. */
static Vector Swap(Vector v)
{
  return __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14);
}

/* A p-point transform of vector_columns columns whose rows lie `step` numbers apart. x_j + x_{p-j} meets the cosines,
   x_j - x_{p-j} the sines, which halves the work twice. sign: -1 forward, 1 backward. */
static void Prime(PetscInt p, const float *table, PetscInt step, float sign, float complex *x)
{
  const Vector times_i = {-1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1, -1, 1};
  PetscInt half        = (p - 1) / 2;
  Vector first         = *(Unaligned *)x, all, sums[half], differences[half];
  Vector factor        = sign * times_i;
  all                  = first;
  for (PetscInt j = 1; j <= half; j++) {
    Vector a = *(Unaligned *)(x + j * step), b = *(Unaligned *)(x + (p - j) * step);
    sums[j - 1]        = a + b;
    differences[j - 1] = Swap(a - b) * factor;
    all += a + b;
  }
  *(Unaligned *)x = all;
  for (PetscInt k = 0; k < half; k += together) {
    Vector even[together], odd[together];
    for (int i = 0; i < together; i++) {
      even[i] = first;
      odd[i]  = (Vector){0};
    }
    for (PetscInt j = 0; j < half; j++, table += 2 * together)
      for (int i = 0; i < together; i++) {
        even[i] += table[i] * sums[j];
        odd[i] += table[together + i] * differences[j];
      }
    for (int i = 0; i < together && k + i < half; i++) {
      *(Unaligned *)(x + (k + i + 1) * step)     = even[i] + odd[i];
      *(Unaligned *)(x + (p - 1 - k - i) * step) = even[i] - odd[i];
    }
  }
}

PetscErrorCode SpanColumnsCreate(PetscInt n, PetscInt width, PetscInt stride, SpanColumns *out)
{
  SpanColumns c;
  PetscInt lengths[most_factors], before = 1, rest = width % span_columns_block;
  int n_factors = Factorize(n, lengths);
  PetscFunctionBeginUser;
  PetscCheck(stride % vector_columns == 0, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "a stride of %" PetscInt_FMT ": must be a multiple of %d", stride, vector_columns);
  PetscCall(PetscNew(&c));
  c->n         = n;
  c->width     = width;
  c->stride    = stride;
  c->n_factors = n_factors;
  PetscCall(PetscCalloc2(n, &c->samples, n, &c->frequencies));
  for (int f = 0; f < n_factors; f++) {
    PetscInt length = lengths[f], step = n / (before * length), inverse = Inverse(n / length, length);
    c->factors[f] = (Factor){.n = length, .step = step};
    for (PetscInt i = 0; i < n; i++) {
      c->samples[i] += i % length * inverse % length * step;
      c->frequencies[i] += i % length * step;
    }
    if (Own(length)) PetscCall(Table(length, &c->factors[f].table));
    for (int s = 0; s < 2 && !c->factors[f].table; s++) {
      SpanPlanShape shape = {.n        = length,
                             .stride   = step * stride,
                             .count    = {before, step, span_columns_block},
                             .distance = {length * step * stride, stride, 1},
                             .sign     = s ? 1 : -1};
      if (width >= span_columns_block) PetscCall(SpanPlanInPlace(&shape, &c->factors[f].plans[s]));
      shape.count[2] = rest;
      if (rest) PetscCall(SpanPlanInPlace(&shape, &c->factors[f].rests[s]));
    }
    before *= length;
  }
  *out = c;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanColumnsDestroy(SpanColumns *columns)
{
  SpanColumns c = *columns;
  PetscFunctionBeginUser;
  if (!c) PetscFunctionReturn(0);
  for (int f = 0; f < c->n_factors; f++) PetscCall(PetscFree(c->factors[f].table));
  PetscCall(PetscFree2(c->samples, c->frequencies));
  PetscCall(PetscFree(*columns));
  PetscFunctionReturn(0);
}

const PetscInt *SpanColumnsSamples(SpanColumns c) { return c->samples; }

const PetscInt *SpanColumnsFrequencies(SpanColumns c) { return c->frequencies; }

void SpanColumnsTransform(SpanColumns c, int s, PetscInt x, float complex *work)
{
  PetscInt width = PetscMin(span_columns_block, c->width - x);
  for (int f = 0; f < c->n_factors; f++) {
    const Factor *factor = &c->factors[f];
    if (!factor->table) {
      fftwf_execute_dft(width == span_columns_block ? factor->plans[s] : factor->rests[s], (fftwf_complex *)(work + x),
                        (fftwf_complex *)(work + x));
      continue;
    }
    for (PetscInt from = 0; from < c->n; from += factor->n * factor->step)
      for (PetscInt row = from; row < from + factor->step; row++)
        for (PetscInt i = 0; i < width; i += vector_columns)
          Prime(factor->n, factor->table, factor->step * c->stride, s ? 1 : -1, work + row * c->stride + x + i);
  }
}
