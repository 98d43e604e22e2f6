/* The parts of spectral weights: axes, ranks, names and starts. Ranks by the share of the dense weight's numbers follow
   tensorly's validate_tucker_rank, validate_cp_rank and validate_tt_rank (0.9.0), with rounding to nearest; a CP rank
   that would be 0 is 1. Deviations are those of tensorly-torch's factorised tensors: the product of the parts then has
   the deviation sqrt(2 / (in + out)) of the dense weight; that of a complex number is sqrt 2 times that of re and im.
 */
#include <subspan/operators/tensor/spectral.h>
#include <math.h>

const char *const SpanSpectralForms[] = {"dense", "tucker", "cp", "tt", NULL};

static PetscBool Separable(const SpanSpectralShape *s) { return (PetscBool)(s->groups > 1 && s->groups == s->in); }

PetscErrorCode SpanSpectralCheck(const SpanSpectralShape *s)
{
  PetscFunctionBeginUser;
  PetscCheck(s->n_axes >= 1 && s->n_axes <= span_spectral_max_axes, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "spectral convolution over %d axes: must be 1 to %d", s->n_axes, (int)span_spectral_max_axes);
  PetscCheck(s->in >= 1 && s->out >= 1, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "spectral convolution from %lld to %lld channels", (long long)s->in, (long long)s->out);
  PetscCheck(s->groups >= 1 && s->in % s->groups == 0 && s->out % s->groups == 0 && (s->groups == 1 || s->in == s->out),
             PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "spectral convolution from %lld to %lld channels cannot have %lld groups", (long long)s->in,
             (long long)s->out, (long long)s->groups);
  for (int a = 0; a < s->n_axes; a++)
    PetscCheck(s->modes[a] >= 1, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "%lld modes along axis %d: must be 1 or more",
               (long long)s->modes[a], a + 1);
  if (s->form == SPAN_SPECTRAL_DENSE) PetscFunctionReturn(0);
  PetscInt64 axes[span_spectral_max_weight_axes];
  const int n_ranks = s->form == SPAN_SPECTRAL_CP ? 1 : SpanSpectralWeightAxes(s, axes) + (s->form == SPAN_SPECTRAL_TT);
  for (int i = 0; i < n_ranks; i++)
    PetscCheck(s->rank[i] >= 1, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT, "rank %lld of spectral weights",
               (long long)s->rank[i]);
  PetscCheck(s->form != SPAN_SPECTRAL_TT || (s->rank[0] == 1 && s->rank[n_ranks - 1] == 1), PETSC_COMM_SELF,
             PETSC_ERR_USER_INPUT, "the first and last rank of a tensor train are %lld and %lld: must be 1",
             (long long)s->rank[0], (long long)s->rank[n_ranks - 1]);
  PetscFunctionReturn(0);
}

int SpanSpectralWeightAxes(const SpanSpectralShape *s, PetscInt64 axes[span_spectral_max_weight_axes])
{
  int n = 0;
  if (!Separable(s)) {
    axes[n++] = s->in / s->groups;
    axes[n++] = s->out / s->groups;
  }
  if (s->groups > 1) axes[n++] = s->groups;
  for (int a = 0; a < s->n_axes; a++) axes[n++] = a == s->n_axes - 1 ? s->modes[a] / 2 + 1 : s->modes[a];
  return n;
}

static PetscInt64 Rounded(double x) { return PetscMax((PetscInt64)1, (PetscInt64)rint(x)); }

/* core and factors: prod(n) x^d + sum(n^2) x = fraction prod(n) for the share x of each axis. */
static double TuckerShare(int n, const PetscInt64 axes[], double numbers, double fraction)
{
  double squares = 0, low = 0, high = PetscMax(fraction, 1);
  for (int i = 0; i < n; i++) squares += (double)axes[i] * (double)axes[i];
  for (int i = 0; i < 200; i++) {
    const double x = (low + high) / 2;
    if (numbers * pow(x, n) + squares * x < fraction * numbers)
      low = x;
    else
      high = x;
  }
  return low;
}

/* Ranks in proportion to the mean of the axes on both sides: a x^2 + b x = fraction prod(n). */
static double TrainShare(int n, const PetscInt64 axes[], double numbers, double fraction)
{
#define MEAN(i) ((double)(axes[i] + axes[(i) + 1]) / 2)
  double a = 0;
  for (int i = 1; i < n - 1; i++) a += MEAN(i - 1) * (double)axes[i] * MEAN(i);
  if (n == 2) a = MEAN(0) * MEAN(0) * (double)axes[0];
  const double b = (double)axes[0] * MEAN(0) + (double)axes[n - 1] * MEAN(n - 2);
#undef MEAN
  return (sqrt(b * b + 4 * a * fraction * numbers) - b) / (2 * a);
}

void SpanSpectralSetRank(SpanSpectralShape *s, double fraction)
{
  PetscInt64 axes[span_spectral_max_weight_axes];
  const int n    = SpanSpectralWeightAxes(s, axes);
  double numbers = 1, sum = 0;
  for (int i = 0; i < n; i++) {
    numbers *= (double)axes[i];
    sum += (double)axes[i];
  }
  if (s->form == SPAN_SPECTRAL_TUCKER) {
    const double share = TuckerShare(n, axes, numbers, fraction);
    for (int i = 0; i < n; i++) s->rank[i] = Rounded((double)axes[i] * share);
  }
  if (s->form == SPAN_SPECTRAL_CP) s->rank[0] = Rounded(numbers * fraction / sum);
  if (s->form == SPAN_SPECTRAL_TT) {
    const double share = n > 1 ? TrainShare(n, axes, numbers, fraction) : 1;
    s->rank[0] = s->rank[n] = 1;
    for (int i = 0; i < n - 1; i++) s->rank[i + 1] = Rounded((double)(axes[i] + axes[i + 1]) / 2 * share);
  }
}

int SpanSpectralParts(const SpanSpectralShape *s)
{
  PetscInt64 axes[span_spectral_max_weight_axes];
  const int n = SpanSpectralWeightAxes(s, axes);
  return s->form == SPAN_SPECTRAL_DENSE ? 1 : s->form == SPAN_SPECTRAL_TT ? n : n + 1;
}

static double Deviation(const SpanSpectralShape *s, int n)
{
  const double dense = sqrt(2. / (double)(s->in + s->out));
  double ranks       = 1;
  switch (s->form) {
  case SPAN_SPECTRAL_TUCKER:
    for (int i = 0; i < n; i++) ranks *= sqrt((double)s->rank[i]);
    return pow(dense / ranks, 1. / (n + 1));
  case SPAN_SPECTRAL_CP:
    return pow(dense / sqrt((double)s->rank[0]), 1. / n);
  case SPAN_SPECTRAL_TT:
    for (int i = 0; i <= n; i++) ranks *= (double)s->rank[i];
    return pow(dense / ranks, 1. / n);
  case SPAN_SPECTRAL_DENSE:
    break;
  }
  return dense;
}

/* (modes.., group, in, out) of W's axes (in, out, group, modes..) */
static int DenseDims(const SpanSpectralShape *s, int n, const PetscInt64 axes[], PetscInt64 dims[])
{
  const int channels = n - s->n_axes;
  int k              = 0;
  for (int a = 0; a < s->n_axes; a++) dims[k++] = axes[channels + a];
  if (channels % 2) dims[k++] = axes[channels - 1];
  for (int i = 0; i < channels / 2 * 2; i++) dims[k++] = axes[i];
  return k;
}

void SpanSpectralPart(const SpanSpectralShape *s, int part, char name[64], int *n_dims,
                      PetscInt64 dims[span_tensor_max_dims], double *deviation)
{
  PetscInt64 axes[span_spectral_max_weight_axes] = {0};
  const int n = SpanSpectralWeightAxes(s, axes), axis = s->form == SPAN_SPECTRAL_TT ? part : part - 1;
  const PetscBool first = (PetscBool)(part == 0 && s->form != SPAN_SPECTRAL_TT);
  int k                 = 0;
  *deviation            = Deviation(s, n);
  if (s->form == SPAN_SPECTRAL_DENSE) {
    k = DenseDims(s, n, axes, dims);
  } else if (first && s->form == SPAN_SPECTRAL_TUCKER) {
    for (int i = 0; i < n; i++) dims[k++] = s->rank[i];
  } else if (first) {
    dims[k++]  = s->rank[0];
    *deviation = 0; /* weights start at 1 */
  } else {
    if (s->form == SPAN_SPECTRAL_TT) dims[k++] = s->rank[axis];
    dims[k++] = axes[axis];
    dims[k++] = s->rank[s->form == SPAN_SPECTRAL_TT ? axis + 1 : s->form == SPAN_SPECTRAL_CP ? 0 : axis];
  }
  dims[k++] = 2;
  *n_dims   = k;
  if (first)
    snprintf(name, 64, "weight.%s",
             s->form == SPAN_SPECTRAL_DENSE    ? "tensor"
             : s->form == SPAN_SPECTRAL_TUCKER ? "core"
                                               : "weights");
  else
    snprintf(name, 64, "weight.factors.factor_%d", axis);
}
