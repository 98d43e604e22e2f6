/* `subspan simulate WHAT ...`: finds what to simulate. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/simulate/ct.h>
#include <subspan/solvers/simulate/mri.h>
#include <subspan/solvers/simulate/simulate.h>
#include <string.h>

PetscErrorCode SpanSimulateCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  const char *const kinds[] = {"mri", "ct"};
  PetscBool help;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", &help));
  SpanCheckInput(
      comm, n_inputs >= 1 || help,
      "simulate: what? `subspan simulate mri IMAGE -o SCAN.h5`, `subspan simulate ct VOLUME -o PROJECTIONS.h5`");
  if (n_inputs) {
    const char *nearest = SpanOptionsNearest(inputs[0], kinds, 2);
    if (!strcmp(inputs[0], "ct")) PetscFunctionReturn(SpanSimulateCT(comm, inputs + 1, n_inputs - 1));
    SpanCheckInput(comm, !strcmp(inputs[0], "mri"), "simulate %s: it can simulate mri and ct%s%s", inputs[0],
                   nearest ? "; the nearest is " : "", nearest ? nearest : "");
  }
  PetscCall(SpanSimulateMRI(comm, inputs + 1, n_inputs ? n_inputs - 1 : 0));
  PetscFunctionReturn(0);
}
