/* A learned operator: normalisation, multi-grid patches, the network, and back. */
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/operators/networks/operator.h>
#include <subspan/operators/networks/multigrid.h>
#include <math.h>
#include <string.h>

struct SpanOperator_ {
  SpanOperatorConfig config;
  SpanTape tape;
  SpanParameters parameters;
  SpanFNO fno;
};

/* Patches that go through the network together, the same for any number of ranks. Recorded, their activations are kept
   anyway; else memory is that of one. */
enum { at_once_recorded = 4, at_once = 1 };

void SpanOperatorConfigDefaults(SpanOperatorConfig *c)
{
  *c = (SpanOperatorConfig){0};
  SpanFNOConfigDefaults(&c->fno);
  for (int k = 0; k < span_operator_max_channels; k++) c->input_deviation[k] = c->output_deviation[k] = 1;
}

static PetscErrorCode Register(SpanTape tape, const SpanOperatorConfig *config, SpanOperator op)
{
  SpanFNOConfig fno = config->fno;
  PetscFunctionBeginUser;
  op->config = *config;
  op->tape   = tape;
  fno.in_channels *= config->levels + 1;
  PetscCall(SpanParametersCreate(SpanTapeArena(tape), &op->parameters));
  PetscCall(SpanFNOCreate(&fno, op->parameters, &op->fno));
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(const SpanOperatorConfig *c)
{
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, c->levels >= 0 && c->levels <= span_patch_max_levels,
                 "operator: %" PetscInt_FMT " levels of patches, must be 0 to %d", c->levels,
                 (int)span_patch_max_levels);
  SpanCheckInput(PETSC_COMM_SELF, c->levels == 0 || c->fno.n_axes == 2,
                 "operator: patches (%" PetscInt_FMT " levels) are for fields of 2 axes, not %" PetscInt_FMT, c->levels,
                 c->fno.n_axes);
  SpanCheckInput(PETSC_COMM_SELF, c->padding >= 0 && c->padding <= 0.5, "operator: padding %g, must be 0 to 0.5",
                 c->padding);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorCreate(SpanTape tape, const SpanOperatorConfig *config, uint64_t seed, SpanOperator *op)
{
  PetscFunctionBeginUser;
  PetscCall(Check(config));
  PetscCall(PetscNew(op));
  PetscCall(Register(tape, config, *op));
  PetscCall(SpanParametersAllocate((*op)->parameters, seed));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorDestroy(SpanOperator *op)
{
  PetscFunctionBeginUser;
  if (!*op) PetscFunctionReturn(0);
  PetscCall(SpanFNODestroy(&(*op)->fno));
  PetscCall(SpanParametersDestroy(&(*op)->parameters));
  PetscCall(PetscFree(*op));
  PetscFunctionReturn(0);
}

const SpanOperatorConfig *SpanOperatorGetConfig(SpanOperator op) { return &op->config; }
SpanParameters SpanOperatorParameters(SpanOperator op) { return op->parameters; }
SpanFNO SpanOperatorFNO(SpanOperator op) { return op->fno; }

/* Model files ------------------------------------------------------------------------------------------------------ */

PetscErrorCode SpanOperatorSave(SpanOperator op, const float values[], SpanModelStorage storage, SpanModel model)
{
  const SpanOperatorConfig *c = &op->config;
  const double levels = (double)c->levels, padding = c->padding;
  PetscFunctionBeginUser;
  PetscCall(SpanFNOWriteConfig(&c->fno, model));
  PetscCall(SpanModelWriteNumbers(model, "levels", 1, &levels));
  PetscCall(SpanModelWriteNumbers(model, "padding", 1, &padding));
  PetscCall(SpanModelWriteNumbers(model, "input_mean", c->fno.in_channels, c->input_mean));
  PetscCall(SpanModelWriteNumbers(model, "input_deviation", c->fno.in_channels, c->input_deviation));
  PetscCall(SpanModelWriteNumbers(model, "output_mean", c->fno.out_channels, c->output_mean));
  PetscCall(SpanModelWriteNumbers(model, "output_deviation", c->fno.out_channels, c->output_deviation));
  PetscCall(SpanParametersWrite(op->parameters, values, storage, model));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorReadWeights(SpanOperator op, SpanModel model)
{
  PetscFunctionBeginUser;
  PetscCall(SpanParametersRead(op->parameters, model));
  PetscCall(SpanModelCheckCount(model, SpanParametersCount(op->parameters)));
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadMoments(SpanModel model, const char name[], PetscInt channels, PetscBool positive,
                                  double values[])
{
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(SpanModelReadNumbers(model, name, span_operator_max_channels, values, &n));
  SpanCheckInput(PETSC_COMM_SELF, n == channels,
                 "%s: `%s` has %" PetscInt_FMT " numbers, the network %" PetscInt_FMT " channels", SpanModelPath(model),
                 name, n, channels);
  for (PetscInt k = 0; k < n && positive; k++)
    SpanCheckInput(PETSC_COMM_SELF, values[k] > 0, "%s: `%s` is %g, must be above 0", SpanModelPath(model), name,
                   values[k]);
  PetscFunctionReturn(0);
}

static PetscErrorCode ReadConfig(SpanModel model, SpanOperatorConfig *c)
{
  double levels;
  PetscFunctionBeginUser;
  PetscCall(SpanFNOReadConfig(model, &c->fno));
  PetscCall(SpanModelReadNumbers(model, "levels", 1, &levels, NULL));
  PetscCall(SpanModelReadNumbers(model, "padding", 1, &c->padding, NULL));
  SpanCheckInput(PETSC_COMM_SELF, levels == rint(levels) && fabs(levels) < 100, "%s: `levels` is %g",
                 SpanModelPath(model), levels);
  c->levels = (PetscInt)levels;
  PetscCall(ReadMoments(model, "input_mean", c->fno.in_channels, PETSC_FALSE, c->input_mean));
  PetscCall(ReadMoments(model, "input_deviation", c->fno.in_channels, PETSC_TRUE, c->input_deviation));
  PetscCall(ReadMoments(model, "output_mean", c->fno.out_channels, PETSC_FALSE, c->output_mean));
  PetscCall(ReadMoments(model, "output_deviation", c->fno.out_channels, PETSC_TRUE, c->output_deviation));
  PetscFunctionReturn(0);
}

static PetscErrorCode LoadLocal(SpanModel model, SpanTape tape, SpanOperator op)
{
  SpanOperatorConfig config;
  PetscFunctionBeginUser;
  SpanOperatorConfigDefaults(&config);
  PetscCall(ReadConfig(model, &config));
  PetscCall(Check(&config));
  PetscCall(Register(tape, &config, op));
  PetscCall(SpanParametersCheck(op->parameters, model));
  PetscCall(SpanModelCheckSize(model, SpanParametersWeights(op->parameters)));
  PetscCall(SpanParametersAllocate(op->parameters, 0));
  PetscCall(SpanOperatorReadWeights(op, model));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorLoad(MPI_Comm comm, const char path[], SpanTape tape, SpanOperator *op)
{
  SpanModel model;
  PetscFunctionBeginUser;
  PetscCall(SpanModelOpen(comm, path, "operator", &model));
  PetscCall(PetscNew(op));
  PetscCall(SpanErrorAgree(comm, LoadLocal(model, tape, *op)));
  PetscCall(SpanModelClose(&model));
  PetscFunctionReturn(0);
}

/* Moments ---------------------------------------------------------------------------------------------------------- */

static void Scale(PetscInt64 n, PetscInt64 channels, const float *x, const float *scale, const float *shift, float *y)
{
#pragma omp parallel for schedule(static)
  for (PetscInt64 p = 0; p < n / channels; p++)
    for (PetscInt64 k = 0; k < channels; k++) y[p * channels + k] = x[p * channels + k] * scale[k] + shift[k];
}

static PetscErrorCode ScaleBackward(SpanTape tape, SpanNode node)
{
  static const float zeros[span_operator_max_channels];
  SpanTensor x = node->inputs[0], dx;
  PetscFunctionBeginUser;
  if (!x->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreateLike(x, &dx));
  Scale(x->size, x->shape[x->n_dims - 1], SpanTensorFloats(node->output->gradient), SpanTensorFloats(node->saved[0]),
        zeros, SpanTensorFloats(dx));
  PetscCall(SpanTensorAccumulate(x, &dx));
  PetscFunctionReturn(0);
}

/* y = x scale + shift, by channel. */
static PetscErrorCode ApplyScale(SpanTape tape, SpanTensor x, const double scale[], const double shift[], SpanTensor *y)
{
  const PetscInt64 channels             = x->shape[x->n_dims - 1];
  float add[span_operator_max_channels] = {0};
  SpanTensor factors;
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &channels, &factors));
  for (PetscInt64 k = 0; k < channels; k++) {
    SpanTensorFloats(factors)[k] = (float)scale[k];
    add[k]                       = (float)shift[k];
  }
  PetscCall(SpanTensorCreateLike(x, y));
  Scale(x->size, channels, SpanTensorFloats(x), SpanTensorFloats(factors), add, SpanTensorFloats(*y));
  PetscCall(SpanTapeRecord(tape, ScaleBackward, 1, &x, 0, *y, &node));
  if (node)
    node->saved[0] = factors;
  else
    PetscCall(SpanTensorDestroy(&factors));
  PetscFunctionReturn(0);
}

static PetscErrorCode ApplyNetwork(SpanTape tape, void *context, SpanTensor x, SpanTensor *y)
{
  PetscFunctionBeginUser;
  PetscCall(SpanFNOApply(tape, (SpanFNO)context, x, y));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOperatorApply(SpanTape tape, SpanOperator op, MPI_Comm team, SpanTensor x, SpanTensor *y)
{
  const SpanOperatorConfig *c              = &op->config;
  double scale[span_operator_max_channels] = {0}, shift[span_operator_max_channels] = {0};
  SpanTensor normal, out;
  PetscFunctionBeginUser;
  for (PetscInt k = 0; k < c->fno.in_channels; k++) {
    scale[k] = 1 / c->input_deviation[k];
    shift[k] = -c->input_mean[k] / c->input_deviation[k];
  }
  PetscCall(ApplyScale(tape, x, scale, shift, &normal));
  if (c->levels) {
    SpanPatchGeometry geometry;
    PetscCall(SpanMultigridGeometry(c->levels, c->padding, (PetscInt)x->shape[1], (PetscInt)x->shape[2], &geometry));
    PetscCall(SpanMultigridApply(tape, &geometry, team, SpanTapeIsRecording(tape) ? at_once_recorded : at_once,
                                 ApplyNetwork, op->fno, c->fno.out_channels, normal, &out));
  } else
    PetscCall(SpanFNOApply(tape, op->fno, normal, &out));
  PetscCall(SpanTensorDestroy(&normal));
  PetscCall(ApplyScale(tape, out, c->output_deviation, c->output_mean, y));
  PetscCall(SpanTensorDestroy(&out));
  PetscFunctionReturn(0);
}
