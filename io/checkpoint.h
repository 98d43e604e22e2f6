/* Checkpoints: one HDF5 file of global arrays, independent of the number of ranks.

   A checkpoint is written to PATH.writing, read back and checked, flushed to disk, and renamed to PATH; the one before
   stays as PATH.previous. Whatever moment a rank or machine dies, PATH or PATH.previous is whole. Each row of each
   array has a CRC-32, so a file that was cut or damaged later is seen, and the previous one is taken. */
#pragma once
#include <petscsys.h>
#include <stdint.h>

typedef struct SpanCheckpoint_ *SpanCheckpoint;

typedef enum {
  SPAN_CHECKPOINT_BYTE,
  SPAN_CHECKPOINT_INT64,
  SPAN_CHECKPOINT_FLOAT,
  SPAN_CHECKPOINT_DOUBLE
} SpanCheckpointType;

/* Collective. `kind` names the job ("recon"), `fingerprint` whatever must be equal for a resume to make sense: input
   hash, model hash, options. Errors (input): the path cannot be written. */
PetscErrorCode SpanCheckpointCreate(MPI_Comm comm, const char path[], const char kind[], const char fingerprint[],
                                    SpanCheckpoint *checkpoint);
/* Collective: the array `name` of (rows, length) elements, of which this rank gives rows first .. first + count. Rows
   that no rank gives are zero. */
PetscErrorCode SpanCheckpointWrite(SpanCheckpoint checkpoint, const char name[], SpanCheckpointType type, PetscInt rows,
                                   PetscInt length, PetscInt first, PetscInt count, const void *data);
/* Collective: checks, flushes and renames. */
PetscErrorCode SpanCheckpointCommit(SpanCheckpoint *checkpoint);

/* Collective: opens the newest whole checkpoint of PATH; *checkpoint is NULL if there is none. Errors (input): it is of
   another kind or has another fingerprint, both are named. */
PetscErrorCode SpanCheckpointOpen(MPI_Comm comm, const char path[], const char kind[], const char fingerprint[],
                                  SpanCheckpoint *checkpoint);
/* Not collective. rows 0 and length 0 if there is no such array. */
PetscErrorCode SpanCheckpointSize(SpanCheckpoint checkpoint, const char name[], PetscInt *rows, PetscInt *length);
/* Not collective: rows first .. first + count. Errors (input): a checksum that does not hold. */
PetscErrorCode SpanCheckpointRead(SpanCheckpoint checkpoint, const char name[], SpanCheckpointType type, PetscInt first,
                                  PetscInt count, void *data);
PetscErrorCode SpanCheckpointClose(SpanCheckpoint *checkpoint);
