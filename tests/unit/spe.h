/* Small graphs with their eigenpairs, symmetric matrices near their Laplacians, and small networks to encode them; for
   the tests of SPE and the benchmark of its stability. */
#pragma once
#include "gradients.h"
#include <slepcblaslapack.h>
#include <subspan/operators/graph/dense.h>
#include <subspan/operators/networks/graph_network.h>

#define within(what, measured, limit)                                                                                  \
  do {                                                                                                                 \
    const double measured_ = (measured);                                                                               \
    if (!(measured_ <= (limit))) fail_msg("%s: off by %.2e, at most %.0e", what, measured_, (double)(limit));          \
  } while (0)

typedef struct {
  PetscInt n, n_edges, d;
  PetscInt *from, *to, *place; /* place: where a node went, of a permuted graph */
  double *laplacian;           /* (n, n) */
  double *all;                 /* (n): its eigenvalues */
  float *values, *vectors;     /* (d), (n, d) */
} Example;

static inline Example example_of(PetscInt n, const unsigned char *adjacent)
{
  Example e = {.n = n};
  e.from    = malloc((size_t)(n * n) * sizeof *e.from);
  e.to      = malloc((size_t)(n * n) * sizeof *e.to);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < n; j++)
      if (adjacent[i * n + j]) {
        e.from[e.n_edges] = i;
        e.to[e.n_edges++] = j;
      }
  e.laplacian    = calloc((size_t)(n * n), sizeof *e.laplacian);
  e.all          = malloc((size_t)n * sizeof *e.all);
  double *degree = calloc((size_t)n, sizeof *degree);
  for (PetscInt k = 0; k < e.n_edges; k++) degree[e.from[k]]++;
  for (PetscInt i = 0; i < n; i++) e.laplacian[i * n + i] = degree[i] > 0;
  for (PetscInt k = 0; k < e.n_edges; k++)
    e.laplacian[e.from[k] * n + e.to[k]] -= 1 / sqrt(degree[e.from[k]] * degree[e.to[k]]);
  free(degree);
  return e;
}

static inline Example example_random(PetscInt n, double chance, uint64_t seed)
{
  unsigned char *a = calloc((size_t)(n * n), 1);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j < i; j++)
      a[i * n + j] = a[j * n + i] =
          j == i - 1 || SpanRandomUniform(seed, SPAN_RANDOM_TEST, 0, (uint64_t)(i * n + j)) < chance;
  Example e = example_of(n, a);
  free(a);
  return e;
}

static inline Example example_cycle(PetscInt n)
{
  unsigned char *a = calloc((size_t)(n * n), 1);
  for (PetscInt i = 0; i < n; i++) a[i * n + (i + 1) % n] = a[(i + 1) % n * n + i] = 1;
  Example e = example_of(n, a);
  free(a);
  return e;
}

/* Node i becomes node place[i]. */
static inline Example example_permuted(const Example *e)
{
  unsigned char *a = calloc((size_t)(e->n * e->n), 1);
  PetscInt *place  = malloc((size_t)e->n * sizeof *place);
  for (PetscInt i = 0; i < e->n; i++) place[i] = (5 * i + 3) % e->n;
  for (PetscInt k = 0; k < e->n_edges; k++) a[place[e->from[k]] * e->n + place[e->to[k]]] = 1;
  Example turned = example_of(e->n, a);
  turned.place   = place;
  free(a);
  return turned;
}

static inline void example_close(Example *e)
{
  free(e->from);
  free(e->to);
  free(e->place);
  free(e->laplacian);
  free(e->all);
  free(e->values);
  free(e->vectors);
}

/* Eigenpairs of e->laplacian. */
static inline void example_eigenpairs(Example *e, PetscInt d)
{
  const PetscInt n = e->n;
  double *a = malloc((size_t)(n * n) * sizeof *a), *work = malloc((size_t)(64 * n) * sizeof *work);
  PetscBLASInt blas_n = (PetscBLASInt)n, n_work = (PetscBLASInt)(64 * n), info;
  memcpy(a, e->laplacian, (size_t)(n * n) * sizeof *a);
  LAPACKsyev_("V", "L", &blas_n, a, &blas_n, e->all, work, &n_work, &info);
  assert_int_equal(info, 0);
  e->d       = d;
  e->values  = calloc((size_t)d, sizeof *e->values);
  e->vectors = calloc((size_t)(n * d), sizeof *e->vectors);
  for (PetscInt k = 0; k < d && k < n; k++) {
    e->values[k] = (float)e->all[k];
    for (PetscInt i = 0; i < n; i++) e->vectors[i * d + k] = (float)a[k * n + i];
  }
  free(a);
  free(work);
}

/* What an encoding takes. */
static inline void example_vectors(Example *e, SpanEncodingKind kind, PetscInt d)
{
  example_eigenpairs(e, kind == SPAN_ENCODING_HEAT ? e->n : d);
  float *rows = calloc((size_t)(e->n * d), sizeof *rows);
  if (kind == SPAN_ENCODING_RANDOM_WALK) check(SpanWalkDiagonals(e->n, e->n_edges, e->from, e->to, d, rows));
  if (kind == SPAN_ENCODING_HEAT) SpanHeatDiagonals(e->n, e->n, e->values, e->vectors, d, rows);
  if (kind == SPAN_ENCODING_RANDOM_WALK || kind == SPAN_ENCODING_HEAT) {
    free(e->vectors);
    e->vectors = rows;
  } else
    free(rows);
}

/* The Laplacian plus a random symmetric matrix of norm `size`. */
static inline Example example_perturbed(const Example *e, double size, uint64_t seed)
{
  const PetscInt n = e->n;
  Example p        = {.n = n, .n_edges = e->n_edges};
  double norm      = 0;
  p.laplacian      = malloc((size_t)(n * n) * sizeof *p.laplacian);
  p.all            = malloc((size_t)n * sizeof *p.all);
  p.from           = malloc((size_t)e->n_edges * sizeof *p.from);
  p.to             = malloc((size_t)e->n_edges * sizeof *p.to);
  memcpy(p.from, e->from, (size_t)e->n_edges * sizeof *p.from);
  memcpy(p.to, e->to, (size_t)e->n_edges * sizeof *p.to);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt j = 0; j <= i; j++) {
      double normal[2];
      SpanRandomNormal(seed, SPAN_RANDOM_TEST, 3, (uint64_t)(i * n + j), normal);
      p.laplacian[i * n + j] = p.laplacian[j * n + i] = normal[0];
    }
  for (PetscInt i = 0; i < n * n; i++) norm += pow(p.laplacian[i], 2);
  for (PetscInt i = 0; i < n * n; i++) p.laplacian[i] = e->laplacian[i] + size / sqrt(norm) * p.laplacian[i];
  example_eigenpairs(&p, e->d);
  return p;
}

/* |L - L'|_F */
static inline double example_change(const Example *a, const Example *b)
{
  double square = 0;
  for (PetscInt i = 0; i < a->n * a->n; i++) square += pow(a->laplacian[i] - b->laplacian[i], 2);
  return sqrt(square);
}

/* A small network ------------------------------------------------------------------------------------------------- */

typedef struct {
  SpanTape tape;
  SpanGraphNetwork network;
  PetscInt d, width, psis;
} Net;

static inline void net_open(Net *net, SpanEncodingKind kind, SpanPsi psi, PetscInt d)
{
  const SpanGraphNetworkConfig config = {.features   = 1,
                                         .encoding   = {.kind = kind,
                                                        .d    = d,
                                                        .spe  = {.psis       = 4,
                                                                 .psi        = psi,
                                                                 .psi_layers = 3,
                                                                 .psi_hidden = 8,
                                                                 .phi_layers = 3,
                                                                 .phi_hidden = 16,
                                                                 .mlp_layers = 3,
                                                                 .width      = 5}},
                                         .layers     = 1,
                                         .hidden     = 8,
                                         .mlp_layers = 2,
                                         .targets    = 1};
  check(SpanTapeCreate(&net->tape));
  check(SpanGraphNetworkCreate(net->tape, &config, 3, &net->network));
  net->d     = d;
  net->psis  = config.encoding.spe.psis;
  net->width = SpanEncodingWidth(&config.encoding);
}

static inline void net_close(Net *net)
{
  check(SpanGraphNetworkDestroy(&net->network));
  check(SpanTapeDestroy(&net->tape));
}

static inline void net_batch(const Net *net, const Example *e, PetscInt n_columns, const PetscInt columns[],
                             SpanGraphBatch *batch)
{
  const SpanGraphPart part = {.graph       = {.n_nodes = e->n, .n_edges = e->n_edges, .from = e->from, .to = e->to},
                              .n_vectors   = PetscMin(net->d, e->n),
                              .eigenvalues = e->values,
                              .vectors     = e->vectors,
                              .n_columns   = n_columns,
                              .columns     = columns};
  check(SpanGraphNetworkBatch(net->tape, net->network, 1, &part, batch));
}

/* (n, width), by n_columns columns, or, NULL, all. */
static inline float *net_encode(const Net *net, const Example *e, PetscInt n_columns, const PetscInt columns[])
{
  SpanGraphBatch batch;
  SpanTensor y;
  net_batch(net, e, n_columns, columns, &batch);
  check(SpanEncodingApply(net->tape, SpanGraphNetworkEncoding(net->network), &batch, PETSC_FALSE, &y));
  assert_int_equal(y->size, e->n * net->width);
  float *copy = malloc(SpanTensorBytes(y));
  memcpy(copy, y->data, SpanTensorBytes(y));
  check(SpanTensorDestroy(&y));
  check(SpanGraphBatchDestroy(&batch));
  return copy;
}

/* (n, n, psis): V diag(psi_l(lambda)) V' */
static inline float *net_products(const Net *net, const Example *e)
{
  SpanGraphBatch batch;
  SpanTensor z, y;
  net_batch(net, e, 0, NULL, &batch);
  check(SpanSPEPsi(net->tape, SpanEncodingSPE(SpanGraphNetworkEncoding(net->network)), &batch, PETSC_FALSE, &z));
  check(SpanSpectralProduct(net->tape, z, batch.vectors, batch.column_vectors, batch.pairs, &y));
  float *copy = malloc(SpanTensorBytes(y));
  memcpy(copy, y->data, SpanTensorBytes(y));
  check(SpanTensorDestroy(&z));
  check(SpanTensorDestroy(&y));
  check(SpanGraphBatchDestroy(&batch));
  return copy;
}

/* The sums over l of psi_l's Lipschitz constants and of its largest values, on a fine grid of [-0.2, 2.2]. */
static inline void net_lipschitz(const Net *net, double *slope, double *largest)
{
  enum { points = 20001 };
  const double step = 2.4 / (points - 1);
  float *values = malloc(points * sizeof *values), *none = calloc(points, sizeof *none);
  for (int i = 0; i < points; i++) values[i] = (float)(-0.2 + step * i);
  const SpanGraphPart part = {.graph = {.n_nodes = 1}, .n_vectors = points, .eigenvalues = values, .vectors = none};
  SpanGraphBatch batch;
  SpanTensor z;
  check(SpanGraphBatchCreate(SpanTapeArena(net->tape), points, SPAN_COLUMNS_NONE, 1, 0, 1, &part, &batch));
  check(SpanSPEPsi(net->tape, SpanEncodingSPE(SpanGraphNetworkEncoding(net->network)), &batch, PETSC_FALSE, &z));
  *slope = *largest = 0;
  for (PetscInt l = 0; l < net->psis; l++) {
    double steep = 0, most = 0;
    const float *psi = SpanTensorFloats(z) + l;
    for (int i = 0; i < points; i++) {
      most = fmax(most, fabs((double)psi[i * net->psis]));
      if (i >= 20) /* over 20 steps, which rounding does not blur */
        steep = fmax(steep, fabs((double)psi[i * net->psis] - (double)psi[(i - 20) * net->psis]) / (20 * step));
    }
    *slope += steep;
    *largest += most;
  }
  check(SpanTensorDestroy(&z));
  check(SpanGraphBatchDestroy(&batch));
  free(values);
  free(none);
}
