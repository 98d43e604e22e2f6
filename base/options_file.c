/* Options files through PETSc's readers, whose errors become one line. */
#include <subspan/base/error.h>
#include <subspan/base/options_file.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One rank reads the file into a database that is thrown away: only then all may try together. */
static PetscErrorCode Check(const char path[])
{
  PetscOptions scratch;
  PetscErrorCode ierr;
  const char *ending = strrchr(path, '.');
  PetscBool yaml     = (PetscBool)(ending && (!strcmp(ending, ".yaml") || !strcmp(ending, ".yml")));
  PetscFunctionBeginUser;
  SpanCheckInput(PETSC_COMM_SELF, !access(path, R_OK), "%s: no such options file, or it cannot be read", path);
  PetscCall(PetscOptionsCreate(&scratch));
  PetscCall(PetscPushErrorHandler(PetscIgnoreErrorHandler, NULL));
  ierr = PetscOptionsInsertFile(PETSC_COMM_SELF, scratch, path, PETSC_TRUE);
  PetscCall(PetscPopErrorHandler());
  PetscCall(PetscOptionsDestroy(&scratch));
  SpanCheckInput(PETSC_COMM_SELF, !ierr, "%s: not an options file: %s expected", path,
                 yaml ? "YAML, one `name: value` a line," : "one `-name value` a line, or YAML with the ending .yaml,");
  PetscFunctionReturn(0);
}

PetscErrorCode SpanOptionsFileRead(void)
{
  char path[PETSC_MAX_PATH_LEN];
  PetscBool set;
  int rank, argc;
  char **argv;
  PetscFunctionBeginUser;
  PetscCall(PetscOptionsGetString(NULL, NULL, "-span_options_file", path, sizeof path, &set));
  if (!set) PetscFunctionReturn(0);
  PetscCallMPI(MPI_Comm_rank(PETSC_COMM_WORLD, &rank));
  PetscCall(SpanErrorAgree(PETSC_COMM_WORLD, rank ? 0 : Check(path)));
  PetscCall(PetscOptionsInsertFile(PETSC_COMM_WORLD, NULL, path, PETSC_TRUE));
  PetscCall(PetscGetArgs(&argc, &argv));
  PetscCall(PetscOptionsInsert(NULL, &argc, &argv, NULL));
  PetscFunctionReturn(0);
}
