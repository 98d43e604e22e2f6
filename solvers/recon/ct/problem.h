/* The problem that a method gets: projections, weights and grid of a file and the options. */
#pragma once
#include <subspan/io/projections.h>
#include <subspan/solvers/recon/ct/method.h>

typedef struct {
  SpanCTProblem problem;
  SpanCTGeometry geometry;        /* with the grid that the options ask for */
  PetscInt first_slice, n_slices; /* of the file's, that --slices chose; a stack's */
  PetscBool axis_found;           /* the file does not say where the axis is: it was found */
  PetscBool hu;                   /* output, reference and bounds are in HU */
  PetscReal direction[9];         /* of the volume in the patient (io/grid.h) */
  float *lines, *weights;
  PetscReal *angles, *source_z; /* of the views that --every took; NULL where it takes all */
} SpanCTInput;

/* Collective: the grid, units and slices, from the file's head and the options. Errors (input): --units hu without the
   attenuation of water, --slices of a cone, a --method for another beam. */
PetscErrorCode SpanCTInputPlan(MPI_Comm comm, SpanProjections projections, const SpanReconOptions *options,
                               SpanCTInput *input);
/* Collective: slabs and data. */
PetscErrorCode SpanCTInputLoad(MPI_Comm comm, SpanProjections projections, SpanCTInput *input);
PetscErrorCode SpanCTInputDestroy(SpanCTInput *input);
/* n numbers of the output's units to 1/mm and back, in place. */
void SpanCTFromUnits(const SpanCTInput *input, PetscInt n, float *values);
void SpanCTToUnits(const SpanCTInput *input, PetscInt n, float *values);
/* --least and --most in 1/mm; without them air and infinity. */
void SpanCTBounds(const SpanCTProblem *problem, double *least, double *most);
