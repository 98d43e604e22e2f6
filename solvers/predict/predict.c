/* `subspan predict MODEL.h5 FIELDS.h5 -o OUT.h5`: a learned operator on fields. */
#include <subspan/base/error.h>
#include <subspan/base/events.h>
#include <subspan/base/options.h>
#include <subspan/base/progress.h>
#include <subspan/base/report.h>
#include <subspan/solvers/predict/predict.h>
#include <subspan/solvers/predict/run.h>
#include <string.h>

static PetscErrorCode ReadOptions(MPI_Comm comm, SpanPredictOptions *o, PetscBool *stop)
{
  const SpanOption table[] = {
      {"o", SPAN_OPTION_STRING, o->output, 0, 0, NULL, "the prediction, an HDF5 file for ParaView (docs/formats.md)"},
      {"group", SPAN_OPTION_STRING, o->group, 0, 0, NULL, "of a file with several sets"},
      {"stride", SPAN_OPTION_INT, &o->stride, 1, 4096, NULL, "predict on every so many-th point of the grid"},
      {"first_sample", SPAN_OPTION_INT, &o->first_sample, 0, 1e9, NULL, "number of the first sample"},
      {"samples", SPAN_OPTION_INT, &o->samples, 0, 1e9, NULL, "so many of them; 0: all"},
      {"rollout", SPAN_OPTION_INT, &o->rollout, 0, 1e6, NULL,
       "so many steps of time, each from the ones before; 0: one prediction a sample"},
      {"batch", SPAN_OPTION_INT, &o->batch, 1, 4096, NULL, "samples that go through the network at once"},
      {"team", SPAN_OPTION_INT, &o->team, 1, 4096, NULL, "ranks that share the patches of a sample"},
      {"differences", SPAN_OPTION_CHOICE, o->differences, 0, 0, "periodic|one_sided", "of the H1 error, at the edge"},
      {"json", SPAN_OPTION_STRING, o->json, 0, 0, NULL, "write the report to this file too, with each sample's errors"},
      SPAN_MONITOR_OPTION,
      {"checkpoint", SPAN_OPTION_STRING, o->checkpoint, 0, 0, NULL, "write checkpoints to this file"},
      {"checkpoint_every", SPAN_OPTION_REAL, &o->checkpoint_every, 0, 1e6, NULL, "minutes between checkpoints"},
      {"resume", SPAN_OPTION_BOOL, &o->resume, 0, 0, NULL, "go on from the checkpoint, if there is one"},
      {"plan", SPAN_OPTION_BOOL, &o->plan, 0, 0, NULL, "print what the run will need, and stop"},
      {"threads", SPAN_OPTION_INT, &o->threads, 0, 1024, NULL,
       "threads a rank; 0: OMP_NUM_THREADS, or the node's cores over its ranks"},
      {NULL, SPAN_OPTION_BOOL, NULL, 0, 0, NULL, NULL}};
  const SpanCommandHelp help = {
      "predict",
      "predict MODEL.h5 FIELDS.h5 -o OUT.h5 [--option value]...",
      "Applies a learned operator to a set of fields, at any resolution.",
      "  mpirun -n 2 subspan predict tfno.h5 darcy.h5 -o prediction.h5 --json metrics.json\n"
      "  subspan predict tfno.h5 darcy_16_32.h5 --group test32 -o prediction.h5\n"
      "  subspan predict step.h5 ns1e-4.h5 --rollout 20 --checkpoint run.h5 --resume -o rollout.h5\n"
      "  mpirun -n 4 subspan predict mg.h5 ns2048.h5 --team 4 --plan\n",
      table,
      NULL};
  PetscFunctionBeginUser;
  *o = (SpanPredictOptions){.stride = 1, .batch = 1, .team = 1, .differences = "periodic", .checkpoint_every = 10};
  PetscCall(SpanOptionsRead(comm, &help, stop));
  PetscFunctionReturn(0);
}

static PetscErrorCode Check(MPI_Comm comm, const SpanPredictOptions *o, const char *const inputs[], int n_inputs)
{
  PetscFunctionBeginUser;
  SpanCheckInput(comm, n_inputs == 2,
                 "predict: %d inputs, must be a model and a set of fields; `subspan predict MODEL.h5 FIELDS.h5 -o "
                 "OUT.h5`",
                 n_inputs);
  SpanCheckInput(comm, o->output[0] || o->plan, "predict: where to? give -o OUT.h5");
  SpanCheckInput(comm, !o->resume || o->checkpoint[0], "--resume: from what? give --checkpoint FILE");
  for (int i = 0; i < n_inputs; i++)
    SpanCheckInput(comm, strcmp(inputs[i], o->output), "%s: input and output are the same file", inputs[i]);
  if (o->plan) PetscFunctionReturn(0);
  PetscCall(SpanReportCheckPlace(comm, o->output));
  PetscCall(SpanReportCheckPlace(comm, o->json));
  PetscFunctionReturn(0);
}

static PetscErrorCode Predict(SpanPredictRun *run)
{
  PetscFunctionBeginUser;
  PetscCall(SpanPredictFrames(run));
  PetscCall(PetscLogStagePush(SpanStageWrite));
  PetscCall(SpanPredictMeasure(run));
  PetscCall(SpanPredictWrite(run));
  PetscCall(PetscLogStagePop());
  PetscCall(SpanPredictReport(run));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanPredictCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  SpanPredictOptions options;
  SpanPredictRun run;
  PetscBool stop;
  PetscFunctionBeginUser;
  PetscCall(ReadOptions(comm, &options, &stop));
  if (stop) PetscFunctionReturn(0);
  PetscCall(Check(comm, &options, inputs, n_inputs));
  PetscCall(SpanPredictCreate(comm, &options, inputs[0], inputs[1], &run));
  if (options.plan)
    PetscCall(SpanPredictPlan(&run));
  else
    PetscCall(Predict(&run));
  PetscCall(SpanPredictDestroy(&run));
  PetscFunctionReturn(0);
}
