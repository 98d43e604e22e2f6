/* What a scan format implements. `detect` and `open` run on every rank; `open` fills `info` and may keep `data`. */
#pragma once
#include <subspan/io/scan.h>

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
};

extern const SpanScanFormat SpanScanFastMRI, SpanScanISMRMRD, SpanScanBART;
