/* What a scan format implements. `detect` and `open` run on every rank; `open` fills `info` and may keep `data`. For a
   3D scan it fills `hybrid`, and `read_kspace` is not called. */
#pragma once
#include <subspan/io/hybrid.h>
#include <subspan/io/scan.h>
#include <stdint.h>

typedef struct {
  const char *name;
  PetscErrorCode (*detect)(const char path[], PetscBool *yes);
  PetscErrorCode (*open)(SpanScan scan);
  PetscErrorCode (*close)(SpanScan scan);
  PetscErrorCode (*read_kspace)(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                float complex *kspace);
  PetscErrorCode (*read_mask)(SpanScan scan, PetscInt slice, float *mask); /* NULL: from the non-zero samples */
  PetscErrorCode (*read_trajectory)(SpanScan scan, PetscInt slice, float *trajectory);
  PetscErrorCode (*read_density)(SpanScan scan, PetscInt slice, float *density);
} SpanScanFormat;

struct SpanScan_ {
  MPI_Comm comm;
  const SpanScanFormat *format;
  SpanScanInfo info;
  void *data;
  SpanHybridSource hybrid; /* `read` NULL: none */
  SpanHybridPart part;     /* what SpanScanPrepare read */
};

extern const SpanScanFormat SpanScanFastMRI, SpanScanISMRMRD, SpanScanBART;

/* `mask` of an open HDF5 file, (ny, nx) or (nx), as 0 and 1. */
PetscErrorCode SpanFastMRIMask(int64_t file, const char path[], PetscInt ny, PetscInt nx, float *mask);

/* A data set that holds one text, of variable or fixed length, as a C string; the caller frees it. */
PetscErrorCode SpanIsmrmrdHeaderText(int64_t file, const char path[], const char name[], char **text);
/* The grid of a fastMRI file from its data set `ismrmrd_header`: the matrix to crop to, the voxel size. */
PetscErrorCode SpanIsmrmrdHeaderGrid(int64_t file, SpanScanInfo *info);
