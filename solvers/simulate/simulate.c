/* `subspan simulate WHAT ...`: finds what to simulate. */
#include <subspan/base/error.h>
#include <subspan/base/options.h>
#include <subspan/solvers/simulate/burgers.h>
#include <subspan/solvers/simulate/ct.h>
#include <subspan/solvers/simulate/darcy.h>
#include <subspan/solvers/simulate/helmholtz.h>
#include <subspan/solvers/simulate/mri.h>
#include <subspan/solvers/simulate/navier_stokes.h>
#include <subspan/solvers/simulate/simulate.h>
#include <string.h>

static const struct {
  const char *name, *usage;
  PetscBool from_input; /* else it is made from its options alone */
  PetscErrorCode (*run)(MPI_Comm comm, const char *const inputs[], int n_inputs);
} kinds[] = {
    {"mri", "subspan simulate mri IMAGE -o SCAN.h5", PETSC_TRUE, SpanSimulateMRI},
    {"ct", "subspan simulate ct VOLUME -o PROJECTIONS.h5", PETSC_TRUE, SpanSimulateCT},
    {"darcy", "subspan simulate darcy -o FIELDS.h5", PETSC_FALSE, SpanSimulateDarcy},
    {"burgers", "subspan simulate burgers -o FIELDS.h5", PETSC_FALSE, SpanSimulateBurgers},
    {"navier-stokes", "subspan simulate navier-stokes -o FIELDS.h5", PETSC_FALSE, SpanSimulateNavierStokes},
    {"helmholtz", "subspan simulate helmholtz -o FIELDS.h5", PETSC_FALSE, SpanSimulateHelmholtz},
};
enum { n_kinds = sizeof kinds / sizeof kinds[0] };

static PetscErrorCode Usage(MPI_Comm comm)
{
  PetscFunctionBeginUser;
  PetscCall(PetscPrintf(comm, "usage: [mpirun -n RANKS] subspan simulate WHAT ... [--option value]...\n\n"));
  for (int i = 0; i < n_kinds; i++) PetscCall(PetscPrintf(comm, "  %s\n", kinds[i].usage));
  PetscCall(PetscPrintf(comm, "\n`subspan simulate WHAT --help` lists the options of each.\n"));
  PetscFunctionReturn(0);
}

PetscErrorCode SpanSimulateCommand(MPI_Comm comm, const char *const inputs[], int n_inputs)
{
  const char *names[n_kinds];
  char all[256] = "";
  PetscBool help;
  PetscFunctionBeginUser;
  for (int i = 0; i < n_kinds; i++) {
    names[i] = kinds[i].name;
    PetscCall(PetscStrlcat(all, i == 0 ? "" : i < n_kinds - 1 ? ", " : " and ", sizeof all));
    PetscCall(PetscStrlcat(all, names[i], sizeof all));
  }
  PetscCall(PetscOptionsHasName(NULL, NULL, "-span_help", &help));
  if (help && !n_inputs) {
    PetscCall(Usage(comm));
    PetscFunctionReturn(0);
  }
  SpanCheckInput(comm, n_inputs >= 1, "simulate: what? It can simulate %s", all);
  for (int i = 0; i < n_kinds; i++)
    if (!strcmp(inputs[0], names[i])) {
      SpanCheckInput(comm, kinds[i].from_input || n_inputs == 1, "simulate %s: `%s`: it takes no input", names[i],
                     inputs[1]);
      PetscCall(kinds[i].run(comm, inputs + 1, n_inputs - 1));
      PetscFunctionReturn(0);
    }
  const char *nearest = SpanOptionsNearest(inputs[0], names, n_kinds);
  SETERRQ(comm, PETSC_ERR_USER_INPUT, "simulate %s: it can simulate %s%s%s", inputs[0], all,
          nearest ? "; the nearest is " : "", nearest ? nearest : "");
}
