/* Two ways. Where both tensors and the result have one label innermost, numbers are multiplied one by one along it.
   Otherwise labels are of four kinds - batch (in all three), rows (a and out), columns (b and out) and terms (a and b)
   - and each of the batch is a product of matrices: real and imaginary part of the left one by the right one as it
   lies, (re, im) side by side, put together afterwards: out = (Re L) R + i (Im L) R. The right one must be (batch..,
   terms.., columns..), the left one needs strides only; what does not fit is copied. The roles are chosen so that the
   least is copied. */
#include <subspan/operators/tensor/contraction.h>
#include <subspan/operators/tensor/product.h>
#include <complex.h>
#include <omp.h>
#include <string.h>

static const double cost_of_moving = 20; /* a number, in multiply-adds of numbers */

enum { most = span_labelled_max_axes, block_rows = 32, block_columns = 256, hadamard_batch = 8 };

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

static PetscBool SameOrder(const SpanLabelled *a, const SpanLabelled *b)
{
  if (a->n != b->n) return PETSC_FALSE;
  for (int i = 0; i < a->n; i++)
    if (a->label[i] != b->label[i]) return PETSC_FALSE;
  return PETSC_TRUE;
}

/* NOLINTBEGIN(clang-analyzer-core.*): the analyzer does not follow arrays that loops have filled. */
/* Copies into the order of axes that `to` names. */
static void Permute(const SpanLabelled *from, const SpanLabelled *to)
{
  PetscInt64 stride[most], rows = 1;
  const float complex *source = (const float complex *)from->data;
  float complex *target       = (float complex *)to->data;
  if (to->n == 0) {
    *target = *source;
    return;
  }
  for (int i = 0; i < to->n; i++) stride[i] = Stride(from, to->label[i]);
  for (int i = 0; i < to->n - 1; i++) rows *= to->size[i];
  const PetscInt64 n = to->size[to->n - 1], s = stride[to->n - 1];
#pragma omp parallel for schedule(static) if (rows * n > 4096)
  for (PetscInt64 r = 0; r < rows; r++) {
    PetscInt64 at = 0, rest = r;
    for (int i = to->n - 2; i >= 0; i--) {
      at += rest % to->size[i] * stride[i];
      rest /= to->size[i];
    }
    for (PetscInt64 j = 0; j < n; j++) target[r * n + j] = source[at + j * s];
  }
}

/* NOLINTEND(clang-analyzer-core.*) */

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

static void OneByOne(const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate, const SpanLabelled *out)
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
    memset(to, 0, (size_t)n * sizeof *to);
    for (PetscInt64 t = 0; t < terms.count; t++) {
      PetscInt64 p = first[0], q = first[1];
      Place(&terms, t, &p, &q);
      MultiplyAdd(n, (const float complex *)a->data + p, (const float complex *)b->data + q, conjugate, to);
    }
  }
}

/* Products of matrices ------------------------------------------------------------------------------------------ */

typedef enum { BATCH, ROWS, COLUMNS, TERMS, n_kinds } Kind;

/* One assignment of roles. Axes of each kind in one order, that of the right tensor; strides in complex numbers. */
typedef struct {
  SpanLabelled left, right, out; /* the orders that the product works on */
  PetscBool copy_left, copy_right, copy_out;
  PetscInt64 count[n_kinds], left_stride[n_kinds]; /* left: of batch, rows, terms */
  double cost;
} Roles;

/* Whether labels first .. first + n - 1 of `order` lie in t as one axis, and its stride. */
static PetscBool Collapses(const SpanLabelled *t, const SpanLabelled *order, int first, int n, PetscInt64 *stride)
{
  *stride             = n ? Stride(t, order->label[first + n - 1]) : 0;
  PetscInt64 expected = *stride;
  for (int i = first + n - 1; i >= first; i--) {
    if (Stride(t, order->label[i]) != expected) return PETSC_FALSE;
    expected *= order->size[i];
  }
  return PETSC_TRUE;
}

static Kind KindOf(const SpanLabelled *left, const SpanLabelled *right, const SpanLabelled *out, int label)
{
  if (Find(out, label) < 0) return TERMS;
  if (Find(left, label) < 0) return COLUMNS;
  return Find(right, label) < 0 ? ROWS : BATCH;
}

/* Appends to t the axes of `from` that are of this kind, in the order they have there. */
static int AppendKind(SpanLabelled *t, const SpanLabelled *from, Kind kind, const SpanLabelled *left,
                      const SpanLabelled *right, const SpanLabelled *out)
{
  const int before = t->n;
  for (int i = 0; i < from->n; i++)
    if (KindOf(left, right, out, from->label[i]) == kind) Append(t, from->label[i], from->size[i]);
  return t->n - before;
}

static PetscInt64 Product(const SpanLabelled *t, int first, int n)
{
  PetscInt64 size = 1;
  for (int i = first; i < first + n; i++) size *= t->size[i];
  return size;
}

static Roles RolesOf(const SpanLabelled *left, const SpanLabelled *right, const SpanLabelled *out)
{
  Roles r        = {0};
  int n[n_kinds] = {0};
  n[BATCH]       = AppendKind(&r.right, right, BATCH, left, right, out);
  n[TERMS]       = AppendKind(&r.right, right, TERMS, left, right, out);
  n[COLUMNS]     = AppendKind(&r.right, right, COLUMNS, left, right, out);
  AppendKind(&r.left, &r.right, BATCH, left, right, out);
  n[ROWS] = AppendKind(&r.left, left, ROWS, left, right, out);
  AppendKind(&r.left, &r.right, TERMS, left, right, out);
  AppendKind(&r.out, &r.left, BATCH, left, right, out);
  AppendKind(&r.out, &r.left, ROWS, left, right, out);
  AppendKind(&r.out, &r.right, COLUMNS, left, right, out);
  r.count[BATCH]   = Product(&r.left, 0, n[BATCH]);
  r.count[ROWS]    = Product(&r.left, n[BATCH], n[ROWS]);
  r.count[TERMS]   = Product(&r.left, n[BATCH] + n[ROWS], n[TERMS]);
  r.count[COLUMNS] = Product(&r.right, n[BATCH] + n[TERMS], n[COLUMNS]);
  r.copy_right     = (PetscBool)!SameOrder(right, &r.right);
  r.copy_out       = (PetscBool)!SameOrder(out, &r.out);
  r.copy_left      = (PetscBool) !(Collapses(left, &r.left, 0, n[BATCH], &r.left_stride[BATCH]) &&
                              Collapses(left, &r.left, n[BATCH], n[ROWS], &r.left_stride[ROWS]) &&
                              Collapses(left, &r.left, n[BATCH] + n[ROWS], n[TERMS], &r.left_stride[TERMS]));
  if (r.copy_left) {
    r.left_stride[BATCH] = r.count[ROWS] * r.count[TERMS];
    r.left_stride[ROWS]  = r.count[TERMS];
    r.left_stride[TERMS] = 1;
  }
  /* In complex multiply-adds; columns fill whole vectors of 8. */
  const double width = (double)((r.count[COLUMNS] + 7) / 8 * 8);
  r.cost             = cost_of_moving * ((r.copy_left ? (double)SpanLabelledSize(left) : 0) +
                             (r.copy_right ? (double)SpanLabelledSize(right) : 0) +
                             (r.copy_out ? (double)SpanLabelledSize(out) : 0)) +
           (double)r.count[BATCH] * (double)r.count[ROWS] * (double)r.count[TERMS] * width;
  return r;
}

/* u = (Re L) R and v = (Im L) R, n complex numbers, to u + i v with the signs of conjugates. */
static void Join(PetscInt64 n, const float *u, const float *v, float sign_re, float sign_u, float sign_v, float *out)
{
#pragma omp simd
  for (PetscInt64 i = 0; i < n; i++) {
    out[2 * i]     = u[2 * i] + sign_re * v[2 * i + 1];
    out[2 * i + 1] = sign_u * u[2 * i + 1] + sign_v * v[2 * i];
  }
}

/* conjugate: 0 none, 1 the left tensor, 2 the right one. */
static void Matrices(const Roles *r, int conjugate)
{
  const PetscInt64 rows = r->count[ROWS], columns = r->count[COLUMNS], terms = r->count[TERMS];
  const PetscInt64 row_blocks    = (rows + block_rows - 1) / block_rows,
                   column_blocks = (columns + block_columns - 1) / block_columns;
  const float sign_re = conjugate ? 1 : -1, sign_u = conjugate == 2 ? -1 : 1, sign_v = conjugate == 1 ? -1 : 1;
#pragma omp parallel for schedule(static) if (r->count[BATCH] * rows * columns * terms > 4096)
  for (PetscInt64 i = 0; i < r->count[BATCH] * row_blocks * column_blocks; i++) {
    const PetscInt64 batch = i / row_blocks / column_blocks, row = i / column_blocks % row_blocks * block_rows,
                     column = i % column_blocks * block_columns;
    const PetscInt64 m      = PetscMin((PetscInt64)block_rows, rows - row),
                     n      = PetscMin((PetscInt64)block_columns, columns - column);
    const float *left       = r->left.data + 2 * (batch * r->left_stride[BATCH] + row * r->left_stride[ROWS]);
    const float *right      = r->right.data + 2 * (batch * terms * columns + column);
    float *out              = r->out.data + 2 * ((batch * rows + row) * columns + column);
    float u[block_rows * 2 * block_columns], v[block_rows * 2 * block_columns];
    SpanProduct(m, 2 * n, terms, left, 2 * r->left_stride[ROWS], 2 * r->left_stride[TERMS], right, 2 * columns,
                PETSC_FALSE, u, 2 * n);
    SpanProduct(m, 2 * n, terms, left + 1, 2 * r->left_stride[ROWS], 2 * r->left_stride[TERMS], right, 2 * columns,
                PETSC_FALSE, v, 2 * n);
    for (PetscInt64 k = 0; k < m; k++)
      Join(n, u + k * 2 * n, v + k * 2 * n, sign_re, sign_u, sign_v, out + k * 2 * columns);
  }
}

static PetscErrorCode Copy(SpanArena arena, PetscBool copy, const SpanLabelled *given, SpanLabelled *wanted)
{
  PetscFunctionBeginUser;
  wanted->data = given->data;
  if (!copy) PetscFunctionReturn(0);
  PetscCall(SpanArenaGet(arena, (size_t)(2 * SpanLabelledSize(wanted)) * sizeof *wanted->data, &wanted->data));
  Permute(given, wanted);
  PetscFunctionReturn(0);
}

static PetscErrorCode ByMatrices(SpanArena arena, const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate,
                                 const SpanLabelled *out)
{
  Roles r = RolesOf(a, b, out), swapped = RolesOf(b, a, out);
  const SpanLabelled *left = a, *right = b;
  PetscFunctionBeginUser;
  if (swapped.cost < r.cost) {
    r     = swapped;
    left  = b;
    right = a;
  }
  PetscCall(Copy(arena, r.copy_left, left, &r.left));
  PetscCall(Copy(arena, r.copy_right, right, &r.right));
  r.out.data = out->data;
  if (r.copy_out) PetscCall(SpanArenaGet(arena, (size_t)(2 * SpanLabelledSize(out)) * sizeof *r.out.data, &r.out.data));
  Matrices(&r, conjugate ? (left == b ? 1 : 2) : 0);
  if (r.copy_out) {
    Permute(&r.out, out);
    PetscCall(SpanArenaReturn(arena, r.out.data));
  }
  if (r.copy_left) PetscCall(SpanArenaReturn(arena, r.left.data));
  if (r.copy_right) PetscCall(SpanArenaReturn(arena, r.right.data));
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
  for (int t = 0; t < 2; t++) {
    const SpanLabelled *from = t ? b : a;
    for (int i = 0; i < from->n; i++)
      if (labels >> from->label[i] & 1 && Find(out, from->label[i]) < 0) Append(out, from->label[i], from->size[i]);
  }
  if (Innermost(a, b, labels)) { /* that label last */
    const int last = Find(out, a->label[a->n - 1]);
    for (int i = last; i < out->n - 1; i++) {
      out->label[i] = out->label[i + 1];
      out->size[i]  = out->size[i + 1];
    }
    out->label[out->n - 1] = a->label[a->n - 1];
    out->size[out->n - 1]  = a->size[a->n - 1];
    return;
  }
  const Roles straight = RolesOf(a, b, out), swapped = RolesOf(b, a, out);
  const double copies = cost_of_moving * (double)SpanLabelledSize(out);
  *out = swapped.cost - swapped.copy_out * copies < straight.cost - straight.copy_out * copies ? swapped.out
                                                                                               : straight.out;
}

PetscErrorCode SpanContract(SpanArena arena, const SpanLabelled *a, const SpanLabelled *b, PetscBool conjugate,
                            const SpanLabelled *out)
{
  uint32_t labels = 0;
  PetscFunctionBeginUser;
  for (int i = 0; i < out->n; i++) labels |= 1u << out->label[i];
  if (Innermost(a, b, labels) && out->label[out->n - 1] == a->label[a->n - 1])
    OneByOne(a, b, conjugate, out);
  else
    PetscCall(ByMatrices(arena, a, b, conjugate, out));
  PetscFunctionReturn(0);
}
