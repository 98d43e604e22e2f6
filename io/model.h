/* A model file: one HDF5 file that holds a network's weights and everything that is needed to use them.

     /                  attributes `subspan_model` (the kind: "prior"), `format` (1)
     /configuration     attributes: numbers and texts by which the network is built
     /parameters/NAME   one data set a parameter under its dotted name, float32 or float16
     /history/NAME      tables (rows, columns) of doubles with an attribute `columns` ("step,loss,...")
     /provenance        attributes: texts */
#pragma once
#include <petscsys.h>

typedef struct SpanModel_ *SpanModel;

typedef enum { SPAN_MODEL_FLOAT32, SPAN_MODEL_FLOAT16 } SpanModelStorage;

/* Writing is collective: every rank passes the same, rank 0's numbers are stored. The file is PATH.part until
   SpanModelCommit renames it. Errors (input): cannot be written. */
PetscErrorCode SpanModelCreate(MPI_Comm comm, const char path[], const char kind[], SpanModel *model);
PetscErrorCode SpanModelWriteNumbers(SpanModel model, const char name[], PetscInt n, const double values[]);
PetscErrorCode SpanModelWriteText(SpanModel model, const char name[], const char text[]);
PetscErrorCode SpanModelWriteProvenance(SpanModel model, const char name[], const char text[]);
/* A parameter with numbers beyond the range of float16 is stored as float32. */
PetscErrorCode SpanModelWriteParameter(SpanModel model, const char name[], SpanModelStorage storage, int n_dims,
                                       const PetscInt64 shape[], const float values[]);
/* values: (rows, columns), `columns` names them with commas between. */
PetscErrorCode SpanModelWriteTable(SpanModel model, const char name[], const char columns[], PetscInt rows,
                                   PetscInt n_columns, const double values[]);
PetscErrorCode SpanModelCommit(SpanModel *model);

/* Collective. kind: NULL for any. Errors (input): no such file, not a model, a model of another kind than `kind` (both
   are named). */
PetscErrorCode SpanModelOpen(MPI_Comm comm, const char path[], const char kind[], SpanModel *model);
PetscErrorCode SpanModelClose(SpanModel *model);
/* Not collective from here on. Errors (input): an attribute of `configuration` that is missing, of another type or of
   another number of elements than 1 to `most`; numbers that are not finite. *n may be NULL if most is 1. */
PetscErrorCode SpanModelReadNumbers(SpanModel model, const char name[], PetscInt most, double values[], PetscInt *n);
PetscErrorCode SpanModelReadText(SpanModel model, const char name[], char text[], size_t size);
PetscBool SpanModelHas(SpanModel model, const char name[]); /* an attribute of `configuration` */
const char *SpanModelPath(SpanModel model);
const char *SpanModelKind(SpanModel model);
/* Errors (input): the file has another number of parameters than the network, both are named. */
PetscErrorCode SpanModelCheckCount(SpanModel model, PetscInt n);
/* Errors (input): as the next one but for the numbers, which are not read. */
PetscErrorCode SpanModelCheckParameter(SpanModel model, const char name[], int n_dims, const PetscInt64 shape[]);
/* Errors (input): so many numbers cannot be in a file of this size, however well it is compressed. */
PetscErrorCode SpanModelCheckSize(SpanModel model, PetscInt64 numbers);
/* Errors (input): missing, of another shape (file, parameter and both shapes are named), not finite. */
PetscErrorCode SpanModelReadParameter(SpanModel model, const char name[], int n_dims, const PetscInt64 shape[],
                                      float values[]);
/* A table of `history`, (*rows, n_columns), to be freed with PetscFree; *rows 0 and *values NULL if there is none.
   Errors (input): its columns are not `columns`, both are named; another shape; not finite. */
PetscErrorCode SpanModelReadTable(SpanModel model, const char name[], const char columns[], PetscInt n_columns,
                                  PetscInt *rows, double **values);
