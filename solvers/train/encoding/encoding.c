/* The task of an encoding: the absolute error of graphs' targets, or the cross-entropy of nodes' labels. */
#include <subspan/base/error.h>
#include <subspan/io/hash.h>
#include <subspan/solvers/train/encoding/training.h>
#include <math.h>
#include <string.h>

const char *const span_encoding_split_names[span_encoding_splits] = {"val", "test"};

/* The data -------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Targets(SpanEncodingTraining *run)
{
  const SpanGraphData *data = &run->train;
  PetscFunctionBeginUser;
  run->n_targets = SpanGraphSetGetInfo(data->set)->n_targets;
  SpanCheckInput(run->comm, run->n_targets > 0 && run->n_targets <= span_encoding_max_targets,
                 "train encoding: the set has %" PetscInt_FMT " targets a graph; must be 1 to %d", run->n_targets,
                 (int)span_encoding_max_targets);
  for (PetscInt t = 0; t < run->n_targets; t++) {
    double sum = 0, square = 0;
    run->deviation[t] = 1;
    if (!run->options->standardise) continue;
    for (PetscInt i = 0; i < data->n; i++) sum += data->parts[i].graph.target[t];
    run->mean[t] = sum / (double)data->n;
    for (PetscInt i = 0; i < data->n; i++) square += PetscSqr((double)data->parts[i].graph.target[t] - run->mean[t]);
    run->deviation[t] = square > 0 ? sqrt(square / (double)data->n) : 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Labels(SpanEncodingTraining *run)
{
  const SpanNodeSet *s = &run->train.nodes;
  PetscFunctionBeginUser;
  SpanCheckInput(run->comm, s->label && s->mask[SPAN_NODES_TRAIN],
                 "train encoding: the graph %s has no labels, or no train_mask", run->options->group);
  run->n_targets = s->n_labels;
  PetscCall(PetscMalloc1(s->n_nodes, &run->labelled));
  for (PetscInt i = 0; i < s->n_nodes; i++)
    if (s->mask[SPAN_NODES_TRAIN][i] && s->label[i] >= 0) run->labelled[run->n_labelled++] = i;
  SpanCheckInput(run->comm, run->n_labelled > 0, "train encoding: the graph %s has no labelled node in train_mask",
                 run->options->group);
  PetscFunctionReturn(0);
}

/* A set of other graphs (--validation) must be of the same kind. */
static PetscErrorCode CheckSame(const SpanEncodingTraining *run, const char path[], const SpanGraphData *data)
{
  const SpanGraphSetInfo *own = SpanGraphSetGetInfo(run->train.set), *other = SpanGraphSetGetInfo(data->set);
  PetscFunctionBeginUser;
  SpanCheckInput(run->comm, own->n_targets == other->n_targets,
                 "%s: %" PetscInt_FMT " targets a graph, the set that is trained on has %" PetscInt_FMT, path,
                 other->n_targets, own->n_targets);
  SpanCheckInput(run->comm,
                 other->n_node_types <= PetscMax(1, own->n_node_types) && other->n_edge_types <= own->n_edge_types,
                 "%s: %" PetscInt_FMT " types of nodes and %" PetscInt_FMT
                 " of edges, more than the set that is trained on, %" PetscInt_FMT " and %" PetscInt_FMT,
                 path, other->n_node_types, other->n_edge_types, own->n_node_types, own->n_edge_types);
  PetscFunctionReturn(0);
}

static PetscErrorCode Open(SpanEncodingTraining *run, const char path[])
{
  const SpanEncodingTrainOptions *o = run->options;
  const SpanEncodingConfig *c       = &o->network.encoding;
  const char *other                 = o->train.validation[0] ? o->train.validation : path;
  PetscFunctionBeginUser;
  if (o->group[0]) {
    PetscCall(SpanGraphDataOpenNodes(run->comm, path, o->group, c->kind, c->d, &run->train));
    PetscCall(Labels(run));
    PetscFunctionReturn(0);
  }
  PetscCall(SpanGraphDataOpen(run->comm, path, "train", c->kind, c->d, &run->train));
  PetscCall(Targets(run));
  for (int s = 0; s < span_encoding_splits; s++)
    if (SpanGraphSetDetect(other, span_encoding_split_names[s])) {
      PetscCall(SpanGraphDataOpen(run->comm, other, span_encoding_split_names[s], c->kind, c->d, &run->validation[s]));
      PetscCall(CheckSame(run, other, &run->validation[s]));
    }
  PetscFunctionReturn(0);
}

static PetscErrorCode Network(SpanEncodingTraining *run)
{
  SpanGraphNetworkConfig c = run->options->network;
  PetscFunctionBeginUser;
  if (run->train.set) {
    c.features   = PetscMax(1, SpanGraphSetGetInfo(run->train.set)->n_node_types);
    c.edge_types = SpanGraphSetGetInfo(run->train.set)->n_edge_types;
  } else
    c.features = PetscMax(1, run->train.nodes.n_features);
  c.targets = run->n_targets;
  PetscCall(SpanGraphNetworkCreate(run->tape, &c, (uint64_t)run->options->train.seed, &run->network));
  PetscFunctionReturn(0);
}

/* The task -------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Fill(SpanTrainTask *task, PetscInt step, PetscInt first, PetscInt count, const PetscInt sample[])
{
  SpanEncodingTraining *run = task->context;
  PetscFunctionBeginUser;
  if (!run->chosen) PetscCall(PetscMalloc1(count, &run->chosen));
  PetscCall(PetscArraycpy(run->chosen, sample, count));
  run->step  = step;
  run->first = first;
  run->count = count;
  PetscFunctionReturn(0);
}

static PetscErrorCode Pass(SpanTrainTask *task, PetscInt first, PetscInt n, double *loss)
{
  PetscFunctionBeginUser;
  PetscCall(SpanEncodingPass(task->context, loss));
  PetscFunctionReturn(0);
}

static PetscErrorCode Validate(SpanTrainTask *task, PetscInt step, SpanTable *validations)
{
  PetscFunctionBeginUser;
  PetscCall(SpanEncodingValidate(task->context, step, validations));
  PetscFunctionReturn(0);
}

static PetscErrorCode Read(SpanTrainTask *task, SpanModel model)
{
  const SpanEncodingTraining *run = task->context;
  PetscFunctionBeginUser;
  PetscCall(SpanGraphNetworkReadWeights(run->network, model));
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(SpanTrainTask *task, const float values[], SpanModelStorage storage, SpanModel model)
{
  const SpanEncodingTraining *run = task->context;
  double taken[2 * span_encoding_max_targets];
  PetscFunctionBeginUser;
  PetscCall(SpanGraphNetworkSave(run->network, values, storage, model));
  if (!run->options->standardise) PetscFunctionReturn(0);
  for (PetscInt t = 0; t < run->n_targets; t++) {
    taken[2 * t]     = run->mean[t];
    taken[2 * t + 1] = run->deviation[t];
  }
  PetscCall(SpanModelWriteTable(model, "targets", "mean,deviation", run->n_targets, 2, taken));
  PetscFunctionReturn(0);
}

/* The driver draws the curve. */
static PetscErrorCode Pictures(SpanTrainTask *task, const char stem[])
{
  PetscFunctionBeginUser;
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(SpanTrainTask *task, const SpanTable *validations, struct cJSON *json)
{
  PetscFunctionBeginUser;
  SpanEncodingSayValidation(task->context, validations, json);
  PetscFunctionReturn(0);
}

static PetscErrorCode Plan(SpanTrainTask *task, char set[128], double *step_bytes, double *node_bytes)
{
  const SpanEncodingTraining *run = task->context;
  const SpanGraphData *data       = &run->train;
  double nodes                    = 0;
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < data->n; i++) nodes += (double)data->parts[i].graph.n_nodes;
  PetscCall(PetscSNPrintf(set, 128, "%" PetscInt_FMT " graphs of %.1f nodes", data->n, nodes / (double)data->n));
  *step_bytes = nodes / (double)data->n * (double)(run->count * data->d) * 4;
  *node_bytes = nodes * (double)data->d * 4 * run->size;
  PetscFunctionReturn(0);
}

/* The command ----------------------------------------------------------------------------------------------------- */

static PetscErrorCode Create(MPI_Comm comm, const SpanEncodingTrainOptions *options, const char path[],
                             SpanEncodingTraining *run)
{
  PetscFunctionBeginUser;
  *run = (SpanEncodingTraining){.comm = comm, .options = options};
  PetscCallMPI(MPI_Comm_rank(comm, &run->rank));
  PetscCallMPI(MPI_Comm_size(comm, &run->size));
  PetscCallMPI(MPI_Comm_dup(comm, &run->batch_comm));
  PetscCall(SpanTapeCreate(&run->tape));
  PetscCall(SpanArenaSetVarying(SpanTapeArena(run->tape), PETSC_TRUE));
  PetscCall(Open(run, path));
  /* Ranks share the graphs of a batch; a graph with labelled nodes goes through the network whole on each. */
  if (run->train.set) PetscCall(SpanTapeSetTeam(run->tape, run->batch_comm));
  PetscCall(Network(run));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanEncodingTraining *run)
{
  PetscFunctionBeginUser;
  PetscCall(SpanGraphDataClose(&run->train));
  for (int s = 0; s < span_encoding_splits; s++) PetscCall(SpanGraphDataClose(&run->validation[s]));
  PetscCall(PetscFree(run->labelled));
  PetscCall(PetscFree(run->chosen));
  PetscCall(SpanGraphNetworkDestroy(&run->network));
  PetscCall(SpanTapeDestroy(&run->tape));
  PetscCallMPI(MPI_Comm_free(&run->batch_comm));
  PetscFunctionReturn(0);
}

static PetscErrorCode Fingerprint(MPI_Comm comm, const SpanEncodingTrainOptions *o, const char path[], char text[4096])
{
  char described[2048], hash[64];
  PetscFunctionBeginUser;
  PetscCall(SpanEncodingTrainOptionsDescribe(o, described, sizeof described));
  PetscCall(SpanHashFile(comm, path, hash));
  PetscCall(PetscSNPrintf(text, 4096, "graphs %s, initial %s, %s", hash, o->train.initial, described));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainEncoding(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanEncodingTrainOptions options;
  SpanEncodingTraining run;
  char names[1024];
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanEncodingTrainOptionsRead(comm, &options, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1,
                 "train encoding: %d sets of graphs; `subspan train encoding GRAPHS.h5 -o MODEL.h5` takes one",
                 n_inputs);
  PetscCall(SpanTrainCheckFiles(comm, &options.train, inputs, n_inputs));
  PetscCall(Create(comm, &options, inputs[0], &run));
  const PetscBool graphs = (PetscBool)(run.train.set != NULL);
  SpanTrainTask task     = {.name             = "encoding",
                            .samples          = graphs ? "graphs" : "nodes",
                            .items_name       = graphs ? "graphs" : "nodes",
                            .tape             = run.tape,
                            .parameters       = SpanGraphNetworkParameters(run.network),
                            .statistics       = SpanGraphNetworkStatistics(run.network),
                            .n                = graphs ? run.train.n : run.n_labelled,
                            .items            = 1,
                            .team             = 1,
                            .validation_names = names,
                            .curve_title      = graphs ? "mean absolute error" : "cross-entropy",
                            .row_name         = "split ",
                            .context          = &run,
                            .read             = Read,
                            .fill             = Fill,
                            .pass             = Pass,
                            .validate         = SpanEncodingHasValidation(&run) ? Validate : NULL,
                            .save             = Save,
                            .pictures         = Pictures,
                            .report           = Report,
                            .plan             = Plan};
  SpanEncodingValidationNames(&run, names, &task.validation_columns);
  PetscCall(Fingerprint(comm, &options, inputs[0], task.fingerprint));
  PetscCall(SpanTrain(comm, &options.train, &task));
  PetscCall(Destroy(&run));
  PetscFunctionReturn(0);
}
