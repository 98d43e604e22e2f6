/* ESPIRiT coil maps.

   1. The calibration matrix holds every kernel-sized patch of the calibration region, all coils; V spans its row space
      (eigenvectors of the Gram matrix, by LAPACK).
   2. R_cd(l) = sum_p (V V')[(c, p + l), (d, p)]: the kernels' correlations at lags l, (2 kernel - 1)^2 of them.
   3. G_cd(r) = 1/kernel^2 sum_l R_cd(l) exp(2 pi i l.r / n): the operator at pixel r, n_coils x n_coils, Hermitian,
      eigenvalues in [0, 1]. Two short sums, a segment of a row at a time, so that G is never held for more.
   4. Its leading eigenvectors by orthogonal iteration, a segment of pixels at a time. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/operators/imaging/espirit.h>
#include <subspan/operators/imaging/hermitian.h>
#include <string.h>

/* Pixels are taken `segment` at a time, so that their operators stay in the first cache. */
enum { iterations = 20, segment = 64 };

SpanEspiritOptions SpanEspiritDefaults(void)
{
  return (SpanEspiritOptions){.kernel = 6, .threshold = 0.001, .crop = 0.8, .n_sets = 1};
}

static PetscBool Covered(PetscInt ny, PetscInt nx, const float *mask, PetscInt cy, PetscInt cx)
{
  for (PetscInt y = ny / 2 - cy / 2; y < ny / 2 - cy / 2 + cy; y++)
    for (PetscInt x = nx / 2 - cx / 2; x < nx / 2 - cx / 2 + cx; x++)
      if (mask[y * nx + x] == 0) return PETSC_FALSE;
  return PETSC_TRUE;
}

void SpanEspiritCalibrationSize(PetscInt ny, PetscInt nx, const float *mask, PetscInt limit, PetscInt *cy, PetscInt *cx)
{
  PetscInt best = 0;
  *cy = *cx = 0;
  for (PetscInt h = 1; h <= PetscMin(limit, ny); h++) {
    PetscInt w = PetscMin(limit, nx);
    while (w > 0 && !Covered(ny, nx, mask, h, w)) w--;
    if (h * w > best) {
      best = h * w;
      *cy  = h;
      *cx  = w;
    }
  }
}

/* The projector V V' onto the row space, column-major n x n, n = n_coils kernel^2, index (coil, py, px). */
static PetscErrorCode RowSpace(const SpanEspiritOptions *o, PetscInt n_coils, PetscInt cy, PetscInt cx,
                               const float complex *calibration, float complex **projector)
{
  PetscInt k = o->kernel, patches = (cy - k + 1) * (cx - k + 1);
  int n = (int)(n_coils * k * k), m = (int)patches, rank = 0;
  float *values;
  float complex *a, *gram;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3((size_t)n * m, &a, (size_t)n * n, &gram, n, &values));
  for (PetscInt y = 0; y + k <= cy; y++)
    for (PetscInt x = 0; x + k <= cx; x++)
      for (PetscInt c = 0; c < n_coils; c++)
        for (PetscInt py = 0; py < k; py++)
          memcpy(a + (y * (cx - k + 1) + x) * n + (c * k + py) * k, calibration + (c * cy + y + py) * cx + x,
                 (size_t)k * sizeof *a);
  SpanHermitianProduct(n, m, a, gram);
  PetscCall(SpanHermitianEigen(n, gram, values));
  SpanCheckInput(PETSC_COMM_SELF, values[n - 1] > 0,
                 "coil maps: the calibration region (%" PetscInt_FMT " x %" PetscInt_FMT ") holds no signal", cy, cx);
  while (rank < n && values[n - 1 - rank] > o->threshold * values[n - 1]) rank++;
  PetscCall(PetscMalloc1((size_t)n * n, projector));
  SpanHermitianProduct(n, rank, gram + (size_t)(n - rank) * n, *projector);
  for (int j = 0; j < n; j++)
    for (int i = 0; i < j; i++) (*projector)[(size_t)j * n + i] = conjf((*projector)[(size_t)i * n + j]);
  PetscCall(PetscFree3(a, gram, values));
  PetscFunctionReturn(0);
}

/* correlations: (pair c <= d, lag y, lag x), lags from -(k - 1) to k - 1, with the 1/k^2 of step 3. */
static void Correlations(PetscInt n_coils, PetscInt k, const float complex *projector, float complex *correlations)
{
  PetscInt n = n_coils * k * k, lags = 2 * k - 1, pair = 0;
  for (PetscInt c = 0; c < n_coils; c++)
    for (PetscInt d = c; d < n_coils; d++, pair++)
      for (PetscInt ly = -(k - 1); ly < k; ly++)
        for (PetscInt lx = -(k - 1); lx < k; lx++) {
          float complex sum = 0;
          for (PetscInt py = PetscMax(0, -ly); py < PetscMin(k, k - ly); py++)
            for (PetscInt px = PetscMax(0, -lx); px < PetscMin(k, k - lx); px++)
              sum += projector[((d * k + py) * k + px) * n + (c * k + py + ly) * k + px + lx];
          correlations[(pair * lags + ly + k - 1) * lags + lx + k - 1] = sum / (float)(k * k);
        }
}

/* exp(2 pi i l (r - n/2) / n) for all pixels r and lags l: (lags, n). */
static PetscErrorCode Phases(PetscInt n, PetscInt k, float complex **phases)
{
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1((2 * k - 1) * n, phases));
  for (PetscInt l = -(k - 1); l < k; l++)
    for (PetscInt r = 0; r < n; r++)
      (*phases)[(l + k - 1) * n + r] = (float complex)cexp(2 * M_PI * I * (double)(l * (r - n / 2)) / (double)n);
  PetscFunctionReturn(0);
}

/* The dominant eigenvector of the coils' covariance: the phase reference of the maps. */
static PetscErrorCode PrincipalCoil(PetscInt n_coils, PetscInt samples, const float complex *calibration,
                                    float complex *principal)
{
  int n = (int)n_coils;
  float *values;
  float complex *covariance, *columns;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc3(n * n, &covariance, n * samples, &columns, n, &values));
  for (PetscInt c = 0; c < n_coils; c++)
    for (PetscInt i = 0; i < samples; i++) columns[i * n_coils + c] = calibration[c * samples + i];
  SpanHermitianProduct(n, (int)samples, columns, covariance);
  PetscCall(SpanHermitianEigen(n, covariance, values));
  memcpy(principal, covariance + (size_t)(n - 1) * (size_t)n, (size_t)n * sizeof *principal);
  PetscCall(PetscFree3(covariance, columns, values));
  PetscFunctionReturn(0);
}

typedef struct {
  PetscInt n_coils, k, nx, n_sets;
  PetscReal crop;
  const float complex *correlations, *phases_y, *phases_x, *principal;
} MapContext;

/* Split real and imaginary planes of a segment of a row: g (pairs, width), v (sets, coils, width), w (coils, width). */
typedef struct {
  PetscInt first, width; /* pixels */
  float *g_re, *g_im, *v_re, *v_im, *w_re, *w_im, *norm, *dot_re, *dot_im;
} SegmentWork;

static void SegmentOperator(const MapContext *c, PetscInt y, PetscInt ny, SegmentWork *w)
{
  PetscInt lags = 2 * c->k - 1, nx = w->width, pairs = c->n_coils * (c->n_coils + 1) / 2;
  for (PetscInt pair = 0; pair < pairs; pair++) {
    float *restrict re = w->g_re + pair * nx, *restrict im = w->g_im + pair * nx;
    memset(re, 0, (size_t)nx * sizeof *re);
    memset(im, 0, (size_t)nx * sizeof *im);
    for (PetscInt lx = 0; lx < lags; lx++) {
      float complex t = 0;
      for (PetscInt ly = 0; ly < lags; ly++)
        t += c->correlations[(pair * lags + ly) * lags + lx] * c->phases_y[ly * ny + y];
      const float *restrict phase = (const float *)(c->phases_x + lx * c->nx + w->first);
      float tr = crealf(t), ti = cimagf(t);
      for (PetscInt x = 0; x < nx; x++) {
        re[x] += tr * phase[2 * x] - ti * phase[2 * x + 1];
        im[x] += tr * phase[2 * x + 1] + ti * phase[2 * x];
      }
    }
  }
}

/* w = G v for one set. */
static void SegmentMultiply(const MapContext *c, SegmentWork *w, PetscInt set)
{
  PetscInt nx = w->width, n = c->n_coils, pair = 0;
  memset(w->w_re, 0, (size_t)(n * nx) * sizeof *w->w_re);
  memset(w->w_im, 0, (size_t)(n * nx) * sizeof *w->w_im);
  for (PetscInt a = 0; a < n; a++)
    for (PetscInt b = a; b < n; b++, pair++) {
      const float *restrict gr = w->g_re + pair * nx, *restrict gi = w->g_im + pair * nx;
      const float *restrict ar = w->v_re + (set * n + a) * nx, *restrict ai = w->v_im + (set * n + a) * nx;
      const float *restrict br = w->v_re + (set * n + b) * nx, *restrict bi = w->v_im + (set * n + b) * nx;
      float *restrict oar = w->w_re + a * nx, *restrict oai = w->w_im + a * nx;
      float *restrict obr = w->w_re + b * nx, *restrict obi = w->w_im + b * nx;
      if (a == b) {
        for (PetscInt x = 0; x < nx; x++) {
          oar[x] += gr[x] * ar[x];
          oai[x] += gr[x] * ai[x];
        }
        continue;
      }
      for (PetscInt x = 0; x < nx; x++) {
        oar[x] += gr[x] * br[x] - gi[x] * bi[x];
        oai[x] += gr[x] * bi[x] + gi[x] * br[x];
        obr[x] += gr[x] * ar[x] + gi[x] * ai[x];
        obi[x] += gr[x] * ai[x] - gi[x] * ar[x];
      }
    }
}

/* v_set = w made orthogonal to the earlier sets, of unit norm; norm = |w| before. */
static void SegmentOrthonormalise(const MapContext *c, SegmentWork *w, PetscInt set)
{
  PetscInt nx = w->width, n = c->n_coils;
  for (PetscInt e = 0; e < set; e++) {
    const float *vr = w->v_re + e * n * nx, *vi = w->v_im + e * n * nx;
    memset(w->dot_re, 0, (size_t)nx * sizeof *w->dot_re);
    memset(w->dot_im, 0, (size_t)nx * sizeof *w->dot_im);
    for (PetscInt i = 0; i < n; i++)
      for (PetscInt x = 0; x < nx; x++) {
        w->dot_re[x] += vr[i * nx + x] * w->w_re[i * nx + x] + vi[i * nx + x] * w->w_im[i * nx + x];
        w->dot_im[x] += vr[i * nx + x] * w->w_im[i * nx + x] - vi[i * nx + x] * w->w_re[i * nx + x];
      }
    for (PetscInt i = 0; i < n; i++)
      for (PetscInt x = 0; x < nx; x++) {
        w->w_re[i * nx + x] -= vr[i * nx + x] * w->dot_re[x] - vi[i * nx + x] * w->dot_im[x];
        w->w_im[i * nx + x] -= vr[i * nx + x] * w->dot_im[x] + vi[i * nx + x] * w->dot_re[x];
      }
  }
  memset(w->norm, 0, (size_t)nx * sizeof *w->norm);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt x = 0; x < nx; x++)
      w->norm[x] += w->w_re[i * nx + x] * w->w_re[i * nx + x] + w->w_im[i * nx + x] * w->w_im[i * nx + x];
  for (PetscInt x = 0; x < nx; x++) w->norm[x] = sqrtf(w->norm[x]);
  for (PetscInt i = 0; i < n; i++)
    for (PetscInt x = 0; x < nx; x++) {
      float scale                     = w->norm[x] > 0 ? 1 / w->norm[x] : 0;
      w->v_re[(set * n + i) * nx + x] = scale * w->w_re[i * nx + x];
      w->v_im[(set * n + i) * nx + x] = scale * w->w_im[i * nx + x];
    }
}

static void SegmentStart(const MapContext *c, SegmentWork *w)
{
  for (PetscInt set = 0; set < c->n_sets; set++)
    for (PetscInt i = 0; i < c->n_coils; i++)
      for (PetscInt x = 0; x < w->width; x++) {
        /* Any start that is not orthogonal to the eigenvector; sets start apart. */
        w->v_re[(set * c->n_coils + i) * w->width + x] = i % (set + 1) == set ? 1.f : 0.3f;
        w->v_im[(set * c->n_coils + i) * w->width + x] = 0.1f * (float)(i % 3);
      }
}

/* Turns each map's phase to the principal coil's, crops by the eigenvalue, and stores it. */
static void SegmentStore(const MapContext *c, const SegmentWork *w, PetscInt set, PetscInt row, PetscInt n_rows,
                         const float *values, float complex *maps)
{
  PetscInt nx = w->width, n = c->n_coils;
  for (PetscInt x = 0; x < nx; x++) {
    float complex turn = 0;
    for (PetscInt i = 0; i < n; i++) {
      PetscInt at = (set * n + i) * nx + x;
      turn += (w->v_re[at] - I * w->v_im[at]) * c->principal[i];
    }
    float size = cabsf(turn);
    turn       = values[x] < c->crop ? 0 : size > 0 ? turn / size : 1;
    for (PetscInt i = 0; i < n; i++) {
      PetscInt at                                                 = (set * n + i) * nx + x;
      maps[((set * n + i) * n_rows + row) * c->nx + w->first + x] = (w->v_re[at] + I * w->v_im[at]) * turn;
    }
  }
}

static void Segment(const MapContext *c, PetscInt y, PetscInt ny, PetscInt row, PetscInt n_rows, SegmentWork *w,
                    float *values, float complex *maps, float *eigenvalues)
{
  SegmentOperator(c, y, ny, w);
  SegmentStart(c, w);
  for (int iteration = 0; iteration < iterations; iteration++)
    for (PetscInt set = 0; set < c->n_sets; set++) {
      SegmentMultiply(c, w, set);
      SegmentOrthonormalise(c, w, set);
      if (iteration == iterations - 1) memcpy(values + set * w->width, w->norm, (size_t)w->width * sizeof *values);
    }
  for (PetscInt set = 0; set < c->n_sets; set++) {
    SegmentStore(c, w, set, row, n_rows, values + set * w->width, maps);
    if (eigenvalues)
      memcpy(eigenvalues + (set * n_rows + row) * c->nx + w->first, values + set * w->width,
             (size_t)w->width * sizeof *values);
  }
}

static PetscErrorCode Rows(const MapContext *c, PetscInt ny, PetscInt first_row, PetscInt n_rows, float complex *maps,
                           float *eigenvalues)
{
  PetscInt pairs = c->n_coils * (c->n_coils + 1) / 2, n = c->n_coils, segments = (c->nx + segment - 1) / segment,
           nx   = PetscMin(segment, c->nx);
  size_t floats = (size_t)nx * (size_t)(2 * pairs + 2 * c->n_sets * n + 2 * n + 3 + c->n_sets);
  int failed    = 0;
  PetscFunctionBeginUser;
#pragma omp parallel reduction(| : failed)
  {
    float *p = malloc(floats * sizeof *p), *memory = p;
    failed = !p;
    if (p) {
      SegmentWork w = {.g_re = p};
      w.g_im = w.g_re + pairs * nx, w.v_re = w.g_im + pairs * nx, w.v_im = w.v_re + c->n_sets * n * nx;
      w.w_re = w.v_im + c->n_sets * n * nx, w.w_im = w.w_re + n * nx, w.norm = w.w_im + n * nx;
      w.dot_re = w.norm + nx, w.dot_im = w.dot_re + nx;
      float *values = w.dot_im + nx;
#pragma omp for schedule(dynamic, 16)
      for (PetscInt i = 0; i < n_rows * segments; i++) {
        PetscInt row = i / segments;
        w.first      = i % segments * segment;
        w.width      = PetscMin(segment, c->nx - w.first);
        Segment(c, first_row + row, ny, row, n_rows, &w, values, maps, eigenvalues);
      }
      free(memory);
    }
  }
  PetscCheck(!failed, PETSC_COMM_SELF, PETSC_ERR_MEM, "no memory for a row of coil maps (%zu bytes)",
             floats * sizeof(float));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEspirit(const SpanEspiritOptions *o, PetscInt n_coils, PetscInt cy, PetscInt cx,
                           const float complex *calibration, PetscInt ny, PetscInt nx, PetscInt first_row,
                           PetscInt n_rows, float complex *maps, float *eigenvalues)
{
  PetscInt lags = 2 * o->kernel - 1, pairs = n_coils * (n_coils + 1) / 2;
  float complex *projector, *correlations, *phases_y, *phases_x, *principal;
  PetscFunctionBeginUser;
  PetscCall(PetscLogEventBegin(SpanEventEspirit, 0, 0, 0, 0));
  SpanCheckInput(PETSC_COMM_SELF, cy >= o->kernel && cx >= o->kernel,
                 "coil maps: the fully sampled centre of k-space is %" PetscInt_FMT " x %" PetscInt_FMT
                 ", at least %" PetscInt_FMT " x %" PetscInt_FMT " is needed; give --maps FILE",
                 cy, cx, o->kernel, o->kernel);
  PetscCall(RowSpace(o, n_coils, cy, cx, calibration, &projector));
  PetscCall(PetscMalloc2(pairs * lags * lags, &correlations, n_coils, &principal));
  Correlations(n_coils, o->kernel, projector, correlations);
  PetscCall(PetscFree(projector));
  PetscCall(Phases(ny, o->kernel, &phases_y));
  PetscCall(Phases(nx, o->kernel, &phases_x));
  PetscCall(PrincipalCoil(n_coils, cy * cx, calibration, principal));
  MapContext c = {.n_coils      = n_coils,
                  .k            = o->kernel,
                  .nx           = nx,
                  .n_sets       = o->n_sets,
                  .crop         = o->crop,
                  .correlations = correlations,
                  .phases_y     = phases_y,
                  .phases_x     = phases_x,
                  .principal    = principal};
  PetscCall(Rows(&c, ny, first_row, n_rows, maps, eigenvalues));
  PetscCall(PetscFree2(correlations, principal));
  PetscCall(PetscFree(phases_y));
  PetscCall(PetscFree(phases_x));
  PetscCall(PetscLogEventEnd(SpanEventEspirit, 0, 0, 0, 0));
  PetscFunctionReturn(0);
}
