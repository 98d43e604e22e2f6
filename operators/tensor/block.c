#include <subspan/operators/tensor/operations.h>
#include <subspan/operators/tensor/rows.h>

/* Moves channels between (N, points, C) and (N, blocks, points, 16); beyond C the blocked side has zeros. */
static void Move(SpanTensor plain, SpanTensor blocked, PetscBool to_blocked)
{
  const PetscInt64 c = plain->shape[3], points = plain->shape[1] * plain->shape[2], blocks = blocked->shape[1];
  const size_t each = plain->type == SPAN_FLOAT32 ? sizeof(float) : sizeof(uint16_t);
  char *const flat = plain->data, *const split = blocked->data;
#pragma omp parallel for collapse(2) schedule(static)
  for (PetscInt64 n = 0; n < plain->shape[0]; n++)
    for (PetscInt64 p = 0; p < points; p++)
      for (PetscInt64 k = 0; k < blocks; k++) {
        const size_t width = (size_t)PetscMin((PetscInt64)span_channel_block, c - k * span_channel_block) * each;
        char *at           = flat + (size_t)((n * points + p) * c + k * span_channel_block) * each;
        char *to           = split + (size_t)(((n * blocks + k) * points + p) * span_channel_block) * each;
        if (!to_blocked) {
          memcpy(at, to, width);
        } else {
          memcpy(to, at, width);
          memset(to + width, 0, span_channel_block * each - width);
        }
      }
}

static PetscErrorCode CreateBlocked(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  const PetscInt64 blocks = (x->shape[3] + span_channel_block - 1) / span_channel_block;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 5,
                             (PetscInt64[5]){x->shape[0], blocks, x->shape[1], x->shape[2], span_channel_block}, y));
  (*y)->channels = x->shape[3];
  PetscFunctionReturn(0);
}

static PetscErrorCode CreatePlain(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), x->type, 4,
                             (PetscInt64[4]){x->shape[0], x->shape[2], x->shape[3], x->channels}, y));
  PetscFunctionReturn(0);
}

static PetscErrorCode BlockBackward(SpanTape tape, SpanNode node)
{
  SpanTensor dx;
  PetscFunctionBeginUser;
  PetscCall(CreatePlain(tape, node->output, &dx));
  Move(dx, node->output->gradient, PETSC_FALSE);
  PetscCall(SpanTensorAccumulate(node->inputs[0], &dx));
  PetscFunctionReturn(0);
}

static PetscErrorCode UnblockBackward(SpanTape tape, SpanNode node)
{
  SpanTensor dx;
  PetscFunctionBeginUser;
  PetscCall(CreateBlocked(tape, node->output, &dx));
  Move(node->output->gradient, dx, PETSC_TRUE);
  PetscCall(SpanTensorAccumulate(node->inputs[0], &dx));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanBlock(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4 && !x->channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ,
             "block: a tensor of %d axes; must be (N, H, W, C)", x->n_dims);
  PetscCall(CreateBlocked(tape, x, y));
  Move(x, *y, PETSC_TRUE);
  PetscCall(SpanTapeRecord(tape, BlockBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanUnblock(SpanTape tape, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(x->channels, PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "unblock: the tensor is not in blocks of channels");
  PetscCall(CreatePlain(tape, x, y));
  Move(*y, x, PETSC_FALSE);
  PetscCall(SpanTapeRecord(tape, UnblockBackward, 1, &x, 0, *y, &node));
  PetscFunctionReturn(0);
}
