/* `subspan train WHAT ...`: finds what to train. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/train/prior.h>
#include <subspan/solvers/train/train.h>
#include <string.h>

PetscErrorCode SpanTrainCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  const char *const kinds[] = {"prior"};
  PetscBool help;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", &help));
  SpanCheckInput(comm, n_inputs >= 1 || help, "train: what? `subspan train prior IMAGES... -o MODEL.h5`");
  if (n_inputs) {
    const char *nearest = SpanOptionsNearest(inputs[0], kinds, 1);
    SpanCheckInput(comm, !strcmp(inputs[0], "prior"), "train %s: it can train a prior%s", inputs[0],
                   nearest ? "; did you mean that?" : "");
  }
  PetscCall(SpanTrainPrior(comm, inputs + 1, n_inputs ? n_inputs - 1 : 0));
  PetscFunctionReturn(0);
}
