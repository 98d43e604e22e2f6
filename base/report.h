/* What a run tells at its end, in words and as a JSON file. */
#pragma once
#include <petscsys.h>

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
/* This rank works, and does not wait for others, from Begin to End; pairs may lie in others. The rank that did so
   longest: who the others wait for. */
typedef struct {
  int ranks, rank;
  char host[MPI_MAX_PROCESSOR_NAME];
  double seconds, mean;
} SpanReportWork;
void SpanReportWorkBegin(void);
void SpanReportWorkEnd(void);
/* Collective. */
PetscErrorCode SpanReportSlowest(MPI_Comm comm, SpanReportWork *work);
/* Adds it to `json`, or prints a line where that is NULL; of one rank nothing. */
void SpanReportSaySlowest(const SpanReportWork *work, struct cJSON *json);
/* Free memory of this node in bytes; 0 if unknown. */
double SpanReportFreeMemory(void);
