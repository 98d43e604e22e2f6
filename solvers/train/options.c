/* The common options of trainings, their defaults, ranges and help. */
#include <subspan/base/error.h>
#include <subspan/base/progress.h>
#include <subspan/solvers/train/options.h>
#include <stdlib.h>
#include <string.h>

const SpanTrainOptions span_train_defaults = {.checkpoint_every = 10,
                                              .record_every     = 20,
                                              .validate_every   = 1000,
                                              .batch            = 32,
                                              .type             = "float32",
                                              .storage          = "float32",
                                              .optimizer        = "adam",
                                              .decay            = "cosine",
                                              .learning_rate    = 4e-4,
                                              .decay_share      = 0.4,
                                              .last_rate        = 0.01,
                                              .decay_epochs     = 100,
                                              .decay_factor     = 0.5,
                                              .beta1            = 0.9,
                                              .beta2            = 0.999,
                                              .epsilon          = 1e-8,
                                              .clip             = 1,
                                              .ema              = 0.999,
                                              .warmup           = 100};

PetscErrorCode SpanTrainOptionsList(MPI_Comm comm, const char name[], const char text[], PetscInt min, PetscInt max,
                                    PetscInt most, PetscInt list[], PetscInt *n)
{
  const char *at = text;
  PetscFunctionBeginUser;
  *n = 0;
  if (!strcmp(text, "none")) PetscFunctionReturn(0);
  for (;;) {
    char *end;
    long value = strtol(at, &end, 10);
    SpanCheckInput(comm, end != at && (*end == ',' || !*end) && value >= min && value <= max && *n < most,
                   "--%s %s: must be 1 to %" PetscInt_FMT " whole numbers from %" PetscInt_FMT " to %" PetscInt_FMT
                   " with commas between",
                   name, text, most, min, max);
    list[(*n)++] = (PetscInt)value;
    if (!*end) break;
    at = end + 1;
  }
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(MPI_Comm comm, const char name[], const SpanTrainOptions *o)
{
  PetscFunctionBeginUser;
  SpanCheckInput(comm, o->output[0] || o->plan, "%s: where to? give -o MODEL.h5", name);
  SpanCheckInput(comm, !o->resume || o->checkpoint[0], "--resume: from what? give --checkpoint FILE");
  SpanCheckInput(comm, o->steps || o->epochs > 0 || o->hours > 0 || o->plan,
                 "%s: how long? give --steps, --epochs or --hours", name);
  PetscFunctionReturn(0);
}

/* The common options that the task has none of that name for, and the task's. */
static PetscErrorCode Join(const SpanOption common[], const SpanOption own[], SpanOption **all)
{
  PetscInt n = 0, n_common = 0, n_own = 0;
  PetscFunctionBeginUser;
  while (common[n_common].name) n_common++;
  while (own[n_own].name) n_own++;
  PetscCall(PetscMalloc1(n_common + n_own + 1, all));
  for (PetscInt i = 0; i < n_common; i++) {
    const SpanOption *taken = &common[i];
    for (PetscInt k = 0; k < n_own; k++)
      if (!strcmp(own[k].name, common[i].name)) taken = &own[k];
    (*all)[n++] = *taken;
  }
  for (PetscInt k = 0; k <= n_own; k++) {
    PetscBool new = PETSC_TRUE;
    for (PetscInt i = 0; i < n_common && own[k].name; i++) new = (PetscBool)(new &&strcmp(own[k].name, common[i].name));
    if (new) (*all)[n++] = own[k];
  }
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainOptionsRead(MPI_Comm comm, const SpanCommandHelp *help, SpanTrainOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the model: HDF5, with its training curve"},
      {"validation", SPAN_OPTION_STRING, o->validation, 0, 0, NULL, "a set that is not trained on, to validate with"},
      {"initial", SPAN_OPTION_STRING, o->initial, 0, 0, NULL, "start from the weights of this model"},
      {"steps", SPAN_OPTION_INT, &o->steps, 0, 1e9, NULL, "end after so many steps; 0: no limit"},
      {"epochs", SPAN_OPTION_REAL, &o->epochs, 0, 1e9, NULL, "end after so many times through the set; 0: no limit"},
      {"hours", SPAN_OPTION_REAL, &o->hours, 0, 1e6, NULL,
       "end after so many hours, those before a resume included; 0: no limit"},
      {"batch", SPAN_OPTION_INT, &o->batch, 1, 1e6, NULL, "samples a step, over all ranks"},
      {"micro_batch", SPAN_OPTION_INT, &o->micro_batch, 0, 1e6, NULL,
       "how many of them a rank takes through the network at once, to save memory; 0: its whole share"},
      {"optimizer", SPAN_OPTION_CHOICE, o->optimizer, 0, 0, "adam|adamw|complex_adamw",
       "how the weights are changed; the last is neuraloperator's: complex weights by |g|^2, --epsilon before the bias "
       "is "
       "corrected"},
      {"learning_rate", SPAN_OPTION_REAL, &o->learning_rate, 1e-12, 10, NULL, "of the optimiser"},
      {"warmup", SPAN_OPTION_INT, &o->warmup, 0, 1e9, NULL, "steps over which the learning rate rises"},
      {"decay", SPAN_OPTION_CHOICE, o->decay, 0, 0, "none|linear|cosine|step", "how the learning rate falls"},
      {"decay_share", SPAN_OPTION_REAL, &o->decay_share, 0, 1, NULL,
       "linear, cosine: share of the run, at its end, over which it falls"},
      {"last_rate", SPAN_OPTION_REAL, &o->last_rate, 0, 1, NULL,
       "linear, cosine: what it falls to, over --learning_rate"},
      {"decay_epochs", SPAN_OPTION_REAL, &o->decay_epochs, 1e-3, 1e9, NULL, "step: times through the set to a fall"},
      {"decay_factor", SPAN_OPTION_REAL, &o->decay_factor, 0, 1, NULL, "step: what a fall leaves of it"},
      {"beta1", SPAN_OPTION_REAL, &o->beta1, 0, 0.99999, NULL, "decay of the gradient's mean"},
      {"beta2", SPAN_OPTION_REAL, &o->beta2, 0, 0.9999999, NULL, "decay of the gradient's square"},
      {"epsilon", SPAN_OPTION_REAL, &o->epsilon, 0, 1, NULL, "added to the root of the mean square"},
      {"weight_decay", SPAN_OPTION_REAL, &o->weight_decay, 0, 10, NULL, "of the weights"},
      {"clip", SPAN_OPTION_REAL, &o->clip, 0, 1e9, NULL, "largest global norm of a gradient; 0: any"},
      {"ema", SPAN_OPTION_REAL, &o->ema, 0, 0.9999999, NULL, "decay of the average of the weights that is kept"},
      {"type", SPAN_OPTION_CHOICE, o->type, 0, 0, "float32|bfloat16", "of the activations"},
      {"seed", SPAN_OPTION_INT, &o->seed, 0, 9e15, NULL, "of every random number"},
      {"record_every", SPAN_OPTION_INT, &o->record_every, 1, 1e9, NULL, "steps to a point of the training curve"},
      {"validate_every", SPAN_OPTION_INT, &o->validate_every, 0, 1e9, NULL, "steps between validations; 0: at the end"},
      {"storage", SPAN_OPTION_CHOICE, o->storage, 0, 0, "float32|float16", "of the weights in the model file"},
      {"pictures", SPAN_OPTION_STRING, o->pictures, 0, 0, NULL, "stem of the PNGs; without it the model's name; none"},
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the report to this file too"},
      SPAN_MONITOR_OPTION,
      {"checkpoint", SPAN_OPTION_STRING, o->checkpoint, 0, 0, NULL, "write checkpoints to this file"},
      {"checkpoint_every", SPAN_OPTION_REAL, &o->checkpoint_every, 0, 1e6, NULL, "minutes between checkpoints"},
      {"resume", SPAN_OPTION_BOOL, &o->resume, 0, 0, NULL, "go on from the checkpoint, if there is one"},
      {"plan", SPAN_OPTION_BOOL, &o->plan, 0, 0, NULL, "print what the run will need, and stop"},
      {"threads", SPAN_OPTION_INT, &o->threads, 0, 1024, NULL,
       "threads a rank; 0: OMP_NUM_THREADS, or the node's cores over its ranks"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  SpanCommandHelp joined = *help;
  SpanOption *all;
  PetscFunctionBeginUser;
  PetscCall(Join(table, help->options, &all));
  joined.options      = all;
  PetscErrorCode ierr = SpanOptionsRead(comm, &joined, stop);
  PetscCall(PetscFree(all));
  PetscCall(ierr);
  if (!*stop) PetscCall(Check(comm, help->name, o));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanTrainOptionsDescribe(const SpanTrainOptions *o, char text[], size_t size)
{
  PetscFunctionBeginUser;
  PetscCall(PetscSNPrintf(text, size,
                          "batch %" PetscInt_FMT ", micro_batch %" PetscInt_FMT
                          ", optimizer %s, learning_rate %g, beta1 %g, beta2 %g, epsilon %g, weight_decay %g, clip %g, "
                          "ema %g, type %s, seed %" PetscInt_FMT,
                          o->batch, o->micro_batch, o->optimizer, o->learning_rate, o->beta1, o->beta2, o->epsilon,
                          o->weight_decay, o->clip, o->ema, o->type, o->seed));
  PetscFunctionReturn(0);
}
