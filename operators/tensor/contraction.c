/* Two ways. Where both tensors and the result have one label innermost, numbers are multiplied one by one along it.
   Otherwise labels are of four kinds - batch (in all three), rows (a and out), columns (b and out) and terms (a and b)
   - and each of the batch is a product of complex matrices by three real ones instead of four,
     p = Re L Re R, q = Im L Im R, s = (Re L + Im L) (Re R + Im R), L R = p - q + i (s - p - q).
   Blocks of both matrices are gathered by tables of offsets into planes of real parts, imaginary parts and sums, so
   that no tensor is ever copied into another order of axes (Matthews 2018, SIAM J. Sci. Comput. 40, C1). */
#include <subspan/operators/imaging/lanes.h>
#include <subspan/operators/tensor/contraction.h>
#include <subspan/operators/tensor/product.h>
#include <complex.h>
#include <omp.h>
#include <string.h>

/* A block of the right matrix (400 KiB), one of the left and the sums stay in a second cache of 1 MiB. */
enum {
  most           = span_labelled_max_axes,
  block_rows     = 48,
  block_columns  = 256,
  block_terms    = 128,
  chunk_rows     = 10 * block_rows, /* for which a block of the right matrix is gathered once */
  gap            = 16,              /* after each row of a plane: powers of two meet in few lines of a cache */
  hadamard_batch = 8
};

PetscInt64 SpanLabelledSize(const SpanLabelled *t)
{
  PetscInt64 size = 1;
  for (int i = 0; i < t->n; i++) size *= t->size[i];
  return size;
}

static int Find(const SpanLabelled *t, int label)
{
  for (int i = 0; i < t->n; i++)
    if (t->label[i] == label) return i;
  return -1;
}

/* Complex numbers from one to the next along a label; 0 where there is none. */
static PetscInt64 Stride(const SpanLabelled *t, int label)
{
  const int at = Find(t, label);
  PetscInt64 s = 1;
  if (at < 0) return 0;
  for (int i = at + 1; i < t->n; i++) s *= t->size[i];
  return s;
}

static void Append(SpanLabelled *t, int label, PetscInt64 size)
{
  t->label[t->n]  = label;
  t->size[t->n++] = size;
}

/* Numbers one by one -------------------------------------------------------------------------------------------- */

/* Loops over labels but the innermost one, with the strides of both factors. */
typedef struct {
  int n;
  PetscInt64 size[most], a[most], b[most], count;
} Loops;

static void AddLoop(Loops *l, const SpanLabelled *a, const SpanLabelled *b, int label, PetscInt64 size)
{
  l->size[l->n] = size;
  l->a[l->n]    = Stride(a, label);
  l->b[l->n++]  = Stride(b, label);
  l->count *= size;
}

static void Place(const Loops *l, PetscInt64 index, PetscInt64 *a, PetscInt64 *b)
{
  for (int i = l->n - 1; i >= 0; i--) {
    *a += index % l->size[i] * l->a[i];
    *b += index % l->size[i] * l->b[i];
    index /= l->size[i];
  }
}

static void MultiplyAdd(PetscInt64 n, const float complex *restrict a, const float complex *restrict b,
                        PetscBool conjugate, float complex *restrict out)
{
  if (conjugate)
    for (PetscInt64 i = 0; i < n; i++) out[i] += a[i] * conjf(b[i]);
  else
    for (PetscInt64 i = 0; i < n; i++) out[i] += a[i] * b[i];
}

static void OneByOne(const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate, PetscBool add,
                     const SpanLabelled *out)
{
  const PetscInt64 n = out->size[out->n - 1];
  Loops rows = {.count = 1}, terms = {.count = 1};
  for (int i = 0; i < out->n - 1; i++) AddLoop(&rows, a, b, out->label[i], out->size[i]);
  for (int i = 0; i < a->n; i++)
    if (Find(out, a->label[i]) < 0) AddLoop(&terms, a, b, a->label[i], a->size[i]);
#pragma omp parallel for schedule(static) if (rows.count * terms.count * n > 4096)
  for (PetscInt64 r = 0; r < rows.count; r++) {
    float complex *to   = (float complex *)out->data + r * n;
    PetscInt64 first[2] = {0, 0};
    Place(&rows, r, &first[0], &first[1]);
    if (!add) memset(to, 0, (size_t)n * sizeof *to);
    for (PetscInt64 t = 0; t < terms.count; t++) {
      PetscInt64 p = first[0], q = first[1];
      Place(&terms, t, &p, &q);
      MultiplyAdd(n, (const float complex *)a->data + p, (const float complex *)b->data + q, conjugate, to);
    }
  }
}

/* Products of matrices ------------------------------------------------------------------------------------------ */

typedef enum { BATCH, ROWS, COLUMNS, TERMS, n_kinds } Kind;
enum { LEFT, RIGHT, OUT, n_tensors };

/* One assignment of roles: of each kind the labels in one order, their numbers, and where they lie in each tensor. */
typedef struct {
  const SpanLabelled *tensor[n_tensors];
  float conjugate[n_tensors]; /* -1 or 1 */
  PetscBool add;
  SpanLabelled axes[n_kinds];
  PetscInt64 count[n_kinds];
  PetscBool consecutive[n_tensors][n_kinds];
  PetscInt64 *offset[n_tensors][n_kinds];
} Roles;

static Kind KindOf(const SpanLabelled *left, const SpanLabelled *right, const SpanLabelled *out, int label)
{
  if (Find(out, label) < 0) return TERMS;
  if (Find(left, label) < 0) return COLUMNS;
  return Find(right, label) < 0 ? ROWS : BATCH;
}

/* Whether numbers of these labels, the last fastest, lie side by side in t. */
static PetscBool Consecutive(const SpanLabelled *t, const SpanLabelled *axes)
{
  PetscInt64 expected = 1;
  for (int i = axes->n - 1; i >= 0; i--) {
    if (axes->size[i] > 1 && Stride(t, axes->label[i]) != expected) return PETSC_FALSE;
    expected *= axes->size[i];
  }
  return PETSC_TRUE;
}

static Roles RolesOf(const SpanLabelled *left, const SpanLabelled *right, const SpanLabelled *out)
{
  Roles r = {.tensor = {left, right, out}, .conjugate = {1, 1, 1}};
  for (int i = 0; i < out->n; i++)
    Append(&r.axes[KindOf(left, right, out, out->label[i])], out->label[i], out->size[i]);
  for (int i = 0; i < left->n; i++)
    if (Find(out, left->label[i]) < 0) Append(&r.axes[TERMS], left->label[i], left->size[i]);
  for (int k = 0; k < n_kinds; k++) {
    r.count[k] = SpanLabelledSize(&r.axes[k]);
    for (int t = 0; t < n_tensors; t++) r.consecutive[t][k] = Consecutive(r.tensor[t], &r.axes[k]);
  }
  return r;
}

static double Blocks(PetscInt64 n, PetscInt64 block) { return (double)((n + block - 1) / block); }

/* Some cycles of a core with vectors of 16. */
static double Cost(const Roles *r)
{
  const PetscInt64 *n = r->count;
  const double gather = 0.3, turn = 1.5, rows = (double)n[ROWS], terms = (double)n[TERMS], columns = (double)n[COLUMNS];
  const PetscBool left = (PetscBool)(r->consecutive[LEFT][ROWS] || r->consecutive[LEFT][TERMS]);
  return (double)n[BATCH] *
         (1.5 * rows * terms * Blocks(n[COLUMNS], 16) +
          rows * terms * Blocks(n[COLUMNS], block_columns) * (left ? gather : turn) +
          terms * columns * Blocks(n[ROWS], chunk_rows) * (r->consecutive[RIGHT][COLUMNS] ? gather : turn) +
          rows * columns * Blocks(n[TERMS], block_terms) * (r->consecutive[OUT][COLUMNS] ? gather : turn));
}

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow arrays that loops have filled. */
static PetscErrorCode FindOffsets(SpanArena arena, Roles *r)
{
  PetscFunctionBeginUser;
  for (int t = 0; t < n_tensors; t++)
    for (int k = 0; k < n_kinds; k++) {
      PetscInt64 *at, n = 1;
      PetscCall(SpanArenaGet(arena, (size_t)r->count[k] * sizeof *at, &at));
      at[0] = 0;
      for (int i = 0; i < r->axes[k].n; i++) {
        const PetscInt64 size = r->axes[k].size[i], stride = Stride(r->tensor[t], r->axes[k].label[i]);
        for (PetscInt64 j = n - 1; j >= 0; j--)
          for (PetscInt64 l = size - 1; l >= 0; l--) at[j * size + l] = at[j] + l * stride;
        n *= size;
      }
      r->offset[t][k] = at;
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeOffsets(SpanArena arena, Roles *r)
{
  PetscFunctionBeginUser;
  for (int t = 0; t < n_tensors; t++)
    for (int k = 0; k < n_kinds; k++) PetscCall(SpanArenaReturn(arena, r->offset[t][k]));
  PetscFunctionReturn(0);
}

/* Three planes of n_outer rows of n_inner numbers: real parts, imaginary parts times `sign`, and their sums. */
typedef struct {
  float *plane[3];
  PetscInt64 pitch;
} Planes;

/* A tile of at most 16 x 16; in registers where it is whole and the outer numbers lie side by side. */
static void Turn(const float *from, const PetscInt64 *outer, PetscInt64 n_outer, const PetscInt64 *inner,
                 PetscInt64 n_inner, float sign, PetscInt64 at, const Planes *to)
{
  static const SpanIndices even = {0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30};
  float *re = to->plane[0] + at, *im = to->plane[1] + at, *sum = to->plane[2] + at;
  if (n_outer == span_lanes && n_inner == span_lanes && outer[span_lanes - 1] - outer[0] == span_lanes - 1) {
    SpanVector x[span_lanes], y[span_lanes];
    for (int i = 0; i < span_lanes; i++) {
      const float *number = from + 2 * (outer[0] + inner[i]);
      const SpanVector a = SpanLoad(number), b = SpanLoad(number + span_lanes);
      x[i] = SpanPick(a, b, even);
      y[i] = SpanPick(a, b, even + 1) * sign;
    }
    SpanTurn(x);
    SpanTurn(y);
    for (int o = 0; o < span_lanes; o++) {
      SpanStore(re + o * to->pitch, x[o]);
      SpanStore(im + o * to->pitch, y[o]);
      SpanStore(sum + o * to->pitch, x[o] + y[o]);
    }
    return;
  }
  for (PetscInt64 o = 0; o < n_outer; o++)
    for (PetscInt64 i = 0; i < n_inner; i++) {
      const float *number = from + 2 * (outer[o] + inner[i]);
      const PetscInt64 j  = o * to->pitch + i;
      re[j]               = number[0];
      im[j]               = sign * number[1];
      sum[j]              = re[j] + im[j];
    }
}

static void Gather(const float *from, const PetscInt64 *outer, PetscInt64 n_outer, const PetscInt64 *inner,
                   PetscInt64 n_inner, PetscBool consecutive, float sign, const Planes *to)
{
  if (consecutive) {
    for (PetscInt64 o = 0; o < n_outer; o++) {
      const float *restrict row = from + 2 * (outer[o] + inner[0]);
      float *restrict re = to->plane[0] + o * to->pitch, *restrict im = to->plane[1] + o * to->pitch,
                      *restrict sum = to->plane[2] + o * to->pitch;
#pragma omp simd
      for (PetscInt64 i = 0; i < n_inner; i++) {
        const float x = row[2 * i], y = sign * row[2 * i + 1];
        re[i]  = x;
        im[i]  = y;
        sum[i] = x + y;
      }
    }
    return;
  }
  for (PetscInt64 i = 0; i < n_inner; i += span_lanes)
    for (PetscInt64 o = 0; o < n_outer; o += span_lanes)
      Turn(from, outer + o, PetscMin(span_lanes, n_outer - o), inner + i, PetscMin(span_lanes, n_inner - i), sign,
           o * to->pitch + i, to);
}

/* out = p - q + i (s - p - q), or += with `add`. */
static void Join(PetscInt64 n, const float *restrict p, const float *restrict q, const float *restrict s, PetscBool add,
                 float *restrict out)
{
  if (add)
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) {
      out[2 * i] += p[i] - q[i];
      out[2 * i + 1] += s[i] - p[i] - q[i];
    }
  else
#pragma omp simd
    for (PetscInt64 i = 0; i < n; i++) {
      out[2 * i]     = p[i] - q[i];
      out[2 * i + 1] = s[i] - p[i] - q[i];
    }
}

static void JoinApart(PetscInt64 n, const float *p, const float *q, const float *s, PetscBool add,
                      const PetscInt64 *offset, float *out)
{
  for (PetscInt64 i = 0; i < n; i++) {
    float *to      = out + 2 * offset[i];
    const float re = p[i] - q[i], im = s[i] - p[i] - q[i];
    to[0] = add ? to[0] + re : re;
    to[1] = add ? to[1] + im : im;
  }
}

/* Memory of a thread: blocks of both matrices and the three products. */
typedef struct {
  Planes left, right, product;
} Scratch;

static PetscInt64 ScratchFloats(const Roles *r, float *memory, Scratch *scratch)
{
  const PetscInt64 rows     = PetscMin((PetscInt64)block_rows, r->count[ROWS]),
                   columns  = PetscMin((PetscInt64)block_columns, r->count[COLUMNS]),
                   terms    = PetscMin((PetscInt64)block_terms, r->count[TERMS]);
  const PetscBool by_terms  = r->consecutive[LEFT][ROWS] && !r->consecutive[LEFT][TERMS];
  const PetscInt64 lines[3] = {by_terms ? terms : rows, terms, rows},
                   pitch[3] = {(by_terms ? rows : terms) + gap, columns + gap, columns + gap};
  Planes *planes[3]         = {&scratch->left, &scratch->right, &scratch->product};
  PetscInt64 at             = 0;
  for (int i = 0; i < 3; i++) {
    planes[i]->pitch = pitch[i];
    for (int k = 0; k < 3; k++) {
      planes[i]->plane[k] = memory ? memory + at : NULL;
      at += lines[i] * pitch[i];
    }
  }
  return at;
}

/* Rows row .. row + m - 1 and the terms of a block, by the columns that scratch->right has. */
static void MultiplyBlock(const Roles *r, const Scratch *scratch, PetscInt64 batch, PetscInt64 row, PetscInt64 m,
                          PetscInt64 column, PetscInt64 n, PetscInt64 term, PetscInt64 k)
{
  const float *left      = r->tensor[LEFT]->data + 2 * r->offset[LEFT][BATCH][batch];
  float *out             = r->tensor[OUT]->data + 2 * r->offset[OUT][BATCH][batch];
  const PetscInt64 *rows = r->offset[LEFT][ROWS] + row, *terms = r->offset[LEFT][TERMS] + term;
  const PetscBool by_terms = r->consecutive[LEFT][ROWS] && !r->consecutive[LEFT][TERMS];
  const Planes *l = &scratch->left, *p = &scratch->product;
  if (by_terms)
    Gather(left, terms, k, rows, m, PETSC_TRUE, r->conjugate[LEFT], l);
  else
    Gather(left, rows, m, terms, k, r->consecutive[LEFT][TERMS], r->conjugate[LEFT], l);
  for (int i = 0; i < 3; i++)
    SpanProduct(m, n, k, l->plane[i], by_terms ? 1 : l->pitch, by_terms ? l->pitch : 1, scratch->right.plane[i],
                scratch->right.pitch, PETSC_FALSE, p->plane[i], p->pitch);
  const PetscInt64 *columns = r->offset[OUT][COLUMNS] + column;
  const PetscBool add       = (PetscBool)(r->add || term > 0);
  for (PetscInt64 i = 0; i < m; i++) {
    float *to           = out + 2 * r->offset[OUT][ROWS][row + i];
    const PetscInt64 at = i * p->pitch;
    if (r->consecutive[OUT][COLUMNS])
      Join(n, p->plane[0] + at, p->plane[1] + at, p->plane[2] + at, add, to + 2 * columns[0]);
    else
      JoinApart(n, p->plane[0] + at, p->plane[1] + at, p->plane[2] + at, add, columns, to);
  }
}

static void Matrices(const Roles *r, float *memory, PetscInt64 each)
{
  const PetscInt64 *count = r->count, chunks = (count[ROWS] + chunk_rows - 1) / chunk_rows,
                   blocks = (count[COLUMNS] + block_columns - 1) / block_columns;
#pragma omp parallel for schedule(static) if (count[BATCH] * count[ROWS] * count[COLUMNS] * count[TERMS] > 4096)
  for (PetscInt64 i = 0; i < count[BATCH] * chunks * blocks; i++) {
    const PetscInt64 batch = i / blocks / chunks, first = i / blocks % chunks * chunk_rows,
                     column = i % blocks * block_columns;
    const PetscInt64 last   = PetscMin(first + chunk_rows, count[ROWS]),
                     n      = PetscMin((PetscInt64)block_columns, count[COLUMNS] - column);
    Scratch scratch;
    ScratchFloats(r, memory + omp_get_thread_num() * each, &scratch);
    for (PetscInt64 term = 0; term < count[TERMS]; term += block_terms) {
      const PetscInt64 k = PetscMin((PetscInt64)block_terms, count[TERMS] - term);
      Gather(r->tensor[RIGHT]->data + 2 * r->offset[RIGHT][BATCH][batch], r->offset[RIGHT][TERMS] + term, k,
             r->offset[RIGHT][COLUMNS] + column, n, r->consecutive[RIGHT][COLUMNS], r->conjugate[RIGHT],
             &scratch.right);
      for (PetscInt64 row = first; row < last; row += block_rows)
        MultiplyBlock(r, &scratch, batch, row, PetscMin((PetscInt64)block_rows, last - row), column, n, term, k);
    }
  }
}
/* NOLINTEND(clang-analyzer-core.*) */

static PetscErrorCode ByMatrices(SpanArena arena, const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate,
                                 PetscBool add, const SpanLabelled *out)
{
  Roles r = RolesOf(a, b, out), swapped = RolesOf(b, a, out);
  Scratch scratch;
  float *memory;
  PetscFunctionBeginUser;
  if (conjugate) r.conjugate[RIGHT] = swapped.conjugate[LEFT] = -1;
  if (Cost(&swapped) < Cost(&r)) r = swapped;
  r.add                 = add;
  const PetscInt64 each = ScratchFloats(&r, NULL, &scratch);
  PetscCall(SpanArenaGet(arena, (size_t)(omp_get_max_threads() * each) * sizeof *memory, &memory));
  PetscCall(FindOffsets(arena, &r));
  Matrices(&r, memory, each);
  PetscCall(FreeOffsets(arena, &r));
  PetscCall(SpanArenaReturn(arena, memory));
  PetscFunctionReturn(0);
}

/* Whether both tensors and the result, of these labels, have one label innermost, or may have. */
static PetscBool Innermost(const SpanLabelled *a, const SpanLabelled *b, uint32_t labels)
{
  if (!a->n || !b->n) return PETSC_FALSE;
  const int last = a->label[a->n - 1];
  return (PetscBool)(b->label[b->n - 1] == last && labels >> last & 1 && a->size[a->n - 1] >= hadamard_batch);
}

void SpanContractAxes(const SpanLabelled *a, const SpanLabelled *b, uint32_t labels, SpanLabelled *out)
{
  *out = (SpanLabelled){0};
  for (int label = 0; label < 32; label++) {
    const SpanLabelled *from = Find(a, label) >= 0 ? a : b;
    if (labels >> label & 1 && Find(from, label) >= 0) Append(out, label, from->size[Find(from, label)]);
  }
}

PetscErrorCode SpanContract(SpanArena arena, const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate,
                            PetscBool add, const SpanLabelled *out)
{
  uint32_t labels = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < out->n; i++) labels |= 1u << out->label[i];
  if (Innermost(a, b, labels) && out->label[out->n - 1] == a->label[a->n - 1])
    OneByOne(a, b, conjugate, add, out);
  else
    PetscCall(ByMatrices(arena, a, b, conjugate, add, out));
  PetscFunctionReturn(0);
}
