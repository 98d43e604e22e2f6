/* The inside of the SENSE operator, shared by sense.c and sense_normal.c. */
#pragma once
#include <subspan/operators/imaging/columns.h>
#include <subspan/operators/imaging/fft.h>
#include <subspan/operators/imaging/sense.h>

typedef enum {
  SPAN_SENSE_BOTH,    /* the mask varies along both axes */
  SPAN_SENSE_ALONG_X, /* all rows alike: the transform along y cancels in A'A */
  SPAN_SENSE_ALONG_Y  /* all columns alike: the transform along x cancels */
} SpanSenseAxis;

struct SpanSense_ {
  MPI_Comm team;
  int team_size;
  PetscInt ny, nx, n_samples;
  SpanCoils *coils;
  const float *mask;
  SpanNufft nufft;
  SpanToeplitz toeplitz;
  SpanFFT fft;
  SpanSenseAxis axis;
  PetscInt stride;
  float *corner_mask;        /* the mask with k = 0 in the corner, rows as the columns' frequencies, over the scale */
  float complex *work;       /* (ny, stride) */
  float complex *coil_image; /* (ny, nx) */
  float complex *sum;        /* image of all ranks of the team */
  struct fftwf_plan_s *rows[2];
  SpanColumns columns; /* NULL along x alone */
};

PetscErrorCode SpanSenseNormalSetUp(SpanSense sense);
PetscErrorCode SpanSenseNormalCartesian(SpanSense sense, const float complex *in, float complex *out);
PetscErrorCode SpanSenseTeamSum(SpanSense sense, float complex *image);
