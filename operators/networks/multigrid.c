/* On the tape: x is shared out to the batches by `Cut`, the outputs of a batch are put among those of all patches by
   `Place`, which works on the same memory one after the other, and `Join` completes them over the team and puts them
   together. `Spread` stands before all cuts: its backward pass sums the gradient of x over the team. */
#include <math.h>
#include <subspan/base/error.h>
#include <subspan/base/layout.h>
#include <subspan/operators/networks/multigrid.h>

/* What the backward pass needs of one evaluation; held by the tape in a tensor. */
typedef struct {
  SpanPatchGeometry geometry;
  MPI_Comm team;
  PetscInt n_images, h, w, c, out, n, size, batch, n_batches; /* n: patches; size: points of one */
  SpanPatchOrigin origins[];
} Patches;

PetscErrorCode SpanMultigridGeometry(PetscInt levels, double padding, PetscInt h, PetscInt w, SpanPatchGeometry *g)
{
  const PetscInt parts = (PetscInt)1 << levels, margin = (PetscInt)rint(padding * (double)h);
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, h % (2 * parts) == 0 && w % (2 * parts) == 0,
                 "multi-grid patches of %" PetscInt_FMT " levels: %" PetscInt_FMT " x %" PetscInt_FMT
                 " points are not divisible by %" PetscInt_FMT,
                 levels, h, w, 2 * parts);
  SpanCheckInput(PETSC_COMM_SELF, (PetscInt)rint(padding * (double)w) == margin,
                 "multi-grid patches: a padding of %g of %" PetscInt_FMT " and of %" PetscInt_FMT
                 " points differs; it must be the same on both axes",
                 padding, h, w);
  *g = (SpanPatchGeometry){.rows       = h / parts + 2 * margin,
                           .columns    = w / parts + 2 * margin,
                           .margin     = margin,
                           .boundary   = SPAN_BOUNDARY_CIRCULAR,
                           .coarsening = SPAN_COARSEN_SUBSAMPLE,
                           .n_levels   = levels};
  for (PetscInt l = 0; l < levels; l++) g->level[l] = l + 1;
  PetscCall(SpanPatchGeometryCheck(g, h, w));
  PetscFunctionReturn(0);
}

static Patches *Held(SpanTensor held) { return (Patches *)held->data; }

static PetscErrorCode Hold(SpanTape tape, const SpanPatchGeometry *geometry, MPI_Comm team, PetscInt batch,
                           PetscInt out_channels, SpanTensor x, SpanTensor *held)
{
  const PetscInt shift[2] = {0, 0};
  SpanPatchOrigin *origins;
  PetscInt n;
  PetscFunctionBeginUser;
  PetscCall(SpanPatchesGrid(geometry, (PetscInt)x->shape[0], (PetscInt)x->shape[1], (PetscInt)x->shape[2], shift, &n,
                            &origins));
  const PetscInt64 floats = (PetscInt64)((sizeof(Patches) + (size_t)n * sizeof *origins + 3) / 4);
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 1, &floats, held));
  Patches *p = Held(*held);
  *p         = (Patches){.geometry  = *geometry,
                         .team      = team,
                         .n_images  = (PetscInt)x->shape[0],
                         .h         = (PetscInt)x->shape[1],
                         .w         = (PetscInt)x->shape[2],
                         .c         = (PetscInt)x->shape[3],
                         .out       = out_channels,
                         .n         = n,
                         .size      = geometry->rows * geometry->columns,
                         .batch     = PetscMin(batch, n),
                         .n_batches = (n + PetscMin(batch, n) - 1) / PetscMin(batch, n)};
  PetscCall(PetscArraycpy(p->origins, origins, n));
  PetscCall(PetscFree(origins));
  PetscFunctionReturn(0);
}

static PetscErrorCode Keep(SpanNode node, SpanTensor held)
{
  PetscFunctionBeginUser;
  if (!node) PetscFunctionReturn(0);
  PetscCall(SpanTensorReference(held));
  node->saved[0] = held;
  PetscFunctionReturn(0);
}

static PetscErrorCode Pass(SpanNode node, int input)
{
  SpanTensor gradient = node->output->gradient;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorReference(gradient));
  PetscCall(SpanTensorAccumulate(node->inputs[input], &gradient));
  PetscFunctionReturn(0);
}

static PetscErrorCode SpreadBackward(SpanTape tape, SpanNode node)
{
  SpanTensor sum;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(node->output, &sum));
  PetscCheck(sum->size <= PETSC_MPI_INT_MAX, PETSC_COMM_SELF, PETSC_ERR_ARG_OUTOFRANGE,
             "a field of %lld numbers is too large to sum over ranks", (long long)sum->size);
  PetscCallMPI(MPI_Allreduce(node->output->gradient->data, sum->data, (int)sum->size, MPI_FLOAT, MPI_SUM,
                             Held(node->saved[0])->team));
  PetscCall(SpanTensorAccumulate(node->inputs[0], &sum));
  PetscFunctionReturn(0);
}

static PetscErrorCode Spread(SpanTape tape, SpanTensor held, SpanTensor x, SpanTensor *y)
{
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorView(x, x->n_dims, x->shape, y));
  PetscCall(SpanTapeRecord(tape, SpreadBackward, 1, &x, 0, *y, &node));
  PetscCall(Keep(node, held));
  PetscFunctionReturn(0);
}

static PetscErrorCode CutBackward(SpanTape tape, SpanNode node)
{
  const Patches *p     = Held(node->saved[0]);
  const PetscInt first = (PetscInt)node->with.integer[0], n = (PetscInt)node->output->shape[0];
  SpanTensor dx;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(node->inputs[0], &dx));
  SpanPatchesCutTransposed(&p->geometry, p->n_images, p->h, p->w, p->c, n, p->origins + first,
                           SpanTensorFloats(node->output->gradient), SpanTensorFloats(dx));
  PetscCall(SpanTensorAccumulate(node->inputs[0], &dx));
  PetscFunctionReturn(0);
}

static PetscErrorCode Cut(SpanTape tape, SpanTensor held, SpanTensor x, PetscInt first, PetscInt n, SpanTensor *y)
{
  const Patches *p         = Held(held);
  const PetscInt64 dims[4] = {n, p->geometry.rows, p->geometry.columns, SpanPatchChannels(&p->geometry, p->c)};
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, dims, y));
  SpanPatchesCut(&p->geometry, p->h, p->w, p->c, SpanTensorFloats(x), n, p->origins + first, SpanTensorFloats(*y));
  PetscCall(SpanTapeRecord(tape, CutBackward, 1, &x, 0, *y, &node));
  PetscCall(Keep(node, held));
  if (node) node->with.integer[0] = first;
  PetscFunctionReturn(0);
}

/* Zeros, whose gradient of x is zero: what a rank starts from, so that one without patches takes part in the sum. */
static PetscErrorCode NothingBackward(SpanTape tape, SpanNode node)
{
  SpanTensor dx;
  PetscFunctionBeginUser;
  if (!node->inputs[0]->differentiable) PetscFunctionReturn(0);
  PetscCall(SpanTensorCreateLike(node->inputs[0], &dx));
  PetscCall(PetscArrayzero(SpanTensorFloats(dx), dx->size));
  PetscCall(SpanTensorAccumulate(node->inputs[0], &dx));
  PetscFunctionReturn(0);
}

/* Room for whole batches, as SpanPatchesGather wants it. */
static PetscErrorCode Nothing(SpanTape tape, SpanTensor held, SpanTensor x, SpanTensor *all)
{
  const Patches *p         = Held(held);
  const PetscInt64 dims[3] = {p->n_batches * p->batch, p->size, p->out};
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 3, dims, all));
  PetscCall(PetscArrayzero(SpanTensorFloats(*all), (*all)->size));
  PetscCall(SpanTapeRecord(tape, NothingBackward, 1, &x, 0, *all, &node));
  PetscFunctionReturn(0);
}

static PetscErrorCode PlaceBackward(SpanTape tape, SpanNode node)
{
  SpanTensor part  = node->inputs[1], gradient;
  const Patches *p = Held(node->saved[0]);
  PetscFunctionBeginUser;
  if (part->differentiable) {
    PetscCall(SpanTensorCreateLike(part, &gradient));
    PetscCall(PetscArraycpy(SpanTensorFloats(gradient),
                            SpanTensorFloats(node->output->gradient) + node->with.integer[0] * p->size * p->out,
                            gradient->size));
    PetscCall(SpanTensorAccumulate(part, &gradient));
  }
  if (node->inputs[0]->differentiable) PetscCall(Pass(node, 0));
  PetscFunctionReturn(0);
}

/* Puts the outputs of a batch among *all; takes its share and gives that of the result. */
static PetscErrorCode Place(SpanTape tape, SpanTensor held, SpanTensor part, PetscInt first, SpanTensor *all)
{
  const Patches *p = Held(held);
  SpanTensor given = *all, result;
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCheck(part->n_dims == 4 && part->shape[3] == p->out && part->shape[1] * part->shape[2] == p->size,
             PETSC_COMM_SELF, PETSC_ERR_ARG_SIZ, "a network gives %lld channels, not %" PetscInt_FMT,
             (long long)part->shape[part->n_dims - 1], p->out);
  PetscCall(SpanTensorReuse(given, &result));
  PetscCall(PetscArraycpy(SpanTensorFloats(result) + first * p->size * p->out, SpanTensorFloats(part), part->size));
  PetscCall(SpanTapeRecord(tape, PlaceBackward, 2, (SpanTensor[2]){given, part}, 0, result, &node));
  PetscCall(Keep(node, held));
  if (node) node->with.integer[0] = first;
  PetscCall(SpanTensorDrop(&given));
  *all = result;
  PetscFunctionReturn(0);
}

static PetscErrorCode JoinBackward(SpanTape tape, SpanNode node)
{
  const Patches *p = Held(node->saved[0]);
  SpanTensor d;
  PetscFunctionBeginUser;
  PetscCall(SpanTensorCreateLike(node->inputs[0], &d));
  PetscCall(PetscArrayzero(SpanTensorFloats(d), d->size));
  SpanPatchesJoinTransposed(&p->geometry, p->n_images, p->h, p->w, p->out, p->n, p->origins,
                            SpanTensorFloats(node->output->gradient), SpanTensorFloats(d));
  PetscCall(SpanTensorAccumulate(node->inputs[0], &d));
  PetscFunctionReturn(0);
}

static PetscErrorCode Join(SpanTape tape, SpanTensor held, SpanTensor all, SpanTensor *y)
{
  const Patches *p         = Held(held);
  const PetscInt64 dims[4] = {p->n_images, p->h, p->w, p->out};
  SpanNode node;
  PetscFunctionBeginUser;
  PetscCall(SpanPatchesGather(p->team, p->n_batches, p->batch * p->size * p->out, SpanTensorFloats(all)));
  PetscCall(SpanTensorCreate(SpanTapeArena(tape), SPAN_FLOAT32, 4, dims, y));
  PetscCall(SpanPatchesJoin(&p->geometry, p->n_images, p->h, p->w, p->out, p->n, p->origins, SpanTensorFloats(all),
                            SpanTensorFloats(*y)));
  PetscCall(SpanTapeRecord(tape, JoinBackward, 1, &all, 0, *y, &node));
  PetscCall(Keep(node, held));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanMultigridApply(SpanTape tape, const SpanPatchGeometry *geometry, MPI_Comm team, PetscInt batch,
                                  SpanPatchNetwork network, void *context, PetscInt out_channels, SpanTensor x,
                                  SpanTensor *y)
{
  SpanTensor held, spread, all, patches, out;
  PetscInt first, count;
  int rank, ranks;
  PetscFunctionBeginUser;
  PetscCheck(x->n_dims == 4 && x->type == SPAN_FLOAT32, team, PETSC_ERR_ARG_SIZ,
             "multi-grid patches are of fields (N, H, W, C), float32");
  PetscCallMPI(MPI_Comm_rank(team, &rank));
  PetscCallMPI(MPI_Comm_size(team, &ranks));
  PetscCall(Hold(tape, geometry, team, batch, out_channels, x, &held));
  const Patches *p = Held(held);
  PetscCall(Spread(tape, held, x, &spread));
  PetscCall(Nothing(tape, held, spread, &all));
  SpanShare(p->n_batches, ranks, rank, &first, &count);
  for (PetscInt i = first * p->batch; i < (first + count) * p->batch; i += p->batch) {
    PetscCall(Cut(tape, held, spread, i, PetscMin(p->batch, p->n - i), &patches));
    PetscCall(network(tape, context, patches, &out));
    PetscCall(SpanTensorDestroy(&patches));
    PetscCall(Place(tape, held, out, i, &all));
    PetscCall(SpanTensorDestroy(&out));
  }
  PetscCall(Join(tape, held, all, y));
  PetscCall(SpanTensorDestroy(&all));
  PetscCall(SpanTensorDestroy(&spread));
  PetscCall(SpanTensorDestroy(&held));
  PetscFunctionReturn(0);
}
