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
  SPAN_OPTION_BOOL    /* value: PetscBool */
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

/* Rewrites argv: `--a-b=c` and `--a-b c` to `-a_b c`; words that belong to no option become *inputs (pointers into
   argv). `flags` names the options that take no value. Called before PetscInitialize. */
void SpanOptionsParse(int *argc, char **argv, const char *const *inputs[], int *n_inputs);

/* Collective. Reads the table from the database; with --help prints usage, options with defaults and ranges, and
   examples on standard output instead, and sets *stop. Errors (input): a value of the wrong type or out of range or
   not among the choices, with the range; an option that is not in the table, with the nearest name. */
PetscErrorCode SpanOptionsRead(MPI_Comm comm, const SpanCommandHelp *help, PetscBool *stop);

/* The edit distance (insert, delete, replace, swap) and the candidate nearest to `word`; NULL if none is near. */
const char *SpanOptionsNearest(const char word[], const char *const candidates[], int n);
