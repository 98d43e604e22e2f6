/* A 3D scan whose readout is transformed to positions, which are its slices. A slice needs every readout of the scan,
   so the ranks share the readouts, transform each once, and give each other the positions they asked for: no rank holds
   more than its own slices and coils. Sums have the order of the file, whatever the number of ranks. */
#pragma once
#include <complex.h>
#include <petscsys.h>

typedef struct {
  PetscInt n_lines; /* readouts in the file, of all coils each */
  PetscInt n_positions, n_coils;
  PetscInt plane;      /* (row, column) places of a slice */
  const float *counts; /* (plane): lines that go to each place, to average them; NULL: one at most */
  /* Lines [first, first + count) of coils [first_coil, first_coil + n_coils), transformed: positions (count, n_coils,
     n_positions); places (count): where each goes in a plane. Not collective. */
  PetscErrorCode (*read)(void *context, PetscInt first, PetscInt count, PetscInt first_coil, PetscInt n_coils,
                         float complex *positions, PetscInt *places);
  void *context;
} SpanHybridSource;

/* What one rank wants of it. */
typedef struct {
  PetscInt first_slice, n_slices, first_coil, n_coils;
  float complex *data; /* (n_slices, n_coils, plane): the mean of the lines of each place; PetscFree it */
} SpanHybridPart;

/* Collective on `comm`; every rank its own part, which may be empty, and whose data it allocates. Errors: those of
   `read`, on all ranks. */
PetscErrorCode SpanHybridRead(MPI_Comm comm, const SpanHybridSource *source, SpanHybridPart *part);
/* Bytes of the largest buffers that SpanHybridRead has beside the data. */
double SpanHybridBuffers(MPI_Comm comm, const SpanHybridSource *source);
