/* With the moments known it is y = activation(a x + b), one a and b a channel; backward takes the sums of dz and of
   dz (x - mean), where dz = dy activation'(a x + b) is computed again for dx rather than stored. */
#include <subspan/operators/tensor/activation_rows.h>
#include <subspan/operators/tensor/columns.h>
#include <subspan/operators/tensor/reference.h>
#include <subspan/operators/tensor/rows.h>

enum { A, B, MEAN, D, E, n_coefficients };

typedef struct {
  SpanTensor x, dy, out;
  const float *coefficients; /* (n_coefficients, channels); MEAN is a pivot in the forward pass */
  PetscInt64 channels;
  SpanActivation activation;
} Context;

/* sums: (2, channels) of d and d^2, d = x - pivot: rounding does not grow with the mean. */
static void Moments(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  const float *pivot = k->coefficients + MEAN * c;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) {
      const float d = row[i] - pivot[i];
      sums[i] += d;
      sums[c + i] += d * d;
    }
  }
}

static void Map(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  const float *a = k->coefficients + A * c, *b = k->coefficients + B * c;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work);
    float *to        = SpanRowTarget(k->out, r * c, work + c);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] = row[i] * a[i] + b[i];
    SpanActivateRow(k->activation, c, to, to);
    SpanRowWrite(k->out, r * c, c, to);
  }
}

/* dz of row r: dy itself, or in `z`. */
static const float *Inner(const Context *k, const float *row, const float *dy, float *z)
{
  const PetscInt64 c = k->channels;
  const float *a = k->coefficients + A * c, *b = k->coefficients + B * c;
  if (k->activation == SPAN_IDENTITY) return dy;
#pragma omp simd
  for (PetscInt64 i = 0; i < c; i++) z[i] = row[i] * a[i] + b[i];
  SpanActivateBackRow(k->activation, c, z, dy, z);
  return z;
}

/* sums: (2, channels) of dz and dz (x - mean). */
static void BackwardSums(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  const float *mean  = k->coefficients + MEAN * c;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work), *dy = SpanRowRead(k->dy, r * c, c, work + c);
    const float *dz = Inner(k, row, dy, work + 2 * c);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) {
      sums[i] += dz[i];
      sums[c + i] += dz[i] * (row[i] - mean[i]);
    }
  }
}

/* dx = a dz + d (x - mean) + e. */
static void BackwardMap(const void *context, PetscInt64 first, PetscInt64 n, float *sums, float *work)
{
  const Context *k   = context;
  const PetscInt64 c = k->channels;
  const float *a = k->coefficients + A * c, *mean = k->coefficients + MEAN * c, *d = k->coefficients + D * c,
              *e = k->coefficients + E * c;
  (void)sums;
  for (PetscInt64 r = first; r < first + n; r++) {
    const float *row = SpanRowRead(k->x, r * c, c, work), *dy = SpanRowRead(k->dy, r * c, c, work + c);
    const float *dz = Inner(k, row, dy, work + 2 * c);
    float *to       = SpanRowTarget(k->out, r * c, work + 3 * c);
#pragma omp simd
    for (PetscInt64 i = 0; i < c; i++) to[i] = a[i] * dz[i] + d[i] * (row[i] - mean[i]) + e[i];
    SpanRowWrite(k->out, r * c, c, to);
  }
}

/* From the moments (mean, 1 / deviation) of `statistics`. */
static void Coefficients(PetscInt64 c, const float *statistics, const float *weight, const float *bias, float *to)
{
  for (PetscInt64 i = 0; i < c; i++) {
    to[A * c + i]    = weight[i] * statistics[c + i];
    to[B * c + i]    = bias[i] - statistics[i] * weight[i] * statistics[c + i];
    to[MEAN * c + i] = statistics[i];
  }
}

static PetscErrorCode AccumulateVector(SpanTape tape, SpanTensor parameter, const double *values)
{
  SpanTensor gradient;
  PetscFunctionBeginUser;
  if (!parameter->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, parameter->shape, &gradient));
  for (PetscInt64 i = 0; i < parameter->size; i++) SpanTensorFloats(gradient)[i] = (float)values[i];
  PetscCall(SpanTensorAccumulate(parameter, &gradient));
  PetscFunctionReturn(0);
}

/* values: n numbers, summed over the ranks that share the batch. */
static PetscErrorCode TeamSum(SpanTape tape, PetscInt64 n, double values[])
{
  int ranks;
  PetscFunctionBeginUser;
  PetscCallMPI(MPI_Comm_size(SpanTapeTeam(tape), &ranks));
  if (ranks > 1) PetscCallMPI(MPI_Allreduce(MPI_IN_PLACE, values, (int)n, MPI_DOUBLE, MPI_SUM, SpanTapeTeam(tape)));
  PetscFunctionReturn(0);
}

static PetscErrorCode Backward(SpanTape tape, SpanNode node)
{
  SpanTensor x = node->inputs[0], weight = node->inputs[1], bias = node->inputs[2], dx;
  const PetscInt64 c = weight->size, rows = x->size / c;
  const float *statistics  = SpanTensorFloats(node->saved[0]);
  const PetscBool training = (PetscBool)node->with.integer[1];
  double *sums, *all; /* all: over the team, and the rows */
  float *coefficients;

  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(2 * c) * sizeof *sums, &sums));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(2 * c + 1) * sizeof *all, &all));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(n_coefficients * c) * sizeof *coefficients, &coefficients));
  Coefficients(c, statistics, SpanTensorFloats(weight), SpanTensorFloats(bias), coefficients);
  Context context = {x, node->output->gradient, NULL, coefficients, c, (SpanActivation)node->with.integer[0]};
  PetscCall(SpanColumnSums(SpanTapeArena(tape), rows, c, 2, BackwardSums, &context, 3 * c, sums));
  PetscCall(PetscArraycpy(all, sums, 2 * c));
  all[2 * c] = (double)rows;
  if (training) PetscCall(TeamSum(tape, 2 * c + 1, all));
  for (PetscInt64 i = 0; i < c; i++) {
    const double inverse = statistics[c + i], a = coefficients[A * c + i];
    coefficients[D * c + i] = training ? (float)(-a * inverse * inverse * all[c + i] / all[2 * c]) : 0;
    coefficients[E * c + i] = training ? (float)(-a * all[i] / all[2 * c]) : 0;
    sums[c + i] *= inverse;
  }
  PetscCall(AccumulateVector(tape, bias, sums));
  PetscCall(AccumulateVector(tape, weight, sums + c));
  if (x->differentiable) {
    PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, &dx));
    context.out = dx;
    PetscCall(SpanColumnSums(SpanTapeArena(tape), rows, c, 0, BackwardMap, &context, 4 * c, NULL));
    PetscCall(SpanTensorAccumulate(x, &dx));
  }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), coefficients));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), all));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  PetscFunctionReturn(0);
}

/* The rank's mean and variance of each channel become those of the whole team, N rows:
     mean = sum n_r mean_r / N,  variance = sum n_r (variance_r + (mean_r - mean)^2) / N. */
static PetscErrorCode TeamMoments(SpanTape tape, PetscInt64 c, double *mean, double *variance, double *rows)
{
  const double own = *rows;
  double *sums;
  PetscFunctionBeginUser;
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(c + 1) * sizeof *sums, &sums));
  for (PetscInt64 i = 0; i < c; i++) sums[i] = own * mean[i];
  sums[c] = own;
  PetscCall(TeamSum(tape, c + 1, sums));
  *rows = sums[c];
  for (PetscInt64 i = 0; i < c; i++) {
    const double all = sums[i] / *rows;
    sums[i]          = own * (variance[i] + PetscSqr(mean[i] - all));
    mean[i]          = all;
  }
  PetscCall(TeamSum(tape, c, sums));
  for (PetscInt64 i = 0; i < c; i++) variance[i] = sums[i] / *rows;
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  PetscFunctionReturn(0);
}

/* statistics: (2, channels), mean and 1 / sqrt(variance + eps) of the batch; moves the running ones. */
static PetscErrorCode BatchStatistics(SpanTape tape, SpanTensor x, SpanTensor mean, SpanTensor variance,
                                      double momentum, double eps, float *coefficients, float *statistics)
{
  const PetscInt64 c    = mean->size;
  const Context context = {x, NULL, NULL, coefficients, c, SPAN_IDENTITY};
  float *pivot          = coefficients + MEAN * c;
  double *sums, rows = (double)(x->size / c);
  PetscFunctionBeginUser;
  if (x->type == SPAN_FLOAT32)
    PetscCall(PetscArraycpy(pivot, SpanTensorFloats(x), c));
  else
    SpanFromBfloat((const uint16_t *)x->data, c, pivot);
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(2 * c) * sizeof *sums, &sums));
  PetscCall(SpanColumnSums(SpanTapeArena(tape), x->size / c, c, 2, Moments, &context, c, sums));
  for (PetscInt64 i = 0; i < c; i++) {
    const double shift = sums[i] / rows;
    sums[i]            = pivot[i] + shift;
    sums[c + i]        = PetscMax(sums[c + i] / rows - shift * shift, 0);
  }
  PetscCall(TeamMoments(tape, c, sums, sums + c, &rows));
  PetscCheck(rows > 1, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "batch norm: %g rows in training; must be 2 or more", rows);
  for (PetscInt64 i = 0; i < c; i++) {
    const double m = sums[i], v = sums[c + i];
    statistics[i]     = (float)m;
    statistics[c + i] = (float)(1 / sqrt(v + eps));
    float *running[2] = {SpanTensorFloats(mean) + i, SpanTensorFloats(variance) + i};
    *running[0]       = (float)((1 - momentum) * *running[0] + momentum * m);
    *running[1]       = (float)((1 - momentum) * *running[1] + momentum * v * rows / (rows - 1));
  }
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), sums));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanBatchNorm(SpanTape tape, SpanTensor x, SpanTensor weight, SpanTensor bias, SpanTensor mean,
                             SpanTensor variance, double momentum, double eps, PetscBool training,
                             SpanActivation activation, SpanTensor *y)
{
  SpanNode node;
  SpanTensor saved;
  float *coefficients;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCheckVector("batch norm's weight", x, weight));
  PetscCall(SpanTensorCheckVector("batch norm's bias", x, bias));
  PetscCall(SpanTensorCheckVector("batch norm's mean", x, mean));
  PetscCall(SpanTensorCheckVector("batch norm's variance", x, variance));
  const PetscInt64 c = weight->size, dims[2] = {2, c};
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 2, dims, &saved));
  PetscCall(SpanArenaGet(SpanTapeArena(tape), (size_t)(n_coefficients * c) * sizeof *coefficients, &coefficients));
  float *statistics = SpanTensorFloats(saved);
  if (training)
    PetscCall(BatchStatistics(tape, x, mean, variance, momentum, eps, coefficients, statistics));
  else
    for (PetscInt64 i = 0; i < c; i++) {
      statistics[i]     = SpanTensorFloats(mean)[i];
      statistics[c + i] = (float)(1 / sqrt(SpanTensorFloats(variance)[i] + eps));
    }
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, x->n_dims, x->shape, y));
  Coefficients(c, statistics, SpanTensorFloats(weight), SpanTensorFloats(bias), coefficients);
  const Context context = {x, NULL, *y, coefficients, c, activation};
  PetscCall(SpanColumnSums(SpanTapeArena(tape), x->size / PetscMax(c, 1), c, 0, Map, &context, 2 * c, NULL));
  PetscCall(SpanArenaReturn(SpanTapeArena(tape), coefficients));
  PetscCall(SpanTapeRecord(tape, Backward, 3, (SpanTensor[3]){x, weight, bias}, 7, *y, &node));
  if (node) {
    node->saved[0]        = saved;
    node->with.integer[0] = activation;
    node->with.integer[1] = training;
  } else
    PetscCall(SpanTensorDestroy(&saved));
  PetscFunctionReturn(0);
}

void SpanBatchNormReference(PetscInt64 rows, PetscInt64 c, const float *x, const float *weight, const float *bias,
                            const float *mean, const float *variance, double eps, SpanActivation activation, float *y)
{
  for (PetscInt64 i = 0; i < c; i++) {
    double m = mean ? mean[i] : 0, v = variance ? variance[i] : 0;
    for (PetscInt64 r = 0; !mean && r < rows; r++) m += x[r * c + i] / (double)rows;
    for (PetscInt64 r = 0; !variance && r < rows; r++) v += PetscSqr(x[r * c + i] - m) / (double)rows;
    for (PetscInt64 r = 0; r < rows; r++)
      y[r * c + i] =
          (float)SpanActivationReference(activation, (x[r * c + i] - m) / sqrt(v + eps) * weight[i] + bias[i]);
  }
}
