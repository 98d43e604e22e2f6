/* An image volume on disk. Written as one HDF5 file that is VTKHDF ImageData (ParaView opens it) and fastMRI-like
   (`/reconstruction` is a hard link to `/VTKHDF/PointData/reconstruction`) at once; read from that, from fastMRI-like
   HDF5 (`reconstruction`, `reconstruction_rss`, `reconstruction_esc`, `image`) and from NIfTI, told apart by content.
 */
#pragma once
#include <petscsys.h>
#include <subspan/io/grid.h>

typedef struct SpanVolumeWriter_ *SpanVolumeWriter;
typedef struct SpanVolumeReader_ *SpanVolumeReader;

/* Collective. Everything goes to PATH.part, which SpanVolumeWriterCommit renames: no half-written file ever bears the
   name. Errors (input): the path cannot be written. */
PetscErrorCode SpanVolumeWriterCreate(MPI_Comm comm, const char path[], const SpanGrid *grid, SpanVolumeWriter *writer);
/* The unit of the arrays written from now on, an attribute `units`: "HU", "1/mm"; "": none. Errors: too long. */
PetscErrorCode SpanVolumeWriterUnits(SpanVolumeWriter writer, const char units[]);
/* Collective: every rank gives its slices (count may be 0). data: (count, ny, nx). */
PetscErrorCode SpanVolumeWrite(SpanVolumeWriter writer, const char name[], PetscInt first, PetscInt count,
                               const float *data);
/* Collective: an attribute of /provenance. */
PetscErrorCode SpanVolumeWriteProvenance(SpanVolumeWriter writer, const char name[], const char value[]);
/* Collective: flushes, closes and renames. */
PetscErrorCode SpanVolumeWriterCommit(SpanVolumeWriter *writer);
/* Collective. `array` NULL takes `reconstruction` or whatever stands for it. */
PetscErrorCode SpanVolumeReaderOpen(MPI_Comm comm, const char path[], const char array[], SpanVolumeReader *reader);
const SpanGrid *SpanVolumeReaderGrid(SpanVolumeReader reader);
/* Collective. CT projections (projections.h) as a stack of sinograms, a slice a detector row: (n_v, n_views, n_u). */
PetscErrorCode SpanVolumeReaderOpenSinograms(MPI_Comm comm, const char path[], const char scan[],
                                             SpanVolumeReader *reader);
/* The attribute `units` of the array, of HDF5; empty where there is none. */
const char *SpanVolumeReaderUnits(SpanVolumeReader reader);
/* Whether the file is an image volume at all. Not collective. */
PetscErrorCode SpanVolumeDetect(const char path[], PetscBool *yes);
/* Not collective. data: (count, ny, nx). Complex arrays are read as magnitudes. Errors (input): not finite. */
PetscErrorCode SpanVolumeRead(SpanVolumeReader reader, PetscInt first, PetscInt count, float *data);
PetscErrorCode SpanVolumeReaderClose(SpanVolumeReader *reader);
