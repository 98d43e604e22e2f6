/* `subspan simulate WHAT ...`: finds what to simulate. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/simulate/mri.h>
#include <subspan/solvers/simulate/simulate.h>
#include <string.h>

PetscErrorCode SpanSimulateCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  const char *const kinds[] = {"mri"};
  PetscBool help;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", &help));
  SpanCheckInput(comm, n_inputs >= 1 || help, "simulate: what? `subspan simulate mri IMAGE -o SCAN.h5`");
  if (n_inputs) {
    const char *nearest = SpanOptionsNearest(inputs[0], kinds, 1);
    SpanCheckInput(comm, !strcmp(inputs[0], "mri"), "simulate %s: it can simulate mri%s", inputs[0],
                   nearest ? "; did you mean that?" : "");
  }
  PetscCall(SpanSimulateMRI(comm, inputs + 1, n_inputs ? n_inputs - 1 : 0));
  PetscFunctionReturn(0);
}
