/* Writes projections as Subspan's own file (docs/formats.md), in parallel. */
#pragma once
#include <subspan/io/projections.h>

typedef struct SpanProjectionsWriter_ *SpanProjectionsWriter;

/* Views and detector rows of a whole. */
typedef struct {
  PetscInt first_view, n_views, first_row, n_rows;
} SpanProjectionsPart;

/* Collective. The geometry and what else `info` says goes into the file, `counts` if has_counts; path and format of
   `info` are not looked at. Everything goes to PATH.part, which the commit renames. Errors (input): the path cannot be
   written. */
PetscErrorCode SpanProjectionsWriterCreate(MPI_Comm comm, const char path[], const SpanProjectionsInfo *info,
                                           SpanProjectionsWriter *writer);
/* Collective: every rank gives a part, or one of no views or rows. lines, counts: (n_views, n_rows, n_u) of it; counts
   NULL without has_counts. */
PetscErrorCode SpanProjectionsWrite(SpanProjectionsWriter writer, const SpanProjectionsPart *part, const float *lines,
                                    const float *counts);
/* Collective: an attribute of /provenance. */
PetscErrorCode SpanProjectionsWriteProvenance(SpanProjectionsWriter writer, const char name[], const char value[]);
/* Collective: flushes, closes and renames. */
PetscErrorCode SpanProjectionsWriterCommit(SpanProjectionsWriter *writer);
