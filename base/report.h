/* What a run tells: progress while it works, a JSON file of the same facts at its end. */
#pragma once
#include <petscsys.h>

typedef struct SpanProgress_ *SpanProgress;

/* One line on a terminal, rewritten; in a batch log a plain line every 30 s. Only rank 0 of comm prints, on standard
   error. `total` steps of `what`. Not collective but for creation. */
PetscErrorCode SpanProgressCreate(MPI_Comm comm, const char what[], PetscInt total, SpanProgress *progress);
PetscErrorCode SpanProgressUpdate(SpanProgress progress, PetscInt done);
/* A run that goes on from `done` steps; another total; what the line ends with from now on (", loss 0.1"). */
void SpanProgressStart(SpanProgress progress, PetscInt done);
void SpanProgressSetTotal(SpanProgress progress, PetscInt total);
PetscErrorCode SpanProgressNote(SpanProgress progress, const char note[]);
PetscErrorCode SpanProgressDestroy(SpanProgress *progress);

/* Collective: whether `path` (empty: nothing to say) can be written later, before the work that is to be written.
   Errors (input): no such directory, no permission, a directory. */
PetscErrorCode SpanReportCheckPlace(MPI_Comm comm, const char path[]);

struct cJSON;
/* Rank 0 writes `json` to `path` through PATH.part and a rename. Collective. Errors (input): cannot be written. */
PetscErrorCode SpanReportWrite(MPI_Comm comm, const char path[], const struct cJSON *json);

/* The command line as it was understood, for provenance. */
void SpanReportCommand(char text[], size_t size);

/* Wall-clock seconds since the program began; the largest resident set of this rank so far, in bytes. */
double SpanReportSeconds(void);
double SpanReportPeakMemory(void);
/* Free memory of this node in bytes; 0 if unknown. */
double SpanReportFreeMemory(void);
