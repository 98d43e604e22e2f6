#include <subspan/operators/tensor/tape.h>
#include <subspan/operators/tensor/onednn.h>

struct SpanTape_ {
  SpanArena arena;
  SpanOneDNN dnn;
  SpanTensorType type;
  MPI_Comm team;
  PetscBool recording, recompute;
  SpanNode last; /* recorded; each knows the one before */
  PetscInt n_nodes;
  SpanTapeReady ready;
  void *ready_context;
};

PetscErrorCode SpanTapeCreate(SpanTape *tape)
{
  PetscFunctionBeginUser;
  PetscCall(PetscNew(tape));
  (*tape)->team = MPI_COMM_SELF;
  PetscCall(SpanArenaCreate(&(*tape)->arena));
  PetscCall(SpanOneDNNCreate((*tape)->arena, &(*tape)->dnn));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeDestroy(SpanTape *tape)
{
  PetscFunctionBeginUser;
  if (!*tape) PetscFunctionReturn(0);
  PetscCall(SpanTapeReset(*tape));
  PetscCall(SpanOneDNNDestroy(&(*tape)->dnn));
  PetscCall(SpanArenaDestroy(&(*tape)->arena));
  PetscCall(PetscFree(*tape));
  PetscFunctionReturn(0);
}

SpanArena SpanTapeArena(SpanTape tape) { return tape->arena; }
SpanOneDNN SpanTapeOneDNN(SpanTape tape) { return tape->dnn; }
PetscBool SpanTapeIsRecording(SpanTape tape) { return tape->recording; }
SpanTensorType SpanTapeGetType(SpanTape tape) { return tape->type; }

PetscErrorCode SpanTapeSetRecording(SpanTape tape, PetscBool recording)
{
  PetscFunctionBeginUser;
  tape->recording = recording;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeSetRecompute(SpanTape tape, PetscBool recompute)
{
  PetscFunctionBeginUser;
  tape->recompute = recompute;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeSetWinograd(SpanTape tape, PetscBool winograd)
{
  PetscFunctionBeginUser;
  SpanOneDNNSetWinograd(tape->dnn, winograd);
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeSetType(SpanTape tape, SpanTensorType type)
{
  PetscFunctionBeginUser;
  tape->type = type;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeSetTeam(SpanTape tape, MPI_Comm team)
{
  PetscFunctionBeginUser;
  tape->team = team;
  PetscFunctionReturn(0);
}

MPI_Comm SpanTapeTeam(SpanTape tape) { return tape->team; }

PetscErrorCode SpanTapeOnReady(SpanTape tape, SpanTapeReady ready, void *context)
{
  PetscFunctionBeginUser;
  tape->ready         = ready;
  tape->ready_context = context;
  PetscFunctionReturn(0);
}

static void Append(SpanTape tape, SpanNode node)
{
  node->before = tape->last;
  tape->last   = node;
  tape->n_nodes++;
}

static SpanNode RemoveLast(SpanTape tape)
{
  SpanNode node = tape->last;
  tape->last    = node->before;
  tape->n_nodes--;
  return node;
}

/* Shares in handles keep gradients reachable; shares in numbers only where the backward pass reads them. */
static PetscErrorCode Hold(SpanTensor tensor, PetscBool numbers)
{
  PetscFunctionBeginUser;
  tensor->references++;
  if (numbers) tensor->holders++;
  PetscFunctionReturn(0);
}

static PetscErrorCode Release(SpanTensor *tensor, PetscBool numbers)
{
  PetscFunctionBeginUser;
  if (numbers) PetscCall(SpanTensorForget(*tensor));
  PetscCall(SpanTensorDrop(tensor));
  PetscFunctionReturn(0);
}

static PetscErrorCode RecordNode(SpanTape tape, PetscErrorCode (*backward)(SpanTape, SpanNode), int n_inputs,
                                 const SpanTensor inputs[], unsigned needs, SpanTensor output, SpanNode *result)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(n_inputs <= span_node_max_inputs, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE, "an operation of %d inputs",
             n_inputs);
  PetscCall(PetscNew(&node));
  node->backward = backward;
  node->n_inputs = n_inputs;
  for (int i = 0; i < n_inputs; i++) {
    node->inputs[i] = inputs[i];
    node->holds[i]  = (PetscBool)((needs >> i & 1) != 0);
    if (!inputs[i]) continue;
    PetscCall(Hold(inputs[i], node->holds[i]));
    inputs[i]->pending++;
  }
  node->output       = output;
  node->holds_output = (PetscBool)((needs & SPAN_NEEDS_OUTPUT) != 0);
  PetscCall(Hold(output, node->holds_output));
  output->differentiable = output->computed = PETSC_TRUE;
  Append(tape, node);
  *result = node;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeRecord(SpanTape tape, PetscErrorCode (*backward)(SpanTape, SpanNode), int n_inputs,
                              const SpanTensor inputs[], unsigned needs, SpanTensor output, SpanNode *node)
{
  PetscFunctionBeginUser;
  *node = NULL;
  if (!tape->recording) PetscFunctionReturn(0);
  for (int i = 0; i < n_inputs; i++)
    if (inputs[i] && inputs[i]->differentiable) {
      PetscCall(RecordNode(tape, backward, n_inputs, inputs, needs, output, node));
      break;
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode FreeNode(SpanTape tape, SpanNode node)
{
  PetscFunctionBeginUser;
  for (int i = 0; i < 4; i++) PetscCall(SpanTensorDestroy(&node->saved[i]));
  PetscCall(SpanTensorDestroy(&node->output->gradient));
  PetscCall(Release(&node->output, node->holds_output));
  for (int i = 0; i < node->n_inputs; i++) {
    SpanTensor input = node->inputs[i];
    if (!input) continue;
    const PetscBool whole = (PetscBool)(--input->pending == 0 && !input->computed && input->differentiable);
    if (whole && tape->ready) PetscCall(tape->ready(tape->ready_context, input));
    PetscCall(Release(&node->inputs[i], node->holds[i]));
  }
  PetscCall(PetscFree(node));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeReset(SpanTape tape)
{
  const SpanTapeReady ready = tape->ready;
  PetscFunctionBeginUser;
  tape->ready = NULL;
  while (tape->n_nodes) PetscCall(FreeNode(tape, RemoveLast(tape)));
  tape->ready = ready;
  PetscFunctionReturn(0);
}

/* Runs back to the first `keep` nodes. */
static PetscErrorCode Backward(SpanTape tape, SpanTensor output, SpanTensor seed, PetscInt keep)
{
  const PetscBool recording = tape->recording;
  PetscFunctionBeginUser;
  SpanTensor gradient = seed;
  if (seed) {
    PetscCall(SpanTensorCheckSame("seed of a backward pass", output, seed));
    PetscCall(SpanTensorReference(seed));
  } else {
    PetscCheck(output->type == SPAN_FLOAT32, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONG, "a bfloat16 output needs a seed");
    PetscCall(SpanTensorCreate(tape->arena, SPAN_FLOAT32, output->n_dims, output->shape, &gradient));
    for (PetscInt64 i = 0; i < output->size; i++) SpanTensorFloats(gradient)[i] = 1;
  }
  PetscCall(SpanTensorAccumulate(output, &gradient));
  tape->recording = PETSC_FALSE;
  while (tape->n_nodes > keep) {
    SpanNode node = RemoveLast(tape);
    if (node->output->gradient) PetscCall(node->backward(tape, node));
    PetscCall(FreeNode(tape, node));
  }
  tape->recording = recording;
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeBackward(SpanTape tape, SpanTensor output, SpanTensor seed)
{
  PetscFunctionBeginUser;
  PetscCheck(output->differentiable, PETSC_COMM_SELF, PETSC_ERR_ARG_WRONGSTATE,
             "the output was not computed from anything differentiable while the tape recorded");
  PetscCall(Backward(tape, output, seed, 0));
  PetscFunctionReturn(0);
}

/* The segment's own inputs, so that their gradients come out before they are added to those of the tape's tensors. */
static PetscErrorCode Recompute(SpanTape tape, SpanNode node)
{
  const PetscInt first                    = tape->n_nodes;
  SpanTensor inputs[span_node_max_inputs] = {NULL}, output;

  PetscFunctionBeginUser;
  for (int i = 0; i < node->n_inputs; i++) {
    SpanTensor from = node->inputs[i];
    if (!from) continue;
    PetscCall(SpanTensorView(from, from->n_dims, from->shape, &inputs[i]));
    inputs[i]->channels       = from->channels;
    inputs[i]->differentiable = from->differentiable;
    inputs[i]->computed       = PETSC_TRUE; /* not a parameter */
  }
  tape->recording = PETSC_TRUE;
  PetscCall(node->segment(tape, node->with.pointer[0], inputs, &output));
  PetscCall(Backward(tape, output, node->output->gradient, first));
  tape->recording = PETSC_FALSE;
  PetscCall(SpanTensorDestroy(&output));
  for (int i = 0; i < node->n_inputs; i++) {
    if (inputs[i] && inputs[i]->gradient) PetscCall(SpanTensorAccumulate(node->inputs[i], &inputs[i]->gradient));
    PetscCall(SpanTensorDestroy(&inputs[i]));
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTapeSegment(SpanTape tape, SpanSegment segment, void *context, int n_inputs,
                               const SpanTensor inputs[], SpanTensor *output)
{
  const PetscBool recording = tape->recording;
  SpanNode node             = NULL;
  PetscFunctionBeginUser;
  if (!recording || !tape->recompute) {
    PetscCall(segment(tape, context, inputs, output));
    PetscFunctionReturn(0);
  }
  tape->recording = PETSC_FALSE;
  PetscCall(segment(tape, context, inputs, output));
  tape->recording = PETSC_TRUE;
  PetscCall(RecordNode(tape, Recompute, n_inputs, inputs, (1u << n_inputs) - 1, *output, &node));
  node->segment         = segment;
  node->with.pointer[0] = context;
  PetscFunctionReturn(0);
}
