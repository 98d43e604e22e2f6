/* Command-line options on PETSc's options database.

   The program spells arguments as users do (`--dds-steps 50`, `--dds-steps=50`, `-o OUT`), SpanOptionsParse turns them
   into PETSc's spelling before PetscInitialize. A command lists its options in one table, which gives the defaults,
   the checks, the help text and the nearest name for a misspelt one. */
#pragma once
#include <petscsys.h>

typedef enum {
  SPAN_OPTION_STRING, /* value: char[PETSC_MAX_PATH_LEN] */
  SPAN_OPTION_CHOICE, /* value: char[PETSC_MAX_PATH_LEN], one of `choices` ("a|b|c") */
  SPAN_OPTION_INT,    /* value: PetscInt */
  SPAN_OPTION_REAL,   /* value: PetscReal */
  SPAN_OPTION_BOOL,   /* value: PetscBool */
  SPAN_OPTION_HEADING /* no option: a line of the help text, `help`, over those that follow */
} SpanOptionType;

typedef struct {
  const char *name; /* with underscores: "center_fraction" */
  SpanOptionType type;
  void *value;     /* holds the default on entry */
  double min, max; /* inclusive; both 0 for no bound */
  const char *choices;
  const char *help; /* one line; NULL hides the option from the help text */
} SpanOption;

typedef struct {
  const char *name;            /* "recon" */
  const char *usage;           /* "recon DATA -o OUT.h5 [--option value]..." */
  const char *summary;         /* a line or two */
  const char *examples;        /* lines, ready to copy */
  const SpanOption *options;   /* ended by a NULL name */
  const char *const *prefixes; /* PETSc prefixes ("recon_") whose KSP options the command takes; NULL-ended */
} SpanCommandHelp;

/* Takes the command line apart before PetscInitialize. `--a-b=c` and `--a-b c` become `-a_b c` in *petsc_argv; words
   that belong to no option go to *inputs. Both arrays are allocated, NULL-ended and live as long as the program.
   `flags`, NULL-ended, names the options that take no value. */
void SpanOptionsParse(int argc, char **argv, const char *const flags[], int *petsc_argc, char ***petsc_argv,
                      int *n_inputs, const char *const **inputs);

/* Collective. Reads the table from the database; with --help prints usage, options with defaults and ranges, and
   examples on standard output instead, and sets *stop. Errors (input): a value of the wrong type or out of range or
   not among the choices, with the range; an option that is not in the table, with the nearest name. */
PetscErrorCode SpanOptionsRead(MPI_Comm comm, const SpanCommandHelp *help, PetscBool *stop);

/* Collective. Errors (input): an option that begins with `prefix` and that no solver has read. After the set-up of the
   command's solver: options of the solvers inside it (PREFIXmg_..., PREFIXpc_mg_..., PREFIXsub_...) are not refused
   before. */
PetscErrorCode SpanOptionsRefuseLeft(MPI_Comm comm, const char prefix[]);

/* `text`, FIRST:LAST, of n slices of the file `path`; empty: all of them. Errors (input): not such a range. */
PetscErrorCode SpanOptionsSlices(MPI_Comm comm, const char text[], const char path[], PetscInt n, PetscInt *first,
                                 PetscInt *count);

/* The edit distance (insert, delete, replace, swap) and the candidate nearest to `word`; NULL if none is near. */
const char *SpanOptionsNearest(const char word[], const char *const candidates[], int n);
