/* What the two halves of the ISMRMRD format share: io/ismrmrd.c opens and indexes, io/ismrmrd_read.c reads. */
#pragma once
#include <subspan/io/ismrmrd_file.h>
#include <subspan/io/ismrmrd_header.h>
#include <subspan/io/scan_private.h>

typedef struct {
  uint32_t at; /* in the file */
  uint16_t step1, step2, slice, samples, centre, discard_pre, discard_post, reversed, channels, dimensions;
  float position[3], read_dir[3], phase_dir[3], slice_dir[3];
} Line;

typedef struct {
  SpanIsmrmrdFile file;
  SpanIsmrmrdHeader header;
  Line *lines;
  PetscInt n_lines;
  PetscInt readout, kept; /* samples of the encoded readout, and of its kept part */
  PetscInt start;         /* of the kept part */
  float *counts;          /* 3D: lines at (step2, step1) */
} Ismrmrd;

PetscErrorCode SpanIsmrmrdReadKspace(SpanScan scan, PetscInt slice, PetscInt first_coil, PetscInt n_coils,
                                     float complex *kspace);
PetscErrorCode SpanIsmrmrdReadMask(SpanScan scan, PetscInt slice, float *mask);
PetscErrorCode SpanIsmrmrdReadTrajectory(SpanScan scan, PetscInt slice, float *trajectory);
/* 3D: after the index and the shapes are there. */
PetscErrorCode SpanIsmrmrdSetHybrid(SpanScan scan);
