/* `subspan train WHAT ...`: finds what to train. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/train/encoding/encoding.h>
#include <subspan/solvers/train/prior.h>
#include <subspan/solvers/train/train.h>
#include <string.h>

static const struct {
  const char *name;
  PetscErrorCode (*train)(MPI_Comm comm, const char *const inputs[], int n_inputs);
} kinds[] = {{"prior", SpanTrainPrior}, {"encoding", SpanTrainEncoding}};
enum { n_kinds = sizeof kinds / sizeof kinds[0] };

PetscErrorCode SpanTrainCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  const char *names[n_kinds];
  int kind = 0;
  PetscBool help;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", &help));
  SpanCheckInput(comm, n_inputs >= 1 || help,
                 "train: what? `subspan train prior IMAGES... -o MODEL.h5` or `train encoding GRAPHS -o MODEL.h5`");
  for (int k = 0; k < n_kinds; k++) names[k] = kinds[k].name;
  if (n_inputs) {
    const char *nearest = SpanOptionsNearest(inputs[0], names, n_kinds);
    while (kind < n_kinds && strcmp(inputs[0], names[kind])) kind++;
    SpanCheckInput(comm, kind < n_kinds, "train %s: it can train a prior or an encoding%s%s%s", inputs[0],
                   nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
  }
  PetscCall(kinds[kind].train(comm, inputs + 1, n_inputs ? n_inputs - 1 : 0));
  PetscFunctionReturn(0);
}
