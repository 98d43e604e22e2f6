#include <math.h>
#include <subspan/operators/networks/mlp.h>

static const double momentum = 0.1;

PetscErrorCode SpanAffineAdd(SpanParameters parameters, const char prefix[], PetscInt64 in, PetscInt64 out,
                             PetscBool bias, SpanAffine *affine)
{
  const PetscInt64 shape[2] = {out, in};
  const double bound        = 1 / sqrt((double)in);
  char name[256];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.weight", prefix));
  PetscCall(SpanParametersAdd(parameters, name, 2, shape, SPAN_START_UNIFORM, bound, &affine->weight));
  affine->bias = NULL;
  if (!bias) PetscFunctionReturn(0);
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.bias", prefix));
  PetscCall(SpanParametersAdd(parameters, name, 1, shape, SPAN_START_UNIFORM, bound, &affine->bias));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddVector(SpanParameters parameters, const char prefix[], const char part[], PetscInt64 size,
                                SpanStart start, SpanTensor *tensor)
{
  char name[256];
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.bn.%s", prefix, part));
  PetscCall(SpanParametersAdd(parameters, name, 1, &size, start, 0, tensor));
  PetscFunctionReturn(0);
}

static PetscErrorCode AddNorm(SpanParameters parameters, SpanParameters statistics, const char prefix[], SpanNorm norm,
                              PetscInt64 size, SpanMLPLayer *layer)
{
  PetscFunctionBeginUser;
  if (norm == SPAN_NORM_NONE) PetscFunctionReturn(0);
  PetscCall(AddVector(parameters, prefix, "weight", size, SPAN_START_ONE, &layer->norm.weight));
  PetscCall(AddVector(parameters, prefix, "bias", size, SPAN_START_ZERO, &layer->norm.bias));
  if (norm != SPAN_NORM_BATCH) PetscFunctionReturn(0);
  PetscCall(AddVector(statistics, prefix, "running_mean", size, SPAN_START_ZERO, &layer->mean));
  PetscCall(AddVector(statistics, prefix, "running_var", size, SPAN_START_ONE, &layer->variance));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMLPAdd(SpanParameters parameters, SpanParameters statistics, const char prefix[], PetscInt n_layers,
                          PetscInt64 in, PetscInt64 hidden, PetscInt64 out, SpanNorm norm, SpanMLP *mlp)
{
  char name[256];
  PetscFunctionBeginUser;
  PetscCheck(n_layers >= 1 && n_layers <= span_mlp_max_layers, PETSC_COMM_SELF, PETSC_ERR_USER_INPUT,
             "%s: an MLP of %" PetscInt_FMT " layers; 1 to %d", prefix, n_layers, (int)span_mlp_max_layers);
  *mlp = (SpanMLP){.n_layers = n_layers, .norm = norm};
  for (PetscInt k = 0; k < n_layers - 1; k++) {
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.layers.%" PetscInt_FMT ".fc", prefix, k));
    PetscCall(SpanAffineAdd(parameters, name, k ? hidden : in, hidden, PETSC_TRUE, &mlp->layers[k].linear));
    PetscCall(PetscSNPrintf(name, sizeof name, "%s.layers.%" PetscInt_FMT, prefix, k));
    PetscCall(AddNorm(parameters, statistics, name, norm, hidden, &mlp->layers[k]));
  }
  PetscCall(PetscSNPrintf(name, sizeof name, "%s.fc", prefix));
  PetscCall(
      SpanAffineAdd(parameters, name, n_layers > 1 ? hidden : in, out, PETSC_TRUE, &mlp->layers[n_layers - 1].linear));
  PetscFunctionReturn(0);
}

static PetscErrorCode NormAndActivate(SpanTape tape, const SpanMLPLayer *layer, SpanNorm norm, PetscBool training,
                                      SpanTensor x, SpanTensor *y)
{
  PetscFunctionBeginUser;
  if (norm == SPAN_NORM_BATCH)
    PetscCall(SpanBatchNorm(tape, x, layer->norm.weight, layer->norm.bias, layer->mean, layer->variance, momentum,
                            span_norm_eps, training, SPAN_RELU, y));
  else if (norm == SPAN_NORM_LAYER)
    PetscCall(SpanLayerNorm(tape, x, layer->norm.weight, layer->norm.bias, span_norm_eps, SPAN_RELU, y));
  else
    PetscCall(SpanActivate(tape, SPAN_RELU, x, y));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMLPHidden(SpanTape tape, const SpanMLP *mlp, PetscBool training, SpanTensor x, SpanTensor *y)
{
  SpanTensor at = x, linear, next;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorReference(at));
  for (PetscInt k = 0; k < mlp->n_layers - 1; k++) {
    const SpanMLPLayer *layer = &mlp->layers[k];
    PetscCall(SpanLinear(tape, at, layer->linear.weight, layer->linear.bias, &linear));
    PetscCall(SpanTensorDestroy(&at));
    PetscCall(NormAndActivate(tape, layer, mlp->norm, training, linear, &next));
    PetscCall(SpanTensorDestroy(&linear));
    at = next;
  }
  *y = at;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMLPApply(SpanTape tape, const SpanMLP *mlp, PetscBool training, SpanTensor x, SpanTensor *y)
{
  const SpanAffine *last = &mlp->layers[mlp->n_layers - 1].linear;
  SpanTensor hidden;
  PetscFunctionBeginUser;
  PetscCall(SpanMLPHidden(tape, mlp, training, x, &hidden));
  PetscCall(SpanLinear(tape, hidden, last->weight, last->bias, y));
  PetscCall(SpanTensorDestroy(&hidden));
  PetscFunctionReturn(0);
}
