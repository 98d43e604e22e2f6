/* What SPE promises, by test: nodes renumbered renumber the encoding; signs and rotations inside eigenspaces change
   nothing; a change of the Laplacian changes the encoding by no more than the theorem says, where projections onto
   eigenspaces, a hard partition, jump. And that columns in blocks, or a sample of them, add up to the whole. */
#include "spe.h"

static void permutations(void **state)
{
  for (int kind = 1; kind <= SPAN_ENCODING_HEAT; kind++) {
    Net net;
    net_open(&net, (SpanEncodingKind)kind, SPAN_PSI_DEEPSETS, 10);
    Example plain = example_random(14, 0.25, 3), turned = example_permuted(&plain);
    example_vectors(&plain, (SpanEncodingKind)kind, net.d);
    example_vectors(&turned, (SpanEncodingKind)kind, net.d);
    if (kind == SPAN_ENCODING_EIGENVECTORS) /* which come with any sign */
      for (PetscInt i = 0; i < plain.n * net.d; i++) {
        plain.vectors[i]  = fabsf(plain.vectors[i]);
        turned.vectors[i] = fabsf(turned.vectors[i]);
      }
    float *a = net_encode(&net, &plain, 0, NULL), *b = net_encode(&net, &turned, 0, NULL);
    double gap = 0, size = 0;
    for (PetscInt i = 0; i < plain.n; i++)
      for (PetscInt k = 0; k < net.width; k++) {
        gap += pow((double)a[i * net.width + k] - (double)b[turned.place[i] * net.width + k], 2);
        size += pow((double)a[i * net.width + k], 2);
      }
    assert_true(size > 0);
    within(span_encoding_names[kind], sqrt(gap / size), 1e-4);
    free(a);
    free(b);
    example_close(&plain);
    example_close(&turned);
    net_close(&net);
  }
}

/* Vectors of one eigenvalue are turned by a random rotation, the others change their sign. */
static void rotate(Example *e, PetscInt d)
{
  PetscInt spaces = 0;
  for (PetscInt k = 0; k < d && k < e->n;) {
    PetscInt size = 1;
    while (k + size < d && k + size < e->n && e->values[k + size] - e->values[k] < 1e-5f) size++;
    if (size == 1)
      for (PetscInt i = 0; i < e->n; i++) e->vectors[i * d + k] *= -1;
    for (PetscInt s = 0; s + 1 < size; s++) {
      const double angle = 1 + (double)s;
      for (PetscInt i = 0; i < e->n; i++) {
        float *v       = e->vectors + i * d + k + s;
        const double x = v[0], y = v[1];
        v[0] = (float)(cos(angle) * x - sin(angle) * y);
        v[1] = (float)(sin(angle) * x + cos(angle) * y);
      }
    }
    spaces += size > 1;
    k += size;
  }
  assert_true(spaces > 1);
}

static void bases(void **state)
{
  for (int psi = 0; psi < 2; psi++) {
    Net net;
    net_open(&net, SPAN_ENCODING_SPE, (SpanPsi)psi, 9);
    Example e = example_cycle(9); /* all but the first eigenvalue are double */
    example_vectors(&e, SPAN_ENCODING_SPE, net.d);
    float *before = net_encode(&net, &e, 0, NULL);
    rotate(&e, net.d);
    float *after = net_encode(&net, &e, 0, NULL);
    within("another basis", case_distance(e.n * net.width, after, before), 1e-5);
    free(before);
    free(after);
    example_close(&e);
    net_close(&net);
  }
}

static void signs_of_signnet(void **state)
{
  Net net;
  net_open(&net, SPAN_ENCODING_SIGNNET, SPAN_PSI_MLP, 6);
  Example e = example_random(12, 0.3, 5);
  example_vectors(&e, SPAN_ENCODING_SIGNNET, net.d);
  float *before = net_encode(&net, &e, 0, NULL);
  for (PetscInt i = 0; i < e.n; i++) e.vectors[i * net.d + 2] *= -1;
  float *after = net_encode(&net, &e, 0, NULL);
  within("another sign", case_distance(e.n * net.width, after, before), 1e-5);
  free(before);
  free(after);
  example_close(&e);
  net_close(&net);
}

/* The mean of n |block| times what blocks of columns give is the whole, and so is the mean of the estimates by one
   column each. */
static void columns(void **state)
{
  const PetscInt blocks[] = {1, 3, 5};
  Net net;
  net_open(&net, SPAN_ENCODING_SPE, SPAN_PSI_MLP, 8);
  Example e = example_random(15, 0.3, 9);
  example_vectors(&e, SPAN_ENCODING_SPE, net.d);
  float *whole = net_encode(&net, &e, 0, NULL), *sum = malloc((size_t)(e.n * net.width) * sizeof *sum);
  for (int b = 0; b < 3; b++) {
    memset(sum, 0, (size_t)(e.n * net.width) * sizeof *sum);
    for (PetscInt first = 0; first < e.n; first += blocks[b]) {
      PetscInt list[8];
      for (PetscInt j = 0; j < blocks[b]; j++) list[j] = first + j;
      float *part = net_encode(&net, &e, blocks[b], list);
      for (PetscInt i = 0; i < e.n * net.width; i++) sum[i] += part[i] * (float)blocks[b] / (float)e.n;
      free(part);
    }
    within("blocks of columns", case_distance(e.n * net.width, sum, whole), 1e-5);
  }
  free(whole);
  free(sum);
  example_close(&e);
  net_close(&net);
}

/* The numbers that phi of diagonals takes are those of the whole products; its encoding is equivariant too. */
static void diagonals(void **state)
{
  Net net;
  SpanGraphBatch batch;
  SpanTensor y;
  net_open(&net, SPAN_ENCODING_SPE, SPAN_PSI_DEEPSETS, 10);
  Example e        = example_random(14, 0.25, 3);
  const PetscInt n = e.n, m = net.psis;
  example_vectors(&e, SPAN_ENCODING_SPE, net.d);
  float *w = net_products(&net, &e), *expected = calloc((size_t)(n * 3 * m), sizeof *expected);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt l = 0; l < m; l++)
      for (PetscInt j = 0; j < n; j++) {
        const float one = w[(i * n + j) * m + l];
        if (j == i) expected[i * 3 * m + l] = one;
        expected[i * 3 * m + m + l] += one;
        expected[i * 3 * m + 2 * m + l] += one * one;
      }
  net_batch(&net, &e, 0, NULL, &batch);
  check(SpanSPEDiagonals(net.tape, SpanEncodingSPE(SpanGraphNetworkEncoding(net.network)), &batch, PETSC_FALSE, &y));
  within("diagonals", case_distance(n * 3 * m, SpanTensorFloats(y), expected), 1e-5);
  check(SpanTensorDestroy(&y));
  check(SpanGraphBatchDestroy(&batch));
  free(w);
  free(expected);
  example_close(&e);
  net_close(&net);
}

/* sum over l of |W_l - W'_l|_F, and of projections onto the spaces of equal eigenvalues in order (a hard partition). */
static double change_of_products(const Net *net, const Example *a, const Example *b)
{
  float *x = net_products(net, a), *y = net_products(net, b);
  double total = 0;
  for (PetscInt l = 0; l < net->psis; l++) {
    double square = 0;
    for (PetscInt r = 0; r < a->n * a->n; r++)
      square += pow((double)x[r * net->psis + l] - (double)y[r * net->psis + l], 2);
    total += sqrt(square);
  }
  free(x);
  free(y);
  return total;
}

static double change_of_projections(const Example *a, const Example *b, PetscInt d)
{
  double worst = 0;
  for (PetscInt k = 0; k < d; k++) {
    double square = 0;
    for (PetscInt i = 0; i < a->n; i++)
      for (PetscInt j = 0; j < a->n; j++)
        square += pow((double)a->vectors[i * d + k] * a->vectors[j * d + k] -
                          (double)b->vectors[i * d + k] * b->vectors[j * d + k],
                      2);
    worst = fmax(worst, sqrt(square));
  }
  return worst;
}

/* Theorem 3.1 with phi the identity (J = 1): with D = |L - L'|_F, psi_l Lipschitz by K_l and |psi_l| <= M_l,
     sum_l |W_l - W'_l|_F <= (a1 + a2) d^(5/4) sqrt D + (a2 d / gap + a3) D,
   a1 = 2 sum K_l, a2 = 4 sqrt(2) sum M_l, a3 = sum K_l, gap = lambda_(d+1) - lambda_d, infinite where d = n; there
   W_l = psi_l(L), and |W_l - W'_l|_F <= K_l D, which is much sharper. */
static void stability(void **state)
{
  Net net;
  net_open(&net, SPAN_ENCODING_SPE, SPAN_PSI_MLP, 12);
  double k, m;
  net_lipschitz(&net, &k, &m);
  for (int graph = 0; graph < 8; graph++)
    for (int part = 0; part < 2; part++) {
      Example a        = example_random(part ? 20 : 12, 0.25, 20 + (uint64_t)graph);
      const PetscInt d = net.d;
      example_vectors(&a, SPAN_ENCODING_SPE, d);
      const double gap = part ? a.all[d] - a.all[d - 1] : INFINITY;
      for (double size = 1e-4; size < 0.2; size *= 10) {
        Example b          = example_perturbed(&a, size, (uint64_t)graph);
        const double delta = example_change(&a, &b), change = change_of_products(&net, &a, &b);
        const double alpha1 = 2 * k, alpha2 = 4 * sqrt(2) * m * sqrt((double)d), alpha3 = k;
        const double bound =
            (alpha1 + alpha2) * pow((double)d, 1.25) * sqrt(delta) + (alpha2 * (double)d / gap + alpha3) * delta;
        assert_true(change <= bound);
        if (!part) within("change over its sharp bound", change / (k * delta), 1 + 1e-3);
        example_close(&b);
      }
      example_close(&a);
    }
  net_close(&net);
}

/* Two eigenvalues that are nearly equal change places: projections jump, SPE does not notice. */
static void hard_partition(void **state)
{
  Net net;
  net_open(&net, SPAN_ENCODING_SPE, SPAN_PSI_MLP, 9);
  Example a = example_cycle(9), b;
  example_vectors(&a, SPAN_ENCODING_SPE, net.d);
  b = example_perturbed(&a, 1e-6, 1);
  assert_true(change_of_projections(&a, &b, net.d) > 0.1);
  assert_true(change_of_products(&net, &a, &b) < 1e-4);
  example_close(&a);
  example_close(&b);
  net_close(&net);
}

TEST_MAIN(cmocka_unit_test(permutations), cmocka_unit_test(bases), cmocka_unit_test(signs_of_signnet),
          cmocka_unit_test(columns), cmocka_unit_test(diagonals), cmocka_unit_test(stability),
          cmocka_unit_test(hard_partition))
