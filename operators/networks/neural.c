/* A learned operator as a function of fields in double precision. */
#include <subspan/base/error.h>
#include <subspan/operators/networks/neural.h>
#include <math.h>

struct SpanNeural_ {
  SpanTape tape;
  SpanOperator op;
  int n_axes;
  PetscInt channels;
};

PetscErrorCode SpanNeuralLoad(MPI_Comm comm, const char path[], int n_axes, PetscInt channels, SpanNeural *neural)
{
  SpanNeural s;
  PetscFunctionBeginUser;
  PetscCall(PetscNew(&s));
  s->n_axes   = n_axes;
  s->channels = channels;
  PetscCall(SpanTapeCreate(&s->tape));
  PetscCall(SpanOperatorLoad(comm, path, s->tape, &s->op));
  const SpanFNOConfig *c = &SpanOperatorGetConfig(s->op)->fno;
  SpanCheckInput(comm, c->n_axes == n_axes && c->in_channels == channels && c->out_channels == 1,
                 "%s: an operator from %" PetscInt_FMT " channels to %" PetscInt_FMT " on %" PetscInt_FMT
                 " axes, this needs one from %" PetscInt_FMT " to 1 on %d",
                 path, c->in_channels, c->out_channels, c->n_axes, channels, n_axes);
  *neural = s;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanNeuralDestroy(SpanNeural *neural)
{
  PetscFunctionBeginUser;
  if (!*neural) PetscFunctionReturn(0);
  PetscCall(SpanOperatorDestroy(&(*neural)->op));
  PetscCall(SpanTapeDestroy(&(*neural)->tape));
  PetscCall(PetscFree(*neural));
  PetscFunctionReturn(0);
}

double SpanNeuralPointMemory(SpanNeural s)
{
  const SpanFNOConfig *c = &SpanOperatorGetConfig(s->op)->fno;
  return 24 * (double)c->hidden_channels * pow(1 + 2 * c->domain_padding, s->n_axes);
}

PetscErrorCode SpanNeuralApply(SpanNeural s, const PetscInt n[], const double *fields, double *u)
{
  PetscInt64 shape[span_tensor_max_dims] = {1}, points = 1;
  SpanTensor x, y;
  PetscFunctionBeginUser;
  for (int i = 0; i < s->n_axes; i++) {
    shape[1 + i] = n[i];
    points *= n[i];
  }
  shape[1 + s->n_axes] = s->channels;
  PetscCall(SpanTensorCreate(SpanTapeArena(s->tape), SPAN_FLOAT32, s->n_axes + 2, shape, &x));
  for (PetscInt64 p = 0; p < points; p++)
    for (PetscInt k = 0; k < s->channels; k++) SpanTensorFloats(x)[p * s->channels + k] = (float)fields[k * points + p];
  PetscCall(SpanOperatorApply(s->tape, s->op, PETSC_COMM_SELF, x, &y));
  for (PetscInt64 p = 0; p < points; p++) u[p] = (double)SpanTensorFloats(y)[p];
  PetscCall(SpanTensorDestroy(&x));
  PetscCall(SpanTensorDestroy(&y));
  PetscFunctionReturn(0);
}

/* The guess ---------------------------------------------------------------------------------------------------------
 */

/* Point p of a grid of n points: its coordinates. */
static void Coordinates(int n_axes, const PetscInt n[], PetscInt p, PetscInt k[3])
{
  for (int i = n_axes - 1; i >= 0; i--) {
    k[i] = p % n[i];
    p /= n[i];
  }
}

static double Interpolate(int n_axes, const PetscInt m[], PetscInt stride, const PetscInt k[], const double *u)
{
  double value = 0;
  for (int corner = 0; corner < 1 << n_axes; corner++) {
    double weight = 1;
    PetscInt at   = 0;
    for (int i = 0; i < n_axes; i++) {
      const PetscInt left = PetscMin(k[i] / stride, m[i] - 2);
      const double t      = (double)(k[i] - left * stride) / (double)stride;
      const int right     = corner >> i & 1;
      weight *= right ? t : 1 - t;
      at = at * m[i] + left + right;
    }
    value += weight * u[at];
  }
  return value;
}

PetscErrorCode SpanNeuralGuess(SpanNeural s, const PetscInt n[], PetscInt stride, PetscBool faces,
                               const double *coefficient, double *guess)
{
  PetscInt m[3] = {1, 1, 1}, k[3] = {0}, points = 1, all = 1;
  const int n_axes = s->n_axes;
  double *a, *u;
  PetscFunctionBeginUser;
  PetscCheck(n_axes >= 1 && n_axes <= 3, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "%d axes, must be 1 to 3", n_axes);
  for (int i = 0; i < n_axes; i++) {
    m[i] = (n[i] - 1) / stride + 1;
    points *= m[i];
    all *= n[i];
  }
  PetscCall(PetscMalloc2(points, &a, points, &u));
  for (PetscInt p = 0; p < points; p++) {
    PetscInt at = 0;
    Coordinates(n_axes, m, p, k);
    for (int i = 0; i < n_axes; i++) at = at * n[i] + k[i] * stride;
    a[p] = coefficient[at];
  }
  PetscCall(SpanNeuralApply(s, m, a, u));
  for (PetscInt p = 0; p < points && !faces; p++) {
    Coordinates(n_axes, m, p, k);
    for (int i = 0; i < n_axes; i++)
      if (k[i] == 0 || k[i] == m[i] - 1) u[p] = 0;
  }
  for (PetscInt p = 0; p < all; p++) {
    Coordinates(n_axes, n, p, k);
    guess[p] = Interpolate(n_axes, m, stride, k, u);
  }
  PetscCall(PetscFree2(a, u));
  PetscFunctionReturn(0);
}
