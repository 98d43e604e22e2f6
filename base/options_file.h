/* `--options_file FILE`: a run's options in a file. */
#pragma once
#include <petscsys.h>

/* Collective on PETSC_COMM_WORLD, after PetscInitialize. Reads the file named by -span_options_file, if there is one,
   in PETSc's format (`-name value` a line, # comments) or, by its ending .yaml or .yml, as YAML. What the command line
   says goes before the file. Errors (input): a file that cannot be read as such. */
PetscErrorCode SpanOptionsFileRead(void);
