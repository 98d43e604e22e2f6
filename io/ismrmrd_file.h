/* Access to an ISMRMRD file: its group `dataset` with the XML header `xml` and the list of acquisitions `data`.
   Read-only and without locks, so that any number of ranks can have it open; libismrmrd itself opens files for writing,
   which only one process can do at a time. */
#pragma once
#include <complex.h>
#include <hdf5.h>
#include <ismrmrd/ismrmrd.h>
#include <petscsys.h>

typedef struct {
  hid_t file, data, heads, body; /* the file, the list, and the types its parts are read by; -1: not open */
  hsize_t n;                     /* acquisitions */
} SpanIsmrmrdFile;

/* An acquisition's numbers. */
typedef struct {
  const float complex *data; /* (channel, sample) */
  const float *trajectory;   /* (sample, dimension) */
  hvl_t stored[2];           /* what HDF5 allocated */
} SpanIsmrmrdSamples;

/* Errors (input): cannot be opened; no list of acquisitions; *file can be closed all the same. */
PetscErrorCode SpanIsmrmrdFileOpen(const char path[], SpanIsmrmrdFile *file);
void SpanIsmrmrdFileClose(SpanIsmrmrdFile *file);
/* The header of `n` acquisitions from `first` on: flags, sizes, centre, directions, position and counters are set. */
PetscErrorCode SpanIsmrmrdFileHeads(const SpanIsmrmrdFile *file, const char path[], hsize_t first, hsize_t n,
                                    ISMRMRD_AcquisitionHeader *heads);
/* Errors (input): cannot be read; other than n_data complex numbers and n_trajectory real ones. */
PetscErrorCode SpanIsmrmrdFileSamples(const SpanIsmrmrdFile *file, const char path[], hsize_t at, size_t n_data,
                                      size_t n_trajectory, SpanIsmrmrdSamples *samples);
void SpanIsmrmrdSamplesFree(const SpanIsmrmrdFile *file, SpanIsmrmrdSamples *samples);
