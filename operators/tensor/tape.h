/* Reverse-mode differentiation. An operation of operations.h computes its output at once and, if the tape records and
   an input is differentiable, leaves a node with what its backward pass needs. SpanTapeBackward runs the nodes from
   last to first and frees each, so that memory falls as it goes.

   The tape also owns what every operation needs: the arena, oneDNN's engine with its compiled kernels, and the type
   that activations have. Not recording, an operation saves nothing. */
#pragma once
#include <subspan/operators/tensor/tensor.h>

typedef struct SpanTape_ *SpanTape;

PetscErrorCode SpanTapeCreate(SpanTape *tape);
/* Errors: tensors of the tape are still alive. */
PetscErrorCode SpanTapeDestroy(SpanTape *tape);
SpanArena SpanTapeArena(SpanTape tape);
PetscErrorCode SpanTapeSetRecording(SpanTape tape, PetscBool recording);
PetscBool SpanTapeIsRecording(SpanTape tape);
/* The type in which SpanCast stores activations: float32 unless set. Parameters and their gradients are always float32.
 */
PetscErrorCode SpanTapeSetType(SpanTape tape, SpanTensorType type);
SpanTensorType SpanTapeGetType(SpanTape tape);

/* The ranks that share a batch: batch norm in training takes the moments of all of them, in the same order of calls on
   each. MPI_COMM_SELF unless set; the communicator stays the caller's. */
PetscErrorCode SpanTapeSetTeam(SpanTape tape, MPI_Comm team);
MPI_Comm SpanTapeTeam(SpanTape tape);

/* Whether float32 convolutions of 3 x 3 may go by Winograd's F(4 x 4, 3 x 3) (Lavin and Gray 2016, arXiv 1509.09308),
   where oneDNN has it (2.x) and the channels are 32 or more: a quarter of the products, and a relative error of some
   1e-6 instead of 1e-7. On unless set. */
PetscErrorCode SpanTapeSetWinograd(SpanTape tape, PetscBool winograd);

/* Gradients of `output`, weighted by `seed` of the same shape (NULL: ones), into every differentiable tensor that it
   was computed from. Only those of tensors that no operation computed (parameters, inputs) are kept. The tape is empty
   afterwards. */
PetscErrorCode SpanTapeBackward(SpanTape tape, SpanTensor output, SpanTensor seed);
/* Forgets the nodes. */
PetscErrorCode SpanTapeReset(SpanTape tape);

/* Called in the backward pass once the gradient of a tensor that nobody computed (a parameter) is whole. */
typedef PetscErrorCode (*SpanTapeReady)(void *context, SpanTensor parameter);
PetscErrorCode SpanTapeOnReady(SpanTape tape, SpanTapeReady ready, void *context);

/* A part of a network: an output from inputs (NULL where there is none), no tensor kept. */
typedef PetscErrorCode (*SpanSegment)(SpanTape tape, void *context, const SpanTensor inputs[], SpanTensor *output);
/* Whether SpanTapeSegment keeps a segment's inputs alone while recording, and runs it again in the backward pass (Chen
   et al. 2016, arXiv 1604.06174): less memory for a third more work. Off unless set. */
PetscErrorCode SpanTapeSetRecompute(SpanTape tape, PetscBool recompute);
/* Runs `segment`. With recomputation the context must live until the backward pass, and parameters that the segment
   uses must not be used elsewhere. */
PetscErrorCode SpanTapeSegment(SpanTape tape, SpanSegment segment, void *context, int n_inputs,
                               const SpanTensor inputs[], SpanTensor *output);

/* For operations ------------------------------------------------------------------------------------------------- */

enum { span_node_max_inputs = 10 };

typedef struct SpanNode_ *SpanNode;
struct SpanNode_ {
  SpanNode before; /* on the tape */
  PetscErrorCode (*backward)(SpanTape tape, SpanNode node);
  int n_inputs;
  SpanTensor inputs[span_node_max_inputs]; /* with numbers only where `needs` said so */
  SpanTensor output;                       /* output->gradient is what comes in */
  PetscBool holds[span_node_max_inputs], holds_output;
  SpanTensor saved[4]; /* anything else; freed with the node */
  union {
    double real[8];
    PetscInt64 integer[8];
    void *pointer[8];
  } with;
  SpanSegment segment; /* of SpanTapeSegment */
};

/* Which numbers a backward pass reads: bit i for input i, SPAN_NEEDS_OUTPUT for the output. */
enum { SPAN_NEEDS_OUTPUT = 1 << span_node_max_inputs };

/* Leaves a node and marks the output differentiable, if the tape records and any input (NULLs are skipped) is
   differentiable; otherwise *node is NULL. */
PetscErrorCode SpanTapeRecord(SpanTape tape, PetscErrorCode (*backward)(SpanTape, SpanNode), int n_inputs,
                              const SpanTensor inputs[], unsigned needs, SpanTensor output, SpanNode *node);

struct SpanOneDNN_;
struct SpanOneDNN_ *SpanTapeOneDNN(SpanTape tape);
