/* The task of a neural operator: the relative error of the fields that it gives. */
#include <subspan/base/error.h>
#include <subspan/io/hash.h>
#include <subspan/solvers/train/operator/training.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* The data ------------------------------------------------------------------------------------------------------- */

static PetscErrorCode OpenTest(SpanOperatorTraining *t, const char path[], const char group[], PetscInt first,
                               PetscInt stride)
{
  const SpanOperatorView view = {.stride = stride, .history = t->options->history};
  PetscFunctionBeginUser;
  SpanCheckInput(t->layout.world, t->n_tests < span_operator_max_tests,
                 "--validation_groups and --validation_strides: more than %d sets", (int)span_operator_max_tests);
  PetscCall(SpanOperatorSamplesOpen(t->layout.world, path, group, first, -1, &view, PETSC_TRUE, &t->tests[t->n_tests]));
  const SpanOperatorShape *a = SpanOperatorSamplesShape(t->samples),
                          *b = SpanOperatorSamplesShape(t->tests[t->n_tests]);
  t->n_tests++;
  SpanCheckInput(t->layout.world,
                 a->n_axes == b->n_axes && a->in_channels == b->in_channels && a->out_channels == b->out_channels,
                 "%s: %d axes and %" PetscInt_FMT " to %" PetscInt_FMT
                 " channels; the training set %s has %d axes and %" PetscInt_FMT " to %" PetscInt_FMT,
                 path, b->n_axes, b->in_channels, b->out_channels, SpanOperatorSamplesName(t->samples), a->n_axes,
                 a->in_channels, a->out_channels);
  PetscFunctionReturn(0);
}

/* All of them at each stride. */
static PetscErrorCode OpenTests(SpanOperatorTraining *t, const char path[], const char group[], PetscInt first)
{
  PetscFunctionBeginUser;
  for (PetscInt i = 0; i < t->options->n_strides; i++)
    PetscCall(OpenTest(t, path, group, first, t->options->strides[i]));
  PetscFunctionReturn(0);
}

static PetscErrorCode Tests(SpanOperatorTraining *t, const char path[], PetscInt held_first)
{
  const SpanOperatorTrainOptions *o = t->options;
  char list[PETSC_MAX_PATH_LEN], *state;
  PetscFunctionBeginUser;
  if (o->train.validation[0]) path = o->train.validation;
  PetscCall(PetscStrncpy(list, o->validation_groups, sizeof list));
  if (list[0])
    for (char *group = strtok_r(list, ",", &state); group; group = strtok_r(NULL, ",", &state))
      PetscCall(OpenTests(t, path, group, 0));
  else if (o->train.validation[0])
    PetscCall(OpenTests(t, path, "", 0));
  else if (held_first > 0)
    PetscCall(OpenTests(t, path, o->group, held_first));
  PetscFunctionReturn(0);
}

static PetscErrorCode Sets(SpanOperatorTraining *t, const char path[])
{
  const SpanOperatorTrainOptions *o = t->options;
  const SpanOperatorView view       = {.stride = o->stride, .history = o->history};
  const PetscBool holds = (PetscBool)(!o->train.validation[0] && !o->validation_groups[0] && o->held_share > 0);
  SpanFields fields;
  PetscFunctionBeginUser;
  PetscCall(SpanFieldsOpen(t->layout.world, path, o->group, &fields));
  const PetscInt all = SpanFieldsGetInfo(fields)->n_samples;
  PetscCall(SpanFieldsClose(&fields));
  SpanCheckInput(t->layout.world, o->samples <= all, "%s: has %" PetscInt_FMT " samples, --samples is %" PetscInt_FMT,
                 path, all, o->samples);
  const PetscInt left = holds ? all - (PetscInt)ceil(o->held_share * (double)all) : all;
  SpanCheckInput(t->layout.world, left > 0, "%s: %" PetscInt_FMT " samples, all of them held out by --held_share %g",
                 path, all, o->held_share);
  const PetscInt n = o->samples ? PetscMin(o->samples, left) : left;
  PetscCall(SpanOperatorSamplesOpen(t->layout.world, path, o->group, 0, n, &view, PETSC_TRUE, &t->samples));
  PetscCall(Tests(t, path, holds ? left : 0));
  PetscFunctionReturn(0);
}

/* Frequencies in use at this step; all once modes_epochs are over. */
static void SetModes(SpanOperatorTraining *t, PetscInt step)
{
  const SpanOperatorTrainOptions *o = t->options;
  const SpanFNOConfig *c            = &SpanOperatorGetConfig(t->op)->fno;
  const double epoch = (double)step * (double)o->train.batch / (double)SpanOperatorSamplesShape(t->samples)->n;
  PetscInt active[span_spectral_max_axes];
  if (o->modes_epochs == 0) return;
  for (PetscInt a = 0; a < c->n_axes; a++)
    active[a] = (PetscInt)ceil((double)c->modes[a] * fmin(1, 0.25 + 0.75 * epoch / o->modes_epochs));
  SpanFNOSetActiveModes(SpanOperatorFNO(t->op), epoch < o->modes_epochs ? active : NULL);
}

static PetscErrorCode Fill(SpanTrainTask *task, PetscInt step, PetscInt first, PetscInt count, const PetscInt sample[])
{
  SpanOperatorTraining *t    = task->context;
  const SpanOperatorShape *s = SpanOperatorSamplesShape(t->samples);
  PetscFunctionBeginUser;
  if (!t->count) PetscCall(PetscMalloc2(count * s->in_size, &t->input, count * s->out_size, &t->output));
  t->count = count;
  for (PetscInt i = 0; i < count; i++)
    PetscCall(SpanOperatorSamplesGet(t->samples, sample[i], t->input + i * s->in_size, t->output + i * s->out_size));
  SetModes(t, step);
  PetscFunctionReturn(0);
}

/* The loss ------------------------------------------------------------------------------------------------------- */

static PetscErrorCode Pass(SpanTrainTask *task, PetscInt first, PetscInt n, double *loss)
{
  SpanOperatorTraining *t    = task->context;
  const SpanOperatorShape *s = SpanOperatorSamplesShape(t->samples);
  SpanTensor x, truth, y, error, seed;
  float share = (float)n / (float)t->options->train.batch;
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorSamplesTensors(t->samples, SpanTapeArena(t->tape), n, t->input + first * s->in_size,
                                       t->output + first * s->out_size, &x, &truth));
  PetscCall(SpanTensorWrap(SpanTapeArena(t->tape), 0, NULL, &share, &seed));
  PetscCall(SpanTapeSetRecording(t->tape, PETSC_TRUE));
  PetscCall(SpanOperatorApply(t->tape, t->op, t->layout.team, x, &y));
  PetscCall(SpanSobolevError(t->tape, y, truth, t->options->order, t->options->periodic,
                             t->options->normalised_loss ? t->offset : NULL, &error, NULL));
  PetscCall(SpanTensorDestroy(&y));
  if (!t->layout.team_rank) *loss += (double)share * (double)*SpanTensorFloats(error);
  PetscCall(SpanTapeBackward(t->tape, error, seed));
  PetscCall(SpanTapeSetRecording(t->tape, PETSC_FALSE));
  PetscCall(SpanTensorDestroy(&error));
  PetscCall(SpanTensorDestroy(&seed));
  PetscCall(SpanTensorDestroy(&truth));
  PetscCall(SpanTensorDestroy(&x));
  PetscFunctionReturn(0);
}

static PetscErrorCode Validate(SpanTrainTask *task, PetscInt step, SpanTable *validations)
{
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorValidate(task->context, step, validations));
  PetscFunctionReturn(0);
}

/* The model ------------------------------------------------------------------------------------------------------ */

static PetscErrorCode Read(SpanTrainTask *task, SpanModel model)
{
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorReadWeights(((SpanOperatorTraining *)task->context)->op, model));
  PetscFunctionReturn(0);
}

static PetscErrorCode Save(SpanTrainTask *task, const float values[], SpanModelStorage storage, SpanModel model)
{
  SpanOperatorTraining *t    = task->context;
  const SpanFieldsInfo *info = SpanOperatorSamplesInfo(t->samples);
  const double history       = (double)t->options->history;
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorSave(t->op, values, storage, model));
  PetscCall(SpanModelWriteNumbers(model, "history", 1, &history));
  PetscCall(SpanModelWriteText(model, "equation", info->equation));
  PetscCall(SpanModelWriteText(model, "input", info->input));
  PetscCall(SpanModelWriteText(model, "output", info->output));
  PetscFunctionReturn(0);
}

static PetscErrorCode Pictures(SpanTrainTask *task, const char stem[])
{
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorPictures(task->context, stem));
  PetscFunctionReturn(0);
}

static PetscErrorCode Report(SpanTrainTask *task, const SpanTable *validations, struct cJSON *json)
{
  PetscFunctionBeginUser;
  SpanOperatorSayValidation(json, validations->rows, validations->values);
  PetscFunctionReturn(0);
}

static PetscErrorCode Plan(SpanTrainTask *task, char set[128], double *step_bytes, double *node_bytes)
{
  SpanOperatorTraining *t    = task->context;
  const SpanOperatorShape *s = SpanOperatorSamplesShape(t->samples);
  char points[64]            = "";
  PetscFunctionBeginUser;
  for (int i = 0; i < s->n_axes; i++) {
    const size_t at = strlen(points);
    snprintf(points + at, sizeof points - at, "%s%" PetscInt_FMT, i ? " x " : "", s->points[i]);
  }
  PetscCall(PetscSNPrintf(set, 128, "%" PetscInt_FMT " fields of %s, %" PetscInt_FMT " to %" PetscInt_FMT " channels",
                          s->n, points, s->in_channels, s->out_channels));
  *step_bytes = 4 * (double)t->count * (double)(s->in_size + s->out_size);
  *node_bytes = SpanOperatorSamplesMemory(t->samples);
  for (int k = 0; k < t->n_tests; k++) *node_bytes += SpanOperatorSamplesMemory(t->tests[k]);
  PetscFunctionReturn(0);
}

/* The command ---------------------------------------------------------------------------------------------------- */

/* What follows from the data: axes, channels, moments. */
static PetscErrorCode Configure(SpanOperatorTraining *t, SpanOperatorConfig *c)
{
  const SpanOperatorTrainOptions *o = t->options;
  const SpanOperatorShape *s        = SpanOperatorSamplesShape(t->samples);
  PetscFunctionBeginUser;
  *c                  = o->config;
  c->fno.n_axes       = s->n_axes;
  c->fno.in_channels  = s->in_channels;
  c->fno.out_channels = s->out_channels;
  SpanCheckInput(t->layout.world,
                 s->in_channels <= span_operator_max_channels && s->out_channels <= span_operator_max_channels,
                 "%s: %" PetscInt_FMT " to %" PetscInt_FMT " channels, at most %d are possible",
                 SpanOperatorSamplesName(t->samples), s->in_channels, s->out_channels, (int)span_operator_max_channels);
  SpanCheckInput(t->layout.world, o->n_modes == 1 || o->n_modes == s->n_axes,
                 "--modes %s: %" PetscInt_FMT " numbers, the fields of %s have %d axes", o->modes, o->n_modes,
                 SpanOperatorSamplesName(t->samples), s->n_axes);
  for (int a = 0; a < s->n_axes; a++) c->fno.modes[a] = o->config.fno.modes[o->n_modes == 1 ? 0 : a];
  PetscCall(
      SpanOperatorSamplesMoments(t->samples, c->input_mean, c->input_deviation, c->output_mean, c->output_deviation));
  for (PetscInt k = 0; k < s->out_channels; k++) t->offset[k] = (float)c->output_mean[k];
  PetscFunctionReturn(0);
}

/* The spectral weights are complex. */
static PetscErrorCode FindComplex(SpanOperatorTraining *t)
{
  SpanParameters p = SpanOperatorParameters(t->op);
  PetscFunctionBeginUser;
  PetscCall(PetscMalloc1(SpanParametersCount(p), &t->complex_range));
  for (PetscInt i = 0; i < SpanParametersCount(p); i++) {
    const char *name;
    SpanTensor tensor;
    PetscInt64 first;
    PetscCall(SpanParametersGet(p, i, &name, &tensor, &first));
    if (!strstr(name, ".convs.") || tensor->n_dims < 2) continue;
    t->complex_range[t->n_complex][0]   = first;
    t->complex_range[t->n_complex++][1] = tensor->size;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Create(MPI_Comm comm, const SpanOperatorTrainOptions *options, const char path[],
                             SpanOperatorTraining *t)
{
  SpanOperatorConfig config;
  PetscFunctionBeginUser;
  *t = (SpanOperatorTraining){.options = options};
  PetscCall(SpanLayoutCreate(comm, options->train.batch, options->team, &t->layout));
  PetscCall(SpanTapeCreate(&t->tape));
  PetscCall(SpanTapeSetType(t->tape, strcmp(options->train.type, "bfloat16") ? SPAN_FLOAT32 : SPAN_BFLOAT16));
  PetscCall(Sets(t, path));
  PetscCall(Configure(t, &config));
  PetscCall(SpanOperatorCreate(t->tape, &config, (uint64_t)options->train.seed, &t->op));
  PetscCall(FindComplex(t));
  PetscFunctionReturn(0);
}

static PetscErrorCode Destroy(SpanOperatorTraining *t)
{
  PetscFunctionBeginUser;
  PetscCall(PetscFree2(t->input, t->output));
  PetscCall(PetscFree(t->complex_range));
  PetscCall(SpanOperatorSamplesClose(&t->samples));
  for (int k = 0; k < t->n_tests; k++) PetscCall(SpanOperatorSamplesClose(&t->tests[k]));
  PetscCall(SpanOperatorDestroy(&t->op));
  PetscCall(SpanTapeDestroy(&t->tape));
  PetscCall(SpanLayoutDestroy(&t->layout));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainOperator(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanOperatorTrainOptions options;
  SpanOperatorTraining t;
  char described[2048], hash[64];
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(SpanOperatorTrainOptionsRead(comm, &options, &stop));
  if (stop) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs == 1,
                 "train operator: %d inputs, must be one set of fields; `subspan train operator FIELDS.h5 -o MODEL.h5`",
                 n_inputs);
  PetscCall(SpanTrainCheckFiles(comm, &options.train, inputs, n_inputs));
  PetscCall(Create(comm, &options, inputs[0], &t));
  SpanTrainTask task = {.name               = "operator",
                        .samples            = "fields",
                        .items_name         = "fields",
                        .tape               = t.tape,
                        .parameters         = SpanOperatorParameters(t.op),
                        .n_complex          = t.n_complex,
                        .complex_range      = (const PetscInt64(*)[2])t.complex_range,
                        .n                  = SpanOperatorSamplesShape(t.samples)->n,
                        .items              = 1,
                        .team               = (int)options.team,
                        .validation_names   = span_operator_validation_names,
                        .validation_columns = span_operator_validation_columns,
                        .curve_title        = options.order == SPAN_H1
                                                  ? "relative error: training in H1, validation in L2 by points an axis"
                                                  : "relative error in L2, validation by points an axis",
                        .row_name           = "at ",
                        .context            = &t,
                        .read               = Read,
                        .fill               = Fill,
                        .pass               = Pass,
                        .validate           = t.n_tests ? Validate : NULL,
                        .save               = Save,
                        .pictures           = Pictures,
                        .report             = Report,
                        .plan               = Plan};
  PetscCall(SpanHashFile(comm, inputs[0], hash));
  PetscCall(SpanOperatorTrainOptionsDescribe(&options, described, sizeof described));
  PetscCall(PetscSNPrintf(task.fingerprint, sizeof task.fingerprint, "fields %s, initial %s, %s", hash,
                          options.train.initial, described));
  PetscCall(SpanTrain(comm, &options.train, &task));
  PetscCall(Destroy(&t));
  PetscFunctionReturn(0);
}
