/* Forward and backward pass of a step: the mean absolute error of graphs, or the cross-entropy of labelled nodes. */
#include <subspan/solvers/train/encoding/training.h>

double SpanEncodingTarget(const SpanEncodingTraining *run, const SpanSetGraph *graph, PetscInt t)
{
  return ((double)graph->target[t] - run->mean[t]) / run->deviation[t];
}

PetscErrorCode SpanEncodingPredict(SpanEncodingTraining *run, const SpanGraphData *data, PetscBool training,
                                   const SpanGraphDraw *draw, PetscInt first, PetscInt n, const PetscInt number[],
                                   SpanGraphBatch *batch, SpanTensor *y)
{
  SpanTensor encoding;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphDataBatch(data, run->tape, run->network, draw, first, n, number, batch));
  PetscCall(SpanEncodingApply(run->tape, SpanGraphNetworkEncoding(run->network), batch, training, &encoding));
  PetscCall(SpanGraphNetworkApply(run->tape, run->network, batch, training, encoding, y));
  PetscCall(SpanTensorDestroy(&encoding));
  PetscFunctionReturn(0);
}

static PetscErrorCode GraphLoss(SpanEncodingTraining *run, SpanTensor y, SpanTensor *loss)
{
  SpanTensor target;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(y, &target));
  for (PetscInt i = 0; i < run->count; i++)
    for (PetscInt t = 0; t < run->n_targets; t++)
      SpanTensorFloats(target)[i * run->n_targets + t] =
          (float)SpanEncodingTarget(run, &run->train.parts[run->chosen[i]].graph, t);
  PetscCall(SpanAbsoluteError(run->tape, y, target, loss));
  PetscCall(SpanTensorDestroy(&target));
  PetscFunctionReturn(0);
}

/* rows, labels: of the chosen nodes; they live until the backward pass. */
static PetscErrorCode NodeLoss(SpanEncodingTraining *run, SpanTensor y, SpanIndex rows, const PetscInt labels[],
                               SpanTensor *loss)
{
  SpanTensor chosen;
  PetscFunctionBeginUser;
  PetscCall(SpanGather(run->tape, y, rows, &chosen));
  PetscCall(SpanCrossEntropy(run->tape, chosen, labels, loss));
  PetscCall(SpanTensorDestroy(&chosen));
  PetscFunctionReturn(0);
}

static PetscErrorCode Nodes(const SpanEncodingTraining *run, PetscInt labels[], SpanIndex *rows)
{
  PetscInt *node;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->count, &node));
  for (PetscInt i = 0; i < run->count; i++) {
    node[i]   = run->labelled[run->chosen[i]];
    labels[i] = run->train.nodes.label[node[i]];
  }
  PetscCall(SpanIndexCreate(run->count, node, run->train.nodes.n_nodes, rows));
  PetscCall(PetscFree(node));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanEncodingPass(SpanEncodingTraining *run, double *loss)
{
  const SpanEncodingTrainOptions *o = run->options;
  const SpanGraphDraw draw          = {(uint64_t)o->train.seed, (uint32_t)run->step, o->columns};
  const PetscInt whole              = 0;
  const PetscBool graphs            = (PetscBool)(run->train.set != NULL);
  float share                       = (float)run->count / (float)o->train.batch;
  PetscInt *labels;
  SpanIndex rows = NULL;
  SpanGraphBatch batch;
  SpanTensor y, error, seed;
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(run->count, &labels));
  if (!graphs) PetscCall(Nodes(run, labels, &rows));
  PetscCall(SpanTapeSetRecording(run->tape, PETSC_TRUE));
  PetscCall(SpanEncodingPredict(run, &run->train, PETSC_TRUE, &draw, graphs ? run->first : 0, graphs ? run->count : 1,
                                graphs ? run->chosen : &whole, &batch, &y));
  if (graphs)
    PetscCall(GraphLoss(run, y, &error));
  else
    PetscCall(NodeLoss(run, y, rows, labels, &error));
  PetscCall(SpanTensorDestroy(&y));
  *loss += (double)share * (double)SpanTensorFloats(error)[0];
  PetscCall(SpanTensorWrap(SpanTapeArena(run->tape), 0, NULL, &share, &seed));
  PetscCall(SpanTapeBackward(run->tape, error, seed));
  PetscCall(SpanTapeSetRecording(run->tape, PETSC_FALSE));
  PetscCall(SpanTensorDestroy(&seed));
  PetscCall(SpanTensorDestroy(&error));
  PetscCall(SpanGraphBatchDestroy(&batch));
  PetscCall(SpanIndexDestroy(&rows));
  PetscCall(PetscFree(labels));
  PetscFunctionReturn(0);
}
