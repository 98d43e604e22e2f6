/* `subspan train WHAT ...`: finds what to train. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/train/encoding/encoding.h>
#include <subspan/solvers/train/operator/operator.h>

#include <subspan/solvers/train/prior/prior.h>
#include <subspan/solvers/train/train.h>
#include <string.h>

static const struct {
  const char *name;
  PetscErrorCode (*run)(MPI_Comm comm, const char *const inputs[], int n_inputs);
} kinds[] = {{"prior", SpanTrainPrior}, {"operator", SpanTrainOperator}, {"encoding", SpanTrainEncoding}};
enum { n_kinds = sizeof kinds / sizeof kinds[0] };

PetscErrorCode SpanTrainCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  const char *names[n_kinds];
  PetscBool help;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", &help));
  if (help && !n_inputs)
    PetscCall(PetscPrintf(
        comm, "usage: subspan train prior|operator|encoding ...; `subspan train prior --help` lists options\n"));
  if (help && !n_inputs) PetscFunctionReturn(0);
  SpanCheckInput(comm, n_inputs >= 1, "train: what? `subspan train prior|operator|encoding ... -o MODEL.h5`");
  for (int i = 0; i < n_kinds; i++) {
    names[i] = kinds[i].name;
    if (strcmp(inputs[0], names[i])) continue;
    PetscCall(kinds[i].run(comm, inputs + 1, n_inputs - 1));
    PetscFunctionReturn(0);
  }
  const char *nearest = SpanOptionsNearest(inputs[0], names, n_kinds);
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "train %s: it can train prior, operator, encoding%s%s", inputs[0],
          nearest ? "; the nearest is " : "", nearest ? nearest : "");
}
